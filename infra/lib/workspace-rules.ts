import type { WorkspacePackage } from './workspace.ts';

const SCOPE = '@mini-pg/';
const TESTING = '@mini-pg/testing';

/**
 * Which of our packages the lower ones may import. What is not listed may import any package;
 * nothing may import an app.
 */
const MAY_IMPORT: Record<string, readonly string[]> = {
  '@mini-pg/domain': [],
  '@mini-pg/runtime': [],
  '@mini-pg/database': ['@mini-pg/domain', '@mini-pg/runtime'],
  '@mini-pg/pg-adapters': ['@mini-pg/domain', '@mini-pg/runtime'],
  '@mini-pg/messaging': ['@mini-pg/database', '@mini-pg/domain', '@mini-pg/runtime'],
};

/**
 * What starts the processes of apps in its tests. It names them as devDependencies, so that turbo
 * builds them first and runs the tests anew when one changes; the code imports none of them.
 */
const MAY_START: Record<string, readonly string[] | 'any'> = {
  '@mini-pg/e2e': 'any',
  '@mini-pg/infra': 'any',
  '@mini-pg/pg-processor': ['@mini-pg/pg-simulator'],
};

/** A package with the packages that its `tsconfig.json` refers to, by name. */
export type BuiltPackage = WorkspacePackage & { references: readonly string[] | undefined };

/**
 * The rules of direction between our packages, as sentences about what breaks them; empty when
 * all hold. That imports are declared is checked by `importViolations`, that they resolve by
 * TypeScript.
 */
export function ruleViolations(packages: readonly BuiltPackage[]): string[] {
  const apps = new Set(packages.filter(isApp).map(({ name }) => name));
  return [
    ...packages.flatMap((one) => directionViolations(one, apps)),
    ...packages.flatMap(referenceViolations),
    ...cycleViolations(packages),
  ];
}

function directionViolations(one: WorkspacePackage, apps: ReadonlySet<string>): string[] {
  const dependencies = ours(one.dependencies);
  const started = ours(one.devDependencies).filter((name) => apps.has(name));
  const allowed = MAY_IMPORT[one.name];
  return [
    ...dependencies
      .filter((name) => apps.has(name))
      .map((name) => `${one.name} depends on the app ${name}`),
    ...started
      .filter((name) => !mayStart(one, name))
      .map((name) => `${one.name} may not start the app ${name} in its tests`),
    ...dependencies
      .filter((name) => name === TESTING)
      .map((name) => `${one.name} depends on ${name}: only tests may, as devDependencies`),
    ...(allowed ? dependencies.filter((name) => !allowed.includes(name)) : []).map(
      (name) => `${one.name} may not depend on ${name}`,
    ),
  ];
}

function mayStart({ name }: WorkspacePackage, app: string): boolean {
  const apps = MAY_START[name] ?? [];
  return apps === 'any' || apps.includes(app);
}

/** The build follows the references, so a missing one shows as a build that is out of date. */
function referenceViolations(one: BuiltPackage): string[] {
  if (!one.references) return [];
  const { references } = one;
  const dependencies = ours(one.dependencies);
  return [
    ...dependencies
      .filter((name) => !references.includes(name))
      .map((name) => `${one.folder}/tsconfig.json lacks a reference to ${name}`),
    ...references
      .filter((name) => !dependencies.includes(name))
      .map((name) => `${one.folder}/tsconfig.json refers to ${name}, which is no dependency`),
  ];
}

function cycleViolations(packages: readonly WorkspacePackage[]): string[] {
  const byName = new Map(packages.map((one) => [one.name, one]));
  const done = new Set<string>();
  const violations: string[] = [];
  const visit = (name: string, path: readonly string[]): void => {
    if (path.includes(name)) {
      const cycle = [...path.slice(path.indexOf(name)), name];
      violations.push(`a cycle of dependencies: ${cycle.join(' -> ')}`);
      return;
    }
    if (done.has(name)) return;
    for (const next of ours(byName.get(name)?.dependencies ?? {})) visit(next, [...path, name]);
    done.add(name);
  };
  for (const name of byName.keys()) visit(name, []);
  return violations;
}

function isApp({ folder }: WorkspacePackage): boolean {
  return folder.startsWith('apps/');
}

function ours(dependencies: Record<string, string>): string[] {
  return Object.keys(dependencies).filter((name) => name.startsWith(SCOPE));
}
