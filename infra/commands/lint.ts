/** Checks format, lint rules and the direction of dependencies. `--write` mends what it can. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { REPOSITORY_DIR } from '@mini-pg/local-stack';
import { readFiles } from '../checks/files.ts';
import { importViolations } from '../checks/import-direction.ts';
import { buildReferences, workspacePackages } from '../lib/workspace.ts';
import { ruleViolations } from '../lib/workspace-rules.ts';

const biome = spawnSync(
  join(REPOSITORY_DIR, 'node_modules', '.bin', 'biome'),
  ['check', '--error-on-warnings', ...process.argv.slice(2)],
  { cwd: REPOSITORY_DIR, stdio: 'inherit' },
);
const packages = workspacePackages().map((one) => ({ ...one, references: buildReferences(one) }));
const sources = readFiles(REPOSITORY_DIR, ['.ts', '.mjs']);
const violations = [...ruleViolations(packages), ...importViolations(packages, sources)];
for (const violation of violations) console.error(`dependencies: ${violation}`);
if (violations.length === 0) console.log(`Dependencies of ${packages.length} packages in order.`);
process.exit(biome.status === 0 && violations.length === 0 ? 0 : 1);
