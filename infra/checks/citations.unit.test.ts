import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY_DIR } from '@mini-pg/local-stack';
import { describe, expect, it } from 'vitest';
import { citationProblems } from './citations.ts';
import { readFiles } from './files.ts';

/** These show what is not there on purpose. */
const OF_CHECKS = /^infra\/checks\/\w[\w-]*\.(?:unit\.test\.)?ts$/;

describe('the files of this repository', () => {
  it('cite only documents that are there', () => {
    const all = readFiles(REPOSITORY_DIR, ['.ts', '.mjs', '.md']);
    const files = all.filter(({ path }) => !OF_CHECKS.test(path));
    expect(files.length).toBeGreaterThan(100);
    const exists = (path: string) => existsSync(join(REPOSITORY_DIR, path));
    expect(citationProblems(files, exists)).toEqual([]);
  });
});

describe('a citation', () => {
  const files = [
    { path: 'docs/adr/0001-a.md', text: '' },
    { path: 'docs/reference/some-rules.md', text: '' },
  ];
  const problemsOf = (text: string, path = 'a.ts') =>
    citationProblems([...files, { path, text }], (page) => files.some((one) => one.path === page));

  it.each([
    '/** As in docs/reference/some-rules.md. */',
    '// some-rules, section 2',
    '/** ADR 0001; RFC 9457, section 3.1; ASVS 4.0 */',
    'const text = "pg-protocols, section 1";',
    '/** see https://docs.example.com/docs/reference/nowhere.html, and 1.5 % of it */',
  ])('may be %s', (text) => {
    expect(problemsOf(text)).toEqual([]);
  });

  it.each([
    ['/** As in docs/reference/other.md. */', 'docs/reference/other.md'],
    ['/** Once (design, section 3). */', 'design'],
    ['/** Once (design section 3). */', 'design'],
    ['/** By the book (pg-protocols,\n * section 1.3). */', 'pg-protocols'],
    ['// settlement-domain, 2.3', 'settlement-domain'],
    ['/** ADR 0002 */', 'ADR 0002'],
  ])('may not be %j', (text, name) => {
    expect(problemsOf(text)).toEqual([`a.ts: there is no ${name}`]);
  });

  it('of a page is held to the same', () => {
    expect(problemsOf('By settlement-domain, 1.3', 'x.md')).toEqual([
      'x.md: there is no settlement-domain',
    ]);
  });
});
