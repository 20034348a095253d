import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { REPOSITORY_DIR } from '@mini-pg/local-stack';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { workspacePackages } from '../lib/workspace.ts';

/*
 * What turbo would run again after a change: the tasks whose hashes differ, in a copy of this
 * repository in which one file is changed. A task whose hash is the same is served from the cache.
 */
const TIMEOUT_MS = 60_000;
const TASKS = ['build', 'lint', 'typecheck', 'test:unit', 'test:int', 'test:e2e'];
/** What a clone does not have. */
const NOT_COPIED = new Set('.git .tools .turbo .data .test-results node_modules dist'.split(' '));

const dryRunSchema = z.object({
  tasks: z.array(z.object({ taskId: z.string(), hash: z.string(), command: z.string() })),
});
/** Turbo follows its graph through packages that have no such task. */
const NO_COMMAND = '<NONEXISTENT>';

type Hashes = ReadonlyMap<string, string>;

let copy: string;
let before: Hashes;

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'task-graph-'));
  cpSync(REPOSITORY_DIR, copy, {
    recursive: true,
    filter: (path) => !NOT_COPIED.has(basename(path)),
  });
  before = hashesOf(copy);
}, TIMEOUT_MS);

afterAll(() => rmSync(copy, { recursive: true, force: true }));

describe('after a change of', { timeout: TIMEOUT_MS }, () => {
  it('an app, its own tests run again and those that start it, and no other', () => {
    expect(testsAfter('apps/settlement-worker/src/main.ts')).toEqual([
      'e2e#test:e2e',
      'e2e#test:int',
      'e2e#test:unit',
      'infra#test:e2e',
      'infra#test:unit',
      'settlement-worker#test:e2e',
      'settlement-worker#test:int',
      'settlement-worker#test:unit',
    ]);
  });

  it('an app, its own build and checks run again', () => {
    const others = tasksAfter('apps/payment-api/src/main.ts').filter(
      (task) => !task.includes('#test:'),
    );
    expect(others).toEqual([
      'e2e#typecheck',
      'infra#lint',
      'infra#typecheck',
      'payment-api#build',
      'payment-api#lint',
      'payment-api#typecheck',
    ]);
  });

  it('a package, the tests of everything that depends on it run again', () => {
    const dependents = dependentsOf('@mini-pg/domain');
    expect(dependents).toContain('payment-api');
    const expected = [...before.keys()].filter(
      (task) => task.includes('#test:') && dependents.includes(task.split('#')[0] ?? ''),
    );
    expect(testsAfter('packages/domain/src/money.ts')).toEqual(expected.sort());
  });

  it('the simulator, the tests of pg-processor run again, which start it', () => {
    const tests = testsAfter('apps/pg-simulator/src/main.ts');
    expect(tests.filter((task) => task.startsWith('pg-processor#'))).toContain(
      'pg-processor#test:e2e',
    );
    expect(tests).not.toContain('payment-api#test:int');
  });

  it('a test, the tests of its package run again, and the checks of all files', () => {
    expect(testsAfter('packages/domain/src/fee.unit.test.ts')).toEqual([
      'domain#test:int',
      'domain#test:unit',
      'infra#test:unit',
    ]);
  });

  it.each(['docs/glossary.md', 'apps/payment-api/README.md', '.github/workflows/ci.yml'])(
    '%s, only the checks of all files run again',
    (file) => {
      expect(testsAfter(file)).toEqual(['infra#test:unit']);
    },
  );

  it.each(['README.md', 'docs/start/README.md', 'docs/how-to/scale-out.md'])(
    '%s, its commands are typed again',
    (file) => {
      expect(testsAfter(file)).toEqual(['infra#test:e2e', 'infra#test:unit']);
    },
  );

  it.each(['tsconfig.base.json', 'vitest.shared.ts', 'infra/bootstrap/node.mjs'])(
    '%s, everything runs again',
    (file) => {
      expect(tasksAfter(file)).toEqual([...before.keys()].sort());
    },
  );

  it('a version that all use, everything runs again', () => {
    const upgrade = (text: string) => text.replaceAll(/\bvitest@[\d.]+/g, 'vitest@99.0.0');
    expect(tasksAfter('pnpm-lock.yaml', upgrade)).toEqual([...before.keys()].sort());
  });

  it('the rules of lint, all lint runs again', () => {
    expect(tasksAfter('biome.json').filter((task) => task.endsWith('#lint'))).toEqual(
      tasksOf('lint'),
    );
  });

  it('a profile, the tests of all that reads profiles run again', () => {
    const tests = testsAfter('infra/profiles/local.json');
    expect(tests).toEqual(expect.arrayContaining(['runtime#test:unit', 'pg-processor#test:unit']));
    expect(tests).not.toContain('domain#test:unit');
  });

  it('the broker or what starts the servers, the tests on real servers run again', () => {
    const onServers = [...tasksOf('test:int'), ...tasksOf('test:e2e')].sort();
    for (const file of ['infra/kafka/pom.xml', 'packages/local-stack/src/kafka.ts']) {
      expect(testsAfter(file)).toEqual(expect.arrayContaining(onServers));
    }
    expect(testsAfter('infra/kafka/pom.xml')).toEqual([...onServers, 'infra#test:unit'].sort());
  });
});

describe('on another kind of servers', { timeout: TIMEOUT_MS }, () => {
  it('the tests on real servers run again', () => {
    const after = hashesOf(copy, { STACK_KIND: 'docker' });
    const onServers = [...tasksOf('test:int'), ...tasksOf('test:e2e')].sort();
    expect(differences(after)).toEqual(onServers);
  });
});

function tasksOf(name: string): string[] {
  return [...before.keys()].filter((task) => task.endsWith(`#${name}`)).sort();
}

function testsAfter(path: string): string[] {
  return tasksAfter(path).filter((task) => task.includes('#test:'));
}

/** The tasks that run again after a change of a file, in order; by default a line more. */
function tasksAfter(path: string, change = (text: string): string => `${text}\n`): string[] {
  const file = join(copy, path);
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, change(text));
  try {
    return differences(hashesOf(copy));
  } finally {
    writeFileSync(file, text);
  }
}

function differences(after: Hashes): string[] {
  return [...after].flatMap(([task, hash]) => (before.get(task) === hash ? [] : [task])).sort();
}

/** Names of tasks without the scope of the packages, `domain#build`, each with its hash. */
function hashesOf(directory: string, environment: Record<string, string> = {}): Hashes {
  const turbo = join(REPOSITORY_DIR, 'node_modules', '.bin', 'turbo');
  const { stdout, stderr } = spawnSync(
    turbo,
    ['run', ...TASKS, '--dry=json', '--skip-infer', '--cwd', directory],
    {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, TURBO_TELEMETRY_DISABLED: '1', ...environment },
    },
  );
  if (stdout === '') throw new Error(stderr);
  const { tasks } = dryRunSchema.parse(JSON.parse(stdout));
  const commands = tasks.filter(({ command }) => command !== NO_COMMAND);
  return new Map(commands.map(({ taskId, hash }) => [taskId.replace('@mini-pg/', ''), hash]));
}

/** A package and all that depends on it, for their tests too, without their scope. */
function dependentsOf(name: string): string[] {
  const packages = workspacePackages();
  const found = new Set([name]);
  // Each pass goes one step up the graph.
  for (const _ of packages) {
    for (const one of packages) {
      const names = Object.keys({ ...one.dependencies, ...one.devDependencies });
      if (names.some((dependency) => found.has(dependency))) found.add(one.name);
    }
  }
  return [...found].map((full) => full.replace('@mini-pg/', ''));
}
