/**
 * Shows the whole system at work: `npm run demo`. Starts it on data of its own, runs a day of three
 * shops from request to settlement, checks and prints what comes of it, and stays up until Ctrl-C;
 * with `-- --once` it ends, with exit code 0 only if every check held.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  checkStackSettings,
  ownerOf,
  pickSystemStack,
  type StackChoice,
  stopOwner,
} from '@mini-pg/local-stack';
import { runDemo } from '../demo/run-demo.ts';
import { buildServices } from '../lib/build.ts';
import { startContainers, startProcesses } from '../lib/demo-systems.ts';
import { DATA_DIR } from '../lib/local-system.ts';
import { onStopRequest } from '../lib/stop-request.ts';

const USAGE = `Usage: npm run demo [-- --once]

  --once  stop after the run; exit code 0 only if every check held`;

const DEMO_DIR = join(DATA_DIR, 'demo');
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const once = readOnce(process.argv.slice(2));
let isStopping = false;
/** There once something is started. */
let stopSystem: (() => Promise<void>) | undefined;
try {
  await checkStackSettings();
  await clearAway();
  const choice = await pickSystemStack(print);
  if (choice.kind !== 'docker') await buildServices();
  onStopRequest(stop);
  const isSound = await showDemo(choice);
  if (once) {
    await stop('the demo is over');
    process.exit(isSound ? 0 : EXIT_FAILED);
  }
  console.log('\nThe system stays up. Ctrl-C stops it.');
} catch (error) {
  // What an interruption breaks off is no news, and it exits by itself.
  if (!isStopping) {
    console.error(`demo: ${error instanceof Error ? error.message : error}`);
    if (stopSystem) await stop('it failed');
    process.exit(EXIT_FAILED);
  }
}

async function showDemo(choice: StackChoice): Promise<boolean> {
  console.log('Starting Postgres, Redis, Kafka and the services');
  print(`stack: ${choice.kind} (${choice.why})`);
  const where = {
    dataDir: DEMO_DIR,
    log: print,
    onStoppable(end: () => Promise<void>) {
      stopSystem = end;
    },
  };
  const system = await (choice.kind === 'docker'
    ? startContainers(where)
    : startProcesses(choice, where));
  const { checks, nextSteps } = await runDemo(system, (line) => console.log(line));
  console.log(once ? '\nWithout --once the system stays up, and this is for you:\n' : '');
  for (const line of nextSteps) console.log(line);
  console.log(`\ndemo: ${checks.passed} checks held, ${checks.failed} did not`);
  return checks.failed === 0;
}

async function stop(why: string): Promise<void> {
  isStopping = true;
  console.log(`\nstopping (${why})`);
  await stopSystem?.();
}

function print(line: string): void {
  console.log(`  ${line}`);
}

/** Each demo begins with nothing: what an earlier one left is removed. */
async function clearAway(): Promise<void> {
  const owner = ownerOf(DEMO_DIR);
  if (owner) throw new Error(`one is running already, as process ${owner.pid}: stop it first`);
  await stopOwner(DEMO_DIR, print);
  rmSync(DEMO_DIR, { recursive: true, force: true });
}

function readOnce(args: string[]): boolean {
  try {
    const options = { once: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;
    const { once = false, help } = parseArgs({ args, options, strict: true }).values;
    if (!help) return once;
    console.log(USAGE);
    process.exit(0);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    process.exit(EXIT_USAGE);
  }
}
