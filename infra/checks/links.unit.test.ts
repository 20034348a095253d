import { REPOSITORY_DIR } from '@mini-pg/local-stack';
import { describe, expect, it } from 'vitest';
import { readFiles } from './files.ts';
import { markdownProblems, type Surroundings } from './links.ts';
import { repositorySurroundings } from './surroundings.ts';

describe('the Markdown of this repository', () => {
  it('shows only links, paths and commands that are there', () => {
    const files = readFiles(REPOSITORY_DIR, ['.md']);
    expect(files.length).toBeGreaterThan(10);
    expect(markdownProblems(files, repositorySurroundings())).toEqual([]);
  });
});

describe('a page', () => {
  it.each([
    ['a link to a file', '[x](docs/a.md)'],
    ['a link to a folder', '[x](docs)'],
    ['a link to a heading', '# A `b`: c?\n\n[x](#a-b-c)'],
    ['a link to the second heading of a name', '# A\n\n# A\n\n[x](#a-1)'],
    ['a link to another host', '[x](https://example.com/nowhere)'],
    ['a link by reference', '[x][y]\n\n[y]: docs/a.md'],
    ['a link in code', '`[x](nowhere.md)`\n\n```md\n[x](nowhere.md)\n```'],
    ['a path', '`docs/a.md` and `docs/<name>.md` and `src/{a,b}.ts`'],
    ['a command', '`npm test`, `npm run demo -- --once`, `node infra/bootstrap.mjs demo`'],
    ['the options of a command', '`npm run demo -- --once` and `npm run demo [-- --once]`'],
    ['options of a shell after a command', '`npm test && ls --all`'],
    ['a command of compose', '```sh\ndocker compose up -d --wait --scale payment-api=2\n```'],
    ['a profile of compose', '`docker compose --profile infra up -d`, `docker compose stop redis`'],
    ['a command in a container', '`docker compose exec redis redis-cli ping`'],
    ['a command of a package', '```sh\npnpm --filter @mini-pg/one build\n```'],
    ['a command with a name to fill in', '`pnpm --filter @mini-pg/<name> test:unit`'],
  ])('may show %s', (_what, text) => {
    expect(problemsOf(text)).toEqual([]);
  });

  it.each([
    ['[x](docs/b.md)', 'the link docs/b.md leads nowhere'],
    ['![x](picture.png "A title")', 'the link picture.png leads nowhere'],
    ['[y]: nowhere.md', 'the link nowhere.md leads nowhere'],
    ['# A\n\n[x](#b)', 'README.md has no heading #b'],
    ['`docs/b.md`', 'there is no docs/b.md'],
    ['`src/b.ts`', 'there is no src/b.ts'],
    ['```sh\nnpm run gone\n```', 'there is no `npm run gone`'],
    ['`npm run half`', 'infra/bootstrap.mjs has no command half'],
    ['`node infra/bootstrap.mjs gone`', 'infra/bootstrap.mjs has no command gone'],
    ['`npm run demo -- --twice`', 'the command demo has no option --twice'],
    ['`docker compose logs gone`', 'docker-compose.yml has no service gone'],
    ['`docker compose up --scale gone=2`', 'docker-compose.yml has no service gone'],
    ['`docker compose --profile gone up -d`', 'docker-compose.yml has no profile gone'],
    ['`pnpm --filter @mini-pg/two build`', 'there is no package @mini-pg/two'],
    ['`pnpm --filter @mini-pg/one gone`', '@mini-pg/one has no script gone'],
  ])('may not show %j', (text, problem) => {
    expect(problemsOf(text)).toEqual([`README.md: ${problem}`]);
  });

  it('in a package speaks of its own files, and of the repository', () => {
    const file = { path: 'packages/one/README.md', text: '`src/a.ts` `docs/a.md` `src/b.ts`' };
    const exists = (path: string) => ['packages/one/src/a.ts', 'docs/a.md'].includes(path);
    expect(markdownProblems([file], { ...AROUND, exists })).toEqual([
      'packages/one/README.md: there is no src/b.ts',
    ]);
  });
});

const AROUND: Surroundings = {
  exists: (path) => ['README.md', 'docs', 'docs/a.md'].includes(path),
  scripts: {
    test: 'node infra/bootstrap.mjs test',
    demo: 'node infra/bootstrap.mjs demo',
    half: 'node infra/bootstrap.mjs half',
  },
  packageScripts: { '@mini-pg/one': ['build'] },
  commands: { demo: ['--once'], test: [] },
  compose: { services: ['redis', 'payment-api'], profiles: ['infra'] },
};

function problemsOf(text: string): string[] {
  return markdownProblems([{ path: 'README.md', text }], AROUND);
}
