/**
 * The lint of this package, and of what belongs to no package or to all of them: the files of the
 * root, cycles of imports, the direction of dependencies. Biome reads every file for a rule about
 * cycles, so that it is looked at here once, and not in every package.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY_DIR } from '@mini-pg/local-stack';
import { buildReferences, workspacePackages } from '../lib/workspace.ts';
import { ruleViolations } from '../lib/workspace-rules.ts';
import { readFiles } from './files.ts';
import { importViolations } from './import-direction.ts';

const OWN_FOLDERS = ['infra', 'docs'];
const CYCLES = '--only=suspicious/noImportCycles';

const isClean = [
  biome('check', ...OWN_FOLDERS, ...filesOfRoot()),
  biome('lint', CYCLES),
  directionHolds(),
];
process.exit(isClean.every(Boolean) ? 0 : 1);

function biome(command: 'check' | 'lint', ...args: string[]): boolean {
  const program = join(REPOSITORY_DIR, 'node_modules', '.bin', 'biome');
  const { status } = spawnSync(program, [command, '--error-on-warnings', ...args], {
    cwd: REPOSITORY_DIR,
    stdio: 'inherit',
  });
  return status === 0;
}

function filesOfRoot(): string[] {
  return readdirSync(REPOSITORY_DIR).filter((name) => /\.(?:json|ts)$/.test(name));
}

function directionHolds(): boolean {
  const all = workspacePackages();
  const packages = all.map((one) => ({ ...one, references: buildReferences(one) }));
  const sources = readFiles(REPOSITORY_DIR, ['.ts', '.mjs']);
  const violations = [...ruleViolations(packages), ...importViolations(packages, sources)];
  for (const violation of violations) console.error(`dependencies: ${violation}`);
  if (violations.length === 0) console.log(`Dependencies of ${packages.length} packages in order.`);
  return violations.length === 0;
}
