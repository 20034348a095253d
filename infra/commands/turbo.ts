/** Runs tasks by turbo: `npm run build`, or `node infra/bootstrap.mjs turbo <tasks and flags>`. */
import { runInSite } from '../lib/run-in-site.ts';
import { runTurbo } from '../lib/turbo.ts';

process.exit(await runInSite(({ guardian }) => runTurbo(guardian, process.argv.slice(2))));
