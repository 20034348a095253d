/** Measures how fast the system is, and writes it down: `npm run bench -- <name>`. */
import { relative } from 'node:path';
import { parseArgs } from 'node:util';
import { type BenchSettings, listBenches, runBench } from '@mini-pg/bench';
import { checkStackSettings, REPOSITORY_DIR } from '@mini-pg/local-stack';
import { buildServices } from '../lib/build.ts';

const ROUNDS = { default: 3, max: 100 };
const SECONDS = { default: 6, max: 600 };
const MINUTES = { default: 1, max: 240 };
const ALL = 'all';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

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
  try {
    await checkStackSettings();
    await buildServices();
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : error}`);
    return EXIT_FAILED;
  }
  let code = 0;
  for (const name of asked.names) {
    if (!(await measure(name, asked))) code = EXIT_FAILED;
  }
  return code;
}

/** Whether it left a report; one that fails does not keep the next from running. */
async function measure(name: string, { flags, settings }: Asked): Promise<boolean> {
  const command = `npm run bench -- ${[name, ...flags].join(' ')}`;
  try {
    const file = await runBench(name, { settings, command, log: (line) => console.log(line) });
    console.log(`${name}: written to ${relative(REPOSITORY_DIR, file)}`);
    return true;
  } catch (error) {
    console.error(`${name}: ${error instanceof Error ? error.message : error}`);
    return false;
  }
}

interface Asked {
  readonly names: readonly string[];
  readonly flags: readonly string[];
  readonly settings: BenchSettings;
}

/** What is asked for, or what is wrong with it. */
function read(args: string[]): Asked | string {
  try {
    const options = {
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      minutes: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    } as const;
    const { values, positionals } = parseArgs({
      args,
      options,
      strict: true,
      allowPositionals: true,
    });
    const known = listBenches().map(({ name }) => name);
    const unknown = positionals.find((name) => name !== ALL && !known.includes(name));
    if (unknown !== undefined) return `There is no bench ${unknown}.`;
    return {
      names: values.help ? [] : positionals.includes(ALL) ? known : positionals,
      flags: args.filter((argument) => !positionals.includes(argument)),
      settings: {
        rounds: readCount('rounds', values.rounds, ROUNDS),
        seconds: readCount('seconds', values.seconds, SECONDS),
        minutes: readCount('minutes', values.minutes, MINUTES),
      },
    };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
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
    'Usage: npm run bench -- <name> [--rounds N] [--seconds N] [--minutes N]',
    '',
    ...benches.map(({ name, describe }) => line(name, describe)),
    line(ALL, 'One after the other.'),
    '',
    `  --rounds N   how often each is measured, ${ROUNDS.default} unless given`,
    `  --seconds N  how long one measurement lasts, ${SECONDS.default} unless given`,
    `  --minutes N  how long memory keeps its load up, ${MINUTES.default} unless given`,
    '',
    'The report goes to docs/benchmarks/<name>.md. Everything runs on this machine: leave it alone.',
  ].join('\n');
}
