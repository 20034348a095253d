/** Holds any API to what its idempotency keys promise: `npm run idempotency -- --plan FILE`. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { REPOSITORY_DIR } from '@mini-pg/local-stack';

// A program of the tests' package, which nothing but tests may import.
const PROGRAM = join(REPOSITORY_DIR, 'packages/testing/src/idempotency/main.ts');

const run = spawnSync(process.execPath, [PROGRAM, ...process.argv.slice(2)], { stdio: 'inherit' });
process.exitCode = run.status ?? 1;
