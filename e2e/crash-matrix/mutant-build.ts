import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { REPOSITORY_DIR } from '@mini-pg/local-stack';

/** A copy of the sources with one patch, built. */
export interface MutantBuild {
  readonly dir: string;
  remove(): void;
}

const COPIED = ['apps', 'packages', 'package.json', 'tsconfig.base.json'];
/** What a build needs nothing of; what is installed is linked to where it is. */
const LEFT_OUT = new Set(['.turbo', '.test-results', 'test']);
const BUILT = ['payment-api', 'pg-processor', 'settlement-worker', 'pg-simulator'];

export function patchOf(mutant: string): string {
  return fileURLToPath(new URL(`./mutants/${mutant}.patch`, import.meta.url));
}

/** Copies the sources with their builds, applies the patch, and builds what it changed. */
export async function buildMutant(mutant: string): Promise<MutantBuild> {
  const dir = mkdtempSync(join(tmpdir(), `mini-pg-mutant-`));
  const remove = (): void => rmSync(dir, { recursive: true, force: true });
  try {
    for (const name of COPIED) {
      cpSync(join(REPOSITORY_DIR, name), join(dir, name), {
        recursive: true,
        verbatimSymlinks: true,
        preserveTimestamps: true,
        filter: (path) => !LEFT_OUT.has(basename(path)),
      });
    }
    symlinkSync(join(REPOSITORY_DIR, 'node_modules'), join(dir, 'node_modules'));
    run(dir, 'git', ['apply', patchOf(mutant)]);
    const compiler = join(REPOSITORY_DIR, 'node_modules', '.bin', 'tsc');
    run(dir, compiler, ['-b', ...BUILT.map((app) => join('apps', app))]);
    return { dir, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function run(cwd: string, program: string, args: readonly string[]): void {
  try {
    execFileSync(program, args, { cwd, encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`${program} ${args.join(' ')} failed:\n${stdout}${stderr}`, { cause: error });
  }
}
