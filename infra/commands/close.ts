/** Closes a business day of the system that is up: `npm run close -- --date 2026-01-31`. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { REPOSITORY_DIR } from '@mini-pg/local-stack';
import { readEnvironment, readLocalSystem } from '../lib/local-system.ts';

const SERVICE = 'settlement-worker';

if (readLocalSystem()) {
  const program = join(REPOSITORY_DIR, 'apps', SERVICE, 'dist', 'close.js');
  // The person at the terminal gets the command's own words, not its log.
  const env = { ...readEnvironment(SERVICE), LOG_LEVEL: 'warn' };
  const close = spawnSync(process.execPath, [program, ...process.argv.slice(2)], {
    env,
    stdio: 'inherit',
  });
  process.exitCode = close.status ?? 1;
} else {
  console.error('Nothing is up. `npm run up` starts the system.');
  process.exitCode = 1;
}
