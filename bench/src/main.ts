import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY_DIR, type Site } from '@mini-pg/local-stack';
import type { Bench, BenchSettings } from './bench.ts';
import { BENCHES } from './benches/index.ts';
import { checkOut } from './compare/checkout.ts';
import { comparisonReport, pair, verdictLines } from './compare/comparison.ts';
import { Endings } from './endings.ts';
import { describeMachine, type Fact } from './report/machine.ts';
import { type RunFacts, renderReport } from './report/render.ts';
import type { Measure, Report } from './report/report.ts';
import { type Subject, THIS_COMMIT } from './subject.ts';

export type { BenchSettings } from './bench.ts';
export { commitOf } from './compare/checkout.ts';
export { constantArrivals } from './load/arrivals.ts';
export { generate } from './load/generate.ts';
export type { LoadPlan } from './load/load-plan.ts';
export { describeMachine, describeServers } from './report/machine.ts';
export { table } from './report/render.ts';
export { openWindows } from './system/windows.ts';

export const REPORTS_DIR = join(REPOSITORY_DIR, 'docs', 'benchmarks');

/** Names and one line each, for whoever asks; whether two commits can be compared by it. */
export function listBenches(): { name: string; describe: string; isComparable: boolean }[] {
  return BENCHES.map(({ name, describe, isPicture }) => ({
    name,
    describe,
    isComparable: !isPicture,
  }));
}

export interface BenchRun {
  readonly settings: BenchSettings;
  /** As it was typed, for the report. */
  readonly command: string;
  /** Where it keeps what goes with it. */
  readonly site: Site;
  /** A commit to compare this one with, from `commitOf`. */
  readonly compareWith?: string | undefined;
}

export interface RunningBench {
  /** The file of the report. Rejects when the bench fails or is ended. */
  readonly file: Promise<string>;
  /** Stops and removes everything at once; the bench is over then. */
  end(): Promise<void>;
}

/** Starts one bench, which writes its report. Whatever it starts is stopped, however it ends. */
export function startBench(name: string, run: BenchRun): RunningBench {
  const endings = new Endings();
  return {
    file: writeReport(benchOf(name), run, endings).finally(() => endings.run()),
    end: () => endings.run(),
  };
}

async function writeReport(bench: Bench, run: BenchRun, endings: Endings): Promise<string> {
  const at = new Date();
  const facts: Fact[] = describeMachine();
  const { settings, command, compareWith } = run;
  const { name, describe } = bench;
  const page = { name, describe, command, at, rounds: settings.rounds, facts };
  if (compareWith !== undefined) {
    const report = await compare(bench, run, endings, facts);
    return write(report, { ...page, name: `${name}-compared` });
  }
  return write(await runOnce(bench, run, endings, { subject: THIS_COMMIT, facts }), page);
}

/** Both commits in each round, the one that comes first in turn. */
async function compare(
  bench: Bench,
  run: BenchRun,
  endings: Endings,
  facts: Fact[],
): Promise<Report> {
  const before = await checkOut(run.site, endings, run.compareWith ?? '');
  const rounds = new Map<Subject, Measure[][]>([
    [before, []],
    [THIS_COMMIT, []],
  ]);
  for (let round = 1; round <= run.settings.rounds; round += 1) {
    const order = round % 2 === 1 ? [before, THIS_COMMIT] : [THIS_COMMIT, before];
    for (const subject of order) {
      run.site.log(`round ${round} of ${run.settings.rounds}, ${subject.name}`);
      const once = { ...run, settings: { ...run.settings, rounds: 1 } };
      // What a run notes of the servers is the same each time.
      const noted = round === 1 && subject === THIS_COMMIT ? facts : [];
      const { measures = [] } = await runOnce(bench, once, endings, { subject, facts: noted });
      rounds.get(subject)?.push([...measures]);
    }
  }
  const compared = pair(rounds.get(before) ?? [], rounds.get(THIS_COMMIT) ?? []);
  for (const line of verdictLines(compared)) run.site.log(line);
  return comparisonReport(compared, before.name);
}

/** Everything that it starts is stopped when it ends; sooner if the endings are run before. */
async function runOnce(
  bench: Bench,
  { settings, site }: BenchRun,
  endings: Endings,
  { subject, facts }: { subject: Subject; facts: Fact[] },
): Promise<Report> {
  const own = new Endings();
  endings.add(() => own.run());
  const scratchDir = mkdtempSync(join(site.dataDir.path, 'bench-'));
  own.add(() => rmSync(scratchDir, { recursive: true, force: true }));
  try {
    return await bench.run({
      settings,
      subject,
      scratchDir,
      log: (line) => site.log(`${bench.name}: ${line}`),
      note: (more) => facts.push(...more),
      atEnd: (stop) => own.add(stop),
    });
  } finally {
    await own.run();
  }
}

/** @returns the page's file */
function write(report: Report, page: RunFacts): string {
  mkdirSync(REPORTS_DIR, { recursive: true });
  for (const { name, content } of report.files ?? []) {
    writeFileSync(join(REPORTS_DIR, name), content);
  }
  const file = join(REPORTS_DIR, `${page.name}.md`);
  writeFileSync(file, renderReport(report, page));
  return file;
}

function benchOf(name: string): Bench {
  const bench = BENCHES.find((one) => one.name === name);
  if (bench === undefined) throw new Error(`There is no bench ${name}.`);
  return bench;
}
