import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { NoAnswerError } from './client.ts';
import { hooksOf } from './hooks.ts';
import { PlanError, readPlan } from './plan.ts';
import { reportText, resultLine } from './report.ts';
import { CannotRunError, type CaseResult, runSuite } from './run-suite.ts';

const USAGE = `Usage: npm run idempotency -- --plan FILE [--base-url URL] [--other-instance URL]

  --plan FILE           what to send and what must not happen twice, as JSON
  --base-url URL        where the API is, in place of the plan's
  --other-instance URL  a second instance of it, in place of the plan's

Exit code: 0 every case passed or was left out by the plan, 1 a case failed, 2 wrong usage or
plan, 3 none failed and some could not be run.`;

const EXIT_PASSED = 0;
const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_INCOMPLETE = 3;

/** What the command says, and where. */
export interface CommandOutput {
  readonly log: (line: string) => void;
  readonly error: (line: string) => void;
}

/** Runs the command with its arguments; gives the exit code. */
export async function runIdempotencyCommand(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  { log, error: complain }: CommandOutput,
): Promise<number> {
  try {
    const asked = readArguments(args);
    if (asked === 'help') {
      log(USAGE);
      return EXIT_PASSED;
    }
    const plan = readPlan(readFile(asked.plan), environment, asked.overrides);
    const results = await runSuite(plan, hooksOf(plan), (result) => log(resultLine(result)));
    log(`\n${reportText(results)}`);
    return exitCodeOf(results);
  } catch (error) {
    if (error instanceof UsageError || error instanceof PlanError) {
      complain(`idempotency: ${error.message}\n\n${USAGE}`);
      return EXIT_USAGE;
    }
    if (!(error instanceof CannotRunError || error instanceof NoAnswerError)) throw error;
    complain(`idempotency: ${error.message}`);
    return EXIT_FAILED;
  }
}

class UsageError extends Error {}

function readArguments(args: readonly string[]) {
  const options = {
    plan: { type: 'string' },
    'base-url': { type: 'string' },
    'other-instance': { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  } as const;
  const { values } = parsed(() => parseArgs({ args: [...args], options, strict: true }));
  if (values.help) return 'help' as const;
  if (values.plan === undefined) throw new UsageError('--plan FILE: say what to send');
  const overrides = { baseUrl: values['base-url'], otherInstance: values['other-instance'] };
  return { plan: values.plan, overrides };
}

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function readFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`--plan ${path}: ${error instanceof Error ? error.message : error}`);
  }
}

function exitCodeOf(results: readonly CaseResult[]): number {
  if (results.some(({ verdict }) => verdict === 'failed')) return EXIT_FAILED;
  return results.some(({ verdict }) => verdict === 'not run') ? EXIT_INCOMPLETE : EXIT_PASSED;
}
