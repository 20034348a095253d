import { blowOf } from './failpoint-blow.ts';
import { FAILPOINT_ROWS, nameOfRow } from './failpoint-rows.ts';
import { FAULTS, type Fault } from './faults.ts';
import { type Kept, KeptResults } from './kept-results.ts';
import { type LivingSystem, startLivingSystem } from './living-system.ts';
import { MUTANTS, type Mutant, runMutants } from './mutants.ts';
import { problemsOf } from './problems.ts';
import { renderMatrix, type Standing } from './render-matrix.ts';
import { isSound, type RowResult } from './row-result.ts';
import { type Blow, runAlone } from './run-alone.ts';
import { runLanes } from './run-lanes.ts';

const STEPS: readonly Blow[] = FAILPOINT_ROWS.map(blowOf);
const ROWS: readonly Fault[] = [...STEPS, ...FAULTS];

/** Steps at which a service dies, blows from outside, and mutants. */
export function namesOfMatrix(): string[] {
  return [...ROWS, ...MUTANTS].map(({ name }) => name);
}

/** What is known of the matrix at this commit: by this run, and by those before it. */
export interface Matrix {
  readonly isProven: boolean;
  /** All of it in one line. */
  readonly verdict: string;
  /** All of it as a page. */
  render(command: string): string;
}

export interface MatrixOptions {
  /** Rows and mutants whose names it finds; all unless given. */
  readonly only?: RegExp;
  /** All steps in one go, each service at one after the other, and not each alone. */
  readonly inLanes: boolean;
  readonly withMutants: boolean;
  readonly log: (line: string) => void;
  /** Told how to end each system that is started, for whoever is asked to stop. */
  readonly onStart: (stop: () => Promise<void>) => void;
}

/**
 * Runs each row alone on one living system, then the mutants, each on a system of its own. Results
 * are kept, so that rows which were run at this commit before count with those of this run.
 */
export async function runMatrix(options: MatrixOptions): Promise<Matrix> {
  const { only = /./, inLanes, withMutants, log, onStart } = options;
  const kept = new KeptResults();
  const run = { kept, log, onStart, isAsked: ({ name }: { name: string }) => only.test(name) };
  await runRows(run, inLanes);
  if (withMutants) {
    const results = runMutants(MUTANTS.filter(isMutantAsked(only)), { log, onStart });
    for await (const { name, caughtBy } of results) kept.put('mutants', { name, caughtBy });
  }
  const standing = standingOf(kept.all);
  return {
    isProven: standing.isProven,
    verdict: verdictLine(kept.all, standing),
    render: (command) => renderMatrix(kept.all, standing, command),
  };
}

interface Run {
  readonly kept: KeptResults;
  readonly log: (line: string) => void;
  readonly onStart: MatrixOptions['onStart'];
  isAsked(row: { name: string }): boolean;
}

/** A mutant is asked for by its own name, or by that of a row that has to catch it. */
function isMutantAsked(only: RegExp) {
  return ({ name, rows }: Mutant): boolean => [name, ...rows].some((text) => only.test(text));
}

async function runRows(run: Run, inLanes: boolean): Promise<void> {
  const rows = ROWS.filter(run.isAsked);
  if (rows.length === 0) return;
  const { log, onStart } = run;
  const living = await startLivingSystem({ ownServers: true, log, onStart });
  try {
    if (inLanes) await runSteps(living, run);
    const alone = inLanes ? rows.filter((row) => !STEPS.includes(row)) : rows;
    for (const row of alone) await runRow(living, row, run);
  } finally {
    await living.stop();
  }
}

const AFTER_ALL_STEPS = 'the auditor after all steps';

async function runSteps(living: LivingSystem, { kept, log, isAsked }: Run): Promise<void> {
  const steps = FAILPOINT_ROWS.filter((row) => isAsked({ name: nameOfRow(row) }));
  const { rows, failed, brokenRules } = await runLanes(living, steps, log);
  for (const row of rows) keep(kept, row, log);
  for (const row of failed) kept.put('failed', row);
  if (brokenRules.length === 0) return;
  kept.put('failed', { name: AFTER_ALL_STEPS, reason: brokenRules.join('; ') });
  log(`${AFTER_ALL_STEPS}: ${brokenRules.join('\n')}`);
}

function keep(kept: KeptResults, row: RowResult, log: (line: string) => void): void {
  const { recoveredMs } = row;
  kept.put('rows', { ...row, recoveredMs: Number.isFinite(recoveredMs) ? recoveredMs : null });
  for (const line of [lineOf(row), ...problemsOf(row).map((text) => `    ${text}`)]) log(line);
}

async function runRow(living: LivingSystem, blow: Fault, { kept, log }: Run): Promise<void> {
  const { name } = blow;
  const reason = blow.skipped?.(living);
  if (reason !== undefined) {
    kept.put('skipped', { name, reason });
    return log(`${name}: left out, ${reason}`);
  }
  try {
    keep(kept, await runAlone(living, blow), log);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    kept.put('failed', { name, reason: why });
    log(`${name}: not shown, ${why}`);
    await mend(living);
  }
}

/** What a row that failed left stopped. */
async function mend({ system }: LivingSystem): Promise<void> {
  for (const service of system.services) {
    if (service.name === service.service) await service.start().catch(() => undefined);
  }
}

function standingOf(kept: Kept): Standing {
  const known = new Set([...kept.rows, ...kept.skipped, ...kept.failed].map(({ name }) => name));
  const missing = ROWS.map(({ name }) => name).filter((name) => !known.has(name));
  const isProven =
    missing.length === 0 &&
    kept.failed.length === 0 &&
    kept.rows.every(isSound) &&
    kept.mutants.every(({ caughtBy }) => caughtBy !== null);
  return { missing, isProven, steps: STEPS.map(({ name }) => name) };
}

function verdictLine({ rows, skipped, failed, mutants }: Kept, { missing }: Standing): string {
  const lost = rows.reduce((sum, row) => sum + row.lost.length, 0);
  const double = rows.reduce((sum, row) => sum + row.double.length, 0);
  const broken = rows.filter((row) => !isSound(row)).length;
  const caught = mutants.filter(({ caughtBy }) => caughtBy !== null).length;
  return [
    `${rows.length} rows, ${lost} lost, ${double} double, ${broken} not sound`,
    ...(skipped.length > 0 ? [`${skipped.length} left out`] : []),
    ...(failed.length > 0 ? [`${failed.length} not shown`] : []),
    ...(missing.length > 0 ? [`${missing.length} not run at this commit`] : []),
    ...(mutants.length > 0 ? [`${caught} of ${mutants.length} mutants caught`] : []),
  ].join(', ');
}

function lineOf({ name, sent, resolved, lost, double, recoveredMs }: RowResult): string {
  const seconds = Number.isFinite(recoveredMs) ? `${(recoveredMs / 1_000).toFixed(1)} s` : 'never';
  const counts = `${lost.length} lost, ${double.length} double`;
  return `${name}: ${sent} sent, ${resolved} resolved, recovered in ${seconds}, ${counts}`;
}
