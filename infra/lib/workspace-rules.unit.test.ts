import { describe, expect, it } from 'vitest';
import { type BuiltPackage, ruleViolations } from './workspace-rules.ts';

type Given = Partial<Omit<BuiltPackage, 'dependencies' | 'devDependencies'>> & {
  dependencies?: string[];
  devDependencies?: string[];
};

function given(folder: string, rest: Given = {}): BuiltPackage {
  const versions = (names: string[] = []): Record<string, string> =>
    Object.fromEntries(names.map((name) => [`@mini-pg/${name}`, 'workspace:*']));
  const { dependencies, devDependencies, ...others } = rest;
  return {
    name: `@mini-pg/${folder.split('/')[1]}`,
    folder,
    scripts: {},
    references: undefined,
    ...others,
    dependencies: versions(dependencies),
    devDependencies: versions(devDependencies),
  };
}

const DOMAIN = given('packages/domain');
const API = given('apps/payment-api', { dependencies: ['domain'], devDependencies: ['testing'] });

describe('the rules between packages', () => {
  it('let an app import packages, and the test helpers for its tests', () => {
    expect(ruleViolations([DOMAIN, API])).toEqual([]);
  });

  it('refuse an import of an app', () => {
    const worker = given('apps/worker', { dependencies: ['payment-api'] });
    expect(ruleViolations([API, worker])).toEqual([
      '@mini-pg/worker depends on the app @mini-pg/payment-api',
    ]);
  });

  it('let tests of the whole start apps, and those of an app no other', () => {
    const devDependencies = ['payment-api'];
    const e2e = given('tests/e2e', { devDependencies });
    const worker = given('apps/worker', { devDependencies });
    expect(ruleViolations([API, e2e, worker])).toEqual([
      '@mini-pg/worker may not start the app @mini-pg/payment-api in its tests',
    ]);
  });

  it('refuse the test helpers outside of tests', () => {
    expect(ruleViolations([given('apps/worker', { dependencies: ['testing'] })])).toEqual([
      '@mini-pg/worker depends on @mini-pg/testing: only tests may, as devDependencies',
    ]);
  });

  it('refuse an import upwards', () => {
    const runtime = given('packages/runtime', { dependencies: ['domain'] });
    expect(ruleViolations([DOMAIN, runtime])).toEqual([
      '@mini-pg/runtime may not depend on @mini-pg/domain',
    ]);
  });

  it('refuse a cycle and name it', () => {
    const packages = [
      given('packages/a', { dependencies: ['b'] }),
      given('packages/b', { dependencies: ['c'] }),
      given('packages/c', { dependencies: ['b'] }),
    ];
    expect(ruleViolations(packages)).toEqual([
      'a cycle of dependencies: @mini-pg/b -> @mini-pg/c -> @mini-pg/b',
    ]);
  });

  it('hold the references of a build to the dependencies', () => {
    const one = given('packages/a', { dependencies: ['b'], references: ['@mini-pg/c'] });
    expect(ruleViolations([one])).toEqual([
      'packages/a/tsconfig.json lacks a reference to @mini-pg/b',
      'packages/a/tsconfig.json refers to @mini-pg/c, which is no dependency',
    ]);
  });
});
