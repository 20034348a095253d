import type { Ending } from './endings.ts';
import type { Fact } from './report/machine.ts';
import type { Report } from './report/report.ts';
import type { Subject } from './subject.ts';

/** One measurement that can be asked for by its name, and leaves a report. */
export interface Bench {
  readonly name: string;
  /** One line, for the list of benches and under the report's title. */
  readonly describe: string;
  /** Its report has no measures, so that two commits cannot be compared by it. */
  readonly isPicture?: boolean;
  run(context: BenchContext): Promise<Report>;
}

/** What was asked for on the command line. */
export interface BenchSettings {
  /** How often everything is measured; a report gives the median and the spread. */
  readonly rounds: number;
  /** How long one measurement lasts. */
  readonly seconds: number;
  /** For how many minutes `memory` and `overload` keep their load up. */
  readonly minutes: number;
}

export interface BenchContext {
  readonly settings: BenchSettings;
  /** The commit whose services are measured. */
  readonly subject: Subject;
  /** A folder for this run alone, removed at its end. */
  readonly scratchDir: string;
  log(line: string): void;
  /** Adds to what the report says about machine and versions. */
  note(facts: readonly Fact[]): void;
  /** Has something stopped at the end of the bench, however it ends; the last one first. */
  atEnd(stop: Ending): void;
}
