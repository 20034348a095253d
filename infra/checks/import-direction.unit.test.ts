import { REPOSITORY_DIR } from '@mini-pg/local-stack';
import { describe, expect, it } from 'vitest';
import { type WorkspacePackage, workspacePackages } from '../lib/workspace.ts';
import { readFiles } from './files.ts';
import { importsOf, importViolations } from './import-direction.ts';

function given(
  folder: string,
  names: { dependencies?: string[]; devDependencies?: string[] } = {},
): WorkspacePackage {
  const versions = (list: string[] = []) => Object.fromEntries(list.map((name) => [name, '1']));
  return {
    name: `@mini-pg/${folder.split('/').at(-1)}`,
    folder,
    scripts: {},
    dependencies: versions(names.dependencies),
    devDependencies: versions(names.devDependencies),
  };
}

const DATABASE = given('packages/database', {
  dependencies: ['pg'],
  devDependencies: ['@types/pg'],
});
const API = given('apps/payment-api', {
  dependencies: ['@mini-pg/database', 'fastify'],
  devDependencies: ['@mini-pg/testing', 'vitest'],
});
const WORKER = given('apps/worker');
const PACKAGES = [DATABASE, API, WORKER];

/** Code with its quotes written as <>, so that this file does not import what it only talks of. */
function code(text: string): string {
  return text.replaceAll(/<(.*?)>/g, "'$1'");
}

function violationsOf(path: string, ...names: string[]): string[] {
  const text = names.map((name) => `import { x } from '${name}';\n`).join('');
  return importViolations(PACKAGES, [{ path, text }]);
}

describe('the imports of this repository', () => {
  it('break no rule', () => {
    const files = readFiles(REPOSITORY_DIR, ['.ts', '.mjs']);
    expect(files.length).toBeGreaterThan(100);
    expect(importViolations(workspacePackages(), files)).toEqual([]);
  });
});

describe('an import', () => {
  it('may name what is declared, Node itself, and a file of the same package', () => {
    const names = ['@mini-pg/database', 'fastify', 'fastify/types', 'node:path', '../config.ts'];
    expect(violationsOf('apps/payment-api/src/routes/a.ts', ...names)).toEqual([]);
  });

  it('may not name what is not declared', () => {
    expect(violationsOf('apps/payment-api/src/a.ts', 'redis/client')).toEqual([
      'apps/payment-api/src/a.ts imports redis, which apps/payment-api/package.json does not name',
    ]);
  });

  it('may not name an app', () => {
    const path = 'apps/payment-api/test/a.e2e.test.ts';
    expect(violationsOf(path, '@mini-pg/worker/src/a.ts')).toEqual([
      `${path} imports the app @mini-pg/worker`,
    ]);
  });

  it('may not reach into another package by its path', () => {
    const path = 'apps/payment-api/src/a.ts';
    expect(violationsOf(path, '../../worker/src/a.ts')).toEqual([
      `${path} imports ../../worker/src/a.ts, out of apps/payment-api: import the package by its name`,
    ]);
  });

  it('of the helpers for tests is for tests alone', () => {
    expect(violationsOf('apps/payment-api/src/a.int.test.ts', '@mini-pg/testing')).toEqual([]);
    expect(violationsOf('apps/payment-api/test/support/a.ts', '@mini-pg/testing')).toEqual([]);
    expect(violationsOf('apps/payment-api/src/a.ts', '@mini-pg/testing')).toEqual([
      'apps/payment-api/src/a.ts imports @mini-pg/testing, which is for tests only: a devDependency',
    ]);
  });

  it('of the driver is for packages/database alone, also where it is declared', () => {
    const greedy = given('apps/greedy', { dependencies: ['pg'] });
    const files = [
      { path: 'packages/database/src/pool.ts', text: code('import postgres from <pg>;') },
      { path: 'apps/greedy/src/a.ts', text: code('import type { Pool } from <pg>;') },
    ];
    expect(importViolations([DATABASE, greedy], files)).toEqual([
      'apps/greedy/package.json names pg: the driver belongs to packages/database alone',
      'apps/greedy/src/a.ts imports pg: the driver belongs to packages/database alone',
    ]);
  });
});

describe('what a text imports', () => {
  it('is found in every form', () => {
    const text = [
      'import a, { type B } from <one>;',
      'import type {\n  C,\n  D,\n} from <two>;',
      'export * from <three>;',
      'import <four>;',
      'const e = await import(<five>);',
      'const f = require(<six>);',
      'import * as g from <@scope/seven/deep>;',
    ].join('\n');
    expect(importsOf(code(text)).sort()).toEqual(
      ['one', 'two', 'three', 'four', 'five', 'six', '@scope/seven/deep'].sort(),
    );
  });

  it('is not what only looks like it', () => {
    expect(importsOf(code('const important = <from>; // from <here>'))).toEqual([]);
  });
});
