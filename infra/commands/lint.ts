/** Checks format, lint rules and the direction of dependencies. `--write` mends what it can. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { REPOSITORY_DIR } from '@mini-pg/local-stack';
import { runInSite } from '../lib/run-in-site.ts';
import { runTurbo } from '../lib/turbo.ts';

const EXIT_USAGE = 2;
const TASKS = ['lint', '--continue', '--output-logs=errors-only'];

if (readWrite(process.argv.slice(2))) {
  const biome = join(REPOSITORY_DIR, 'node_modules', '.bin', 'biome');
  spawnSync(biome, ['check', '--write'], { cwd: REPOSITORY_DIR, stdio: 'inherit' });
}
process.exit(await runInSite(({ guardian }) => runTurbo(guardian, TASKS)));

function readWrite(args: string[]): boolean {
  try {
    const options = { write: { type: 'boolean' } } as const;
    return parseArgs({ args, options, strict: true }).values.write === true;
  } catch (error) {
    console.error(`lint: ${error instanceof Error ? error.message : error}`);
    process.exit(EXIT_USAGE);
  }
}
