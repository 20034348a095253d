import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { REPOSITORY_DIR } from '@mini-pg/local-stack';
import { describe, expect, it } from 'vitest';
import { namesOfMatrix } from '../crash-matrix/index.ts';
import { patchOf } from '../crash-matrix/mutant-build.ts';
import { MUTANTS } from '../crash-matrix/mutants.ts';

describe('a mutant', () => {
  it.each(MUTANTS)('$name has a patch that applies to the sources', ({ name }) => {
    execFileSync('git', ['apply', '--check', patchOf(name)], { cwd: REPOSITORY_DIR });
  });

  it.each(MUTANTS)('$name is held to rows that there are', ({ rows }) => {
    expect(rows.filter((row) => !namesOfMatrix().includes(row))).toEqual([]);
    expect(rows).not.toEqual([]);
  });
});

describe('the patches', () => {
  it('are those of the mutants', () => {
    const folder = new URL('../crash-matrix/mutants', import.meta.url);
    const names = readdirSync(folder).map((file) => file.replace(/\.patch$/, ''));
    expect(names.sort()).toEqual(MUTANTS.map(({ name }) => name).sort());
  });
});
