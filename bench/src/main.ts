import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { REPOSITORY_DIR } from '@mini-pg/local-stack';
import type { Bench, BenchContext, BenchSettings } from './bench.ts';
import { BENCHES } from './benches/index.ts';
import { describeMachine, type Fact } from './report/machine.ts';
import { renderReport } from './report/render.ts';

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
    const file = join(REPORTS_DIR, `${name}.md`);
    const { rounds } = run.settings;
    mkdirSync(REPORTS_DIR, { recursive: true });
    const { describe } = bench;
    const { command } = run;
    writeFileSync(file, renderReport(report, { name, describe, command, at, rounds, facts }));
    return file;
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

function benchOf(name: string): Bench {
  const bench = BENCHES.find((one) => one.name === name);
  if (bench === undefined) throw new Error(`There is no bench ${name}.`);
  return bench;
}
