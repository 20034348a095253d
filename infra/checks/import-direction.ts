import { posix } from 'node:path';
import type { WorkspacePackage } from '../lib/workspace.ts';

/** A file of code. `path` is relative to the repository's root, with `/`. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** The driver of Postgres, whose name means something else everywhere else, and its types. */
const DRIVERS = ['pg', '@types/pg'];
const DRIVER_HOME = 'packages/database';

/** Configuration that the root has for all packages; the one thing above a package to import. */
const SHARED = ['vitest.shared.ts'];

/**
 * What the imports of files break, as sentences; empty when all is well. The direction between
 * packages is held by `ruleViolations` on what they declare; this holds the code to what is declared,
 * and to the borders that no declaration shows.
 */
export function importViolations(
  packages: readonly WorkspacePackage[],
  files: readonly SourceFile[],
): string[] {
  return [
    ...packages.flatMap(driverDeclarations),
    ...files.flatMap((file) => {
      const owner = packages.find(({ folder }) => file.path.startsWith(`${folder}/`));
      if (!owner) return [];
      const problems = importsOf(file.text).map((name) => problemOf(name, file, owner, packages));
      return problems.filter((problem) => problem !== undefined);
    }),
  ];
}

const IMPORTS = [
  /\b(?:import|export)\b[^'"`;()]*?\bfrom\s*['"]([^'"`\s${}]+)['"]/g,
  /\bimport\s*\(?\s*['"]([^'"`\s${}]+)['"]/g,
  /\brequire\s*\(\s*['"]([^'"`\s${}]+)['"]/g,
];

/** What a text imports: statically, dynamically, or for its types only. */
export function importsOf(text: string): string[] {
  const names = IMPORTS.flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1]));
  return [...new Set(names.filter((name) => name !== undefined))];
}

function problemOf(
  name: string,
  file: SourceFile,
  owner: WorkspacePackage,
  packages: readonly WorkspacePackage[],
): string | undefined {
  if (name.startsWith('node:')) return undefined;
  if (name.startsWith('.')) return relativeProblem(name, file, owner);
  const dependency = packageOf(name);
  if (DRIVERS.includes(dependency) && owner.folder !== DRIVER_HOME) {
    return `${file.path} imports ${name}: the driver belongs to ${DRIVER_HOME} alone`;
  }
  if (packages.some((one) => one.name === dependency && one.folder.startsWith('apps/'))) {
    // An app may be named by its own tests.
    return dependency === owner.name ? undefined : `${file.path} imports the app ${dependency}`;
  }
  if (dependency === owner.name || dependency in owner.dependencies) return undefined;
  if (!(dependency in owner.devDependencies)) {
    return `${file.path} imports ${dependency}, which ${owner.folder}/package.json does not name`;
  }
  return isForTests(file.path, owner)
    ? undefined
    : `${file.path} imports ${dependency}, which is for tests only: a devDependency`;
}

function relativeProblem(
  name: string,
  file: SourceFile,
  owner: WorkspacePackage,
): string | undefined {
  const target = posix.join(posix.dirname(file.path), name);
  if (target.startsWith(`${owner.folder}/`) || SHARED.includes(target)) return undefined;
  return `${file.path} imports ${name}, out of ${owner.folder}: import the package by its name`;
}

function driverDeclarations({ folder, dependencies, devDependencies }: WorkspacePackage): string[] {
  if (folder === DRIVER_HOME) return [];
  return DRIVERS.filter((name) => name in dependencies || name in devDependencies).map(
    (name) => `${folder}/package.json names ${name}: the driver belongs to ${DRIVER_HOME} alone`,
  );
}

/** `@scope/name` or `name` of what is imported. */
function packageOf(name: string): string {
  return name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
}

function isForTests(path: string, { folder }: WorkspacePackage): boolean {
  const inside = path.slice(folder.length + 1);
  return (
    folder === 'e2e' ||
    inside === 'vitest.config.ts' ||
    inside.endsWith('.test.ts') ||
    /^(src\/)?(test|testing)\//.test(inside)
  );
}
