import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { MUTANTS, type MutantName } from './mutants.ts';
import { type Failure, runSeed } from './run-history.ts';
import { shrink } from './shrink.ts';
import { stepText } from './steps.ts';

const USAGE = `Usage: npm run simulate -- [--seed N] [--runs M] [--mutant NAME]

  --seed N       the first seed, 0 to 4294967295; a fresh one, which is printed, unless given
  --runs M       how many seeds from there on, 1 to 1000000; 1000 unless given
  --mutant NAME  break the simulated system on purpose: ${Object.keys(MUTANTS).join(', ')}

Exit code: 0 no rule broke, 1 one did, 2 wrong usage.`;

const SEED_MAX = 2 ** 32 - 1;
const RUNS = { default: 1_000, max: 1_000_000 };
const PROGRESS_EVERY = 1_000;

const EXIT_SOUND = 0;
const EXIT_BROKEN = 1;
const EXIT_USAGE = 2;

/** What the command says, and where. */
export interface CommandOutput {
  readonly log: (line: string) => void;
  readonly error: (line: string) => void;
}

interface Asked {
  readonly seed: number;
  readonly runs: number;
  readonly mutant: MutantName | undefined;
}

class UsageError extends Error {}

/** Runs the command with its arguments; gives the exit code. */
export async function runSimulateCommand(
  args: readonly string[],
  output: CommandOutput,
): Promise<number> {
  try {
    const asked = readArguments(args);
    if (asked !== 'help') return await simulate(asked, output);
    output.log(USAGE);
    return EXIT_SOUND;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    output.error(`simulate: ${error.message}\n\n${USAGE}`);
    return EXIT_USAGE;
  }
}

async function simulate({ seed, runs, mutant }: Asked, { log, error }: CommandOutput) {
  const broken = mutant === undefined ? null : MUTANTS[mutant];
  log(`seed ${seed}, ${runs} runs${broken === null ? '' : `; on purpose, ${broken.what}`}`);
  const seen = { steps: 0, payments: 0, cancels: 0, exceptions: 0 };
  for (let run = 0; run < runs; run += 1) {
    const one = (seed + run) % (SEED_MAX + 1);
    const { failure, steps, world } = await runSeed(one, broken);
    if (failure !== null) {
      const shrunk = await shrink(one, failure, broken);
      error(failureText(one, run + 1, shrunk, mutant));
      return EXIT_BROKEN;
    }
    seen.steps += steps.length;
    seen.payments += world.payments.length;
    seen.cancels += world.payments.reduce((sum, { cancels }) => sum + cancels.length, 0);
    seen.exceptions += world.database.rows('exception').length;
    if ((run + 1) % PROGRESS_EVERY === 0 && run + 1 < runs) log(`${run + 1} runs`);
  }
  const { steps, payments, cancels, exceptions } = seen;
  log(`${runs} runs: ${steps} steps, ${payments} payments, ${cancels} cancels`);
  log(`${exceptions} exceptions were opened for a person; no rule broke`);
  return EXIT_SOUND;
}

/** What broke, the least history that breaks it, and how to see it again. */
export function failureText(
  seed: number,
  runs: number,
  { problem, steps }: Failure,
  mutant?: MutantName,
): string {
  return [
    `seed ${seed}, after ${runs} runs: ${problem}`,
    '',
    ...steps.map((step, index) => `${String(index + 1).padStart(4)}  ${stepText(step)}`),
    '',
    'Then faults end and time passes.',
    `Again: npm run simulate -- --seed ${seed} --runs 1${mutant ? ` --mutant ${mutant}` : ''}`,
  ].join('\n');
}

function readArguments(args: readonly string[]): Asked | 'help' {
  const options = {
    seed: { type: 'string' },
    runs: { type: 'string' },
    mutant: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  } as const;
  const { values } = parsed(() => parseArgs({ args: [...args], options, strict: true }));
  if (values.help) return 'help';
  return {
    seed: readNumber('seed', values.seed, 0, SEED_MAX) ?? randomInt(SEED_MAX),
    runs: readNumber('runs', values.runs, 1, RUNS.max) ?? RUNS.default,
    mutant: readMutant(values.mutant),
  };
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function readNumber(
  name: string,
  text: string | undefined,
  least: number,
  most: number,
): number | undefined {
  if (text === undefined) return undefined;
  const number = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw new UsageError(`--${name} ${text}: give an integer from ${least} to ${most}`);
}

function readMutant(text: string | undefined): MutantName | undefined {
  if (text === undefined) return undefined;
  const names = Object.keys(MUTANTS) as MutantName[];
  const name = names.find((one) => one === text);
  if (name !== undefined) return name;
  throw new UsageError(`--mutant ${text}: there are ${names.join(', ')}`);
}
