import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REPOSITORY_DIR } from '@mini-pg/local-stack';
import type { Bench, BenchContext, BenchSettings } from './bench.ts';
import { BENCHES } from './benches/index.ts';
import { describeMachine, type Fact } from './report/machine.ts';
import { type RunFacts, renderReport } from './report/render.ts';
import type { Report } from './report/report.ts';

export type { BenchSettings } from './bench.ts';

export const REPORTS_DIR = join(REPOSITORY_DIR, 'docs', 'benchmarks');

/** Names and one line each, for whoever asks. */
export function listBenches(): { name: string; describe: string }[] {
  return BENCHES.map(({ name, describe }) => ({ name, describe }));
}

export interface BenchRun {
  readonly settings: BenchSettings;
  /** As it was typed, for the report. */
  readonly command: string;
  readonly log: (line: string) => void;
}

/** Runs one bench and writes its report. Whatever it started is stopped, however it ends. */
export async function runBench(name: string, run: BenchRun): Promise<string> {
  const bench = benchOf(name);
  const scratchDir = mkdtempSync(join(tmpdir(), 'mini-pg-bench-'));
  const stops: (() => Promise<void> | void)[] = [() => rmSync(scratchDir, { recursive: true })];
  const facts: Fact[] = describeMachine();
  const context: BenchContext = {
    settings: run.settings,
    scratchDir,
    log: (line) => run.log(`${name}: ${line}`),
    note: (more) => facts.push(...more),
    atEnd: (stop) => void stops.push(stop),
  };
  const at = new Date();
  try {
    const report = await bench.run(context);
    const { settings, command } = run;
    const { describe } = bench;
    const page = { name, describe, command, at, rounds: settings.rounds, facts };
    return write(report, page);
  } finally {
    for (const stop of stops.reverse()) await stop();
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
