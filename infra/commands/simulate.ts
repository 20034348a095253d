/** Random histories of payments, held to the money rules: `npm run simulate -- --seed N --runs M`. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { REPOSITORY_DIR } from '@mini-pg/local-stack';

// It runs the service's own parts, which nothing but the service's tests may import.
const PROGRAM = join(REPOSITORY_DIR, 'apps/pg-processor/test/simulation/main.ts');

const run = spawnSync(
  process.execPath,
  ['--conditions=source', PROGRAM, ...process.argv.slice(2)],
  { stdio: 'inherit' },
);
process.exitCode = run.status ?? 1;
