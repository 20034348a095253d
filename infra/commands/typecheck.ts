/** Checks the types of every package, tests included. */
import { runInSite } from '../lib/run-in-site.ts';
import { runTurbo } from '../lib/turbo.ts';

const args = ['typecheck', '--continue', '--output-logs=new-only', ...process.argv.slice(2)];
process.exit(await runInSite(({ guardian }) => runTurbo(guardian, args)));
