/** Closes a business day of the system that is up: `npm run close -- --date 2026-01-31`. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { REPOSITORY_DIR } from '@mini-pg/local-stack';
import { type ComposeProject, closeCommand, composeEnvironment } from '../lib/compose-project.ts';
import { readEnvironment, readLocalSystem } from '../lib/local-system.ts';

const SERVICE = 'settlement-worker';
/** The person at the terminal gets the command's own words, not its log. */
const LOG_LEVEL = 'warn';

const local = readLocalSystem();
if (local) {
  const args = process.argv.slice(2);
  process.exitCode = local.compose
    ? closeInContainer({ name: local.compose.project }, args)
    : closeHere(args);
} else {
  console.error('Nothing is up. `npm run up` starts the system.');
  process.exitCode = 1;
}

function closeHere(args: readonly string[]): number {
  const program = join(REPOSITORY_DIR, 'apps', SERVICE, 'dist', 'close.js');
  const env = { ...readEnvironment(SERVICE), LOG_LEVEL };
  return spawnSync(process.execPath, [program, ...args], { env, stdio: 'inherit' }).status ?? 1;
}

function closeInContainer(project: ComposeProject, args: readonly string[]): number {
  const command = closeCommand({ LOG_LEVEL }, args);
  const env = composeEnvironment(project);
  return spawnSync('docker', command, { env, stdio: 'inherit' }).status ?? 1;
}
