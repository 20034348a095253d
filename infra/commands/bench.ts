/** Measures how fast the system is, and writes it down: `npm run bench -- <name>`. */
import { relative } from 'node:path';
import { parseArgs } from 'node:util';
import {
  type BenchRun,
  type BenchSettings,
  commitOf,
  listBenches,
  type RunningBench,
  startBench,
} from '@mini-pg/bench';
import { checkStackSettings, REPOSITORY_DIR, type Site } from '@mini-pg/local-stack';
import { buildServices } from '../lib/build.ts';
import { runInSite } from '../lib/run-in-site.ts';

const ROUNDS = { default: 3, max: 100 };
const SECONDS = { default: 6, max: 600 };
const MINUTES = { default: 1, max: 240 };
const ALL = 'all';
/** Of a single round nobody knows how far it may lie from the next. */
const COMPARED_ROUNDS_MIN = 2;

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

let running: RunningBench | undefined;
let isStopping = false;
process.exit(await main(process.argv.slice(2)));

async function main(args: string[]): Promise<number> {
  const asked = read(args);
  if (typeof asked === 'string') {
    console.error(`${asked}\n\n${usage()}`);
    return EXIT_USAGE;
  }
  if (asked.names.length === 0) {
    console.log(usage());
    return 0;
  }
  let compareWith: string | undefined;
  try {
    if (asked.compare !== undefined) compareWith = commitOf(asked.compare);
    await checkStackSettings();
    await buildServices();
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : error}`);
    return EXIT_FAILED;
  }
  return runInSite(
    (site) => measureAll(site, asked, compareWith),
    async () => {
      isStopping = true;
      await running?.end();
    },
  );
}

/** One that fails does not keep the next from running. */
async function measureAll(
  site: Site,
  { names, flags, settings }: Asked,
  compareWith: string | undefined,
): Promise<number> {
  let code = 0;
  for (const name of names) {
    if (isStopping) break;
    const command = `npm run bench -- ${[name, ...flags].join(' ')}`;
    if (!(await measure(name, { settings, command, site, compareWith }))) code = EXIT_FAILED;
  }
  return code;
}

/** Whether it left a report. */
async function measure(name: string, run: BenchRun): Promise<boolean> {
  try {
    running = startBench(name, run);
    const file = await running.file;
    console.log(`${name}: written to ${relative(REPOSITORY_DIR, file)}`);
    return true;
  } catch (error) {
    // What fails because it was ended is nothing to tell.
    if (!isStopping) console.error(`${name}: ${error instanceof Error ? error.message : error}`);
    return false;
  }
}

interface Asked {
  readonly names: readonly string[];
  readonly flags: readonly string[];
  readonly settings: BenchSettings;
  /** What names the commit to compare with. */
  readonly compare: string | undefined;
}

/** What is asked for, or what is wrong with it. */
function read(args: string[]): Asked | string {
  try {
    const options = {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      minutes: { type: 'string' },
      compare: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    } as const;
    const { values, positionals } = parseArgs({
      args,
      options,
      strict: true,
      allowPositionals: true,
    });
    const settings = {
      rounds: readCount('rounds', values.rounds, ROUNDS),
      seconds: readCount('seconds', values.seconds, SECONDS),
      minutes: readCount('minutes', values.minutes, MINUTES),
    };
    const isCompared = values.compare !== undefined;
    if (isCompared && settings.rounds < COMPARED_ROUNDS_MIN) {
      return `--compare takes at least ${COMPARED_ROUNDS_MIN} rounds, to know the noise.`;
    }
    return {
      names: values.help ? [] : namesOf(positionals, isCompared),
      flags: args.filter((argument) => !positionals.includes(argument)),
      settings,
      compare: values.compare,
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function namesOf(positionals: readonly string[], isCompared: boolean): string[] {
  const benches = listBenches();
  for (const name of positionals.filter((one) => one !== ALL)) {
    const bench = benches.find((one) => one.name === name);
    if (!bench) throw new Error(`There is no bench ${name}.`);
    if (isCompared && !bench.isComparable) {
      throw new Error(`${name} has no figures to compare: leave --compare out.`);
    }
  }
  const names = benches.filter(({ isComparable }) => isComparable || !isCompared);
  return positionals.includes(ALL) ? names.map(({ name }) => name) : [...positionals];
}

function readCount(
  name: string,
  text: string | undefined,
  bound: { default: number; max: number },
): number {
  if (text === undefined) return bound.default;
  if (/^[1-9]\d{0,3}$/.test(text) && Number(text) <= bound.max) return Number(text);
  throw new Error(`--${name} ${text}: give a number from 1 to ${bound.max}`);
}

function usage(): string {
  const benches = listBenches();
  const width = Math.max(ALL.length, ...benches.map(({ name }) => name.length));
  const line = (name: string, describe: string) => `  ${name.padEnd(width)}  ${describe}`;
  return [
    'Usage: npm run bench -- <name> [--rounds N] [--seconds N] [--minutes N] [--compare COMMIT]',
    '',
    ...benches.map(({ name, describe }) => line(name, describe)),
    line(ALL, 'One after the other.'),
    '',
    `  --rounds N   how often each is measured, ${ROUNDS.default} unless given`,
    `  --seconds N  how long one measurement lasts, ${SECONDS.default} unless given`,
    `  --minutes N  how long memory and overload keep their load up, ${MINUTES.default} unless given`,
    '  --compare C  an earlier commit and this one in turn, in docs/benchmarks/<name>-compared.md',
    '',
    'The report goes to docs/benchmarks/<name>.md. Everything runs on this machine: leave it alone.',
  ].join('\n');
}
