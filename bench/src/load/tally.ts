import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';
import type { Latency, LoadPlan, LoadResult } from './load-plan.ts';
import type { PreparedRequest } from './requests.ts';
import { type ResponseHead, UNAVAILABLE } from './response-parser.ts';

const MICROS_MAX = 600_000_000;
const SIGNIFICANT_FIGURES = 3;
const MICROS_PER_MS = 1_000;

/** Counts the answers of a run, and their times by an HDR histogram. */
export class Tally {
  readonly #plan: LoadPlan;
  readonly #histogram = newHistogram();
  readonly #refusals = newHistogram();
  readonly #statuses: Record<string, number> = {};
  #replays = 0;
  #late = 0;
  #taken = 0;
  #fault: string | undefined;

  constructor(plan: LoadPlan) {
    this.#plan = plan;
  }

  /** What is wrong with the first answer that was not as it has to be. */
  get fault(): string | undefined {
    return this.#fault;
  }

  get isEmpty(): boolean {
    return this.#histogram.count === 0;
  }

  /** Holds an answer to what it has to be; within the measured time or not. */
  check({ isRepeat }: PreparedRequest, head: ResponseHead): void {
    if (this.isRefusal(head)) return;
    const { status, isReplay } = head;
    const { traffic } = this.#plan;
    const mustReplay = isRepeat && traffic.kind === 'payments' && traffic.marksReplays;
    if (!this.#plan.statuses.includes(status)) this.#fault ??= `an answer of status ${status}`;
    else if (isReplay !== mustReplay) {
      this.#fault ??= mustReplay ? 'a repeat that was taken as new' : 'a replay to a new request';
    }
    this.#taken += 1;
  }

  /** Refused as an overloaded server is to refuse, where that is planned. */
  isRefusal({ status, isRepeatable }: ResponseHead): boolean {
    return this.#plan.isOverload === true && status === UNAVAILABLE && isRepeatable;
  }

  /** An arrival that was not sent. */
  recordLate(): void {
    this.#late += 1;
  }

  record(latencyMs: number, head: ResponseHead): void {
    const { status, isReplay } = head;
    const histogram = this.isRefusal(head) ? this.#refusals : this.#histogram;
    histogram.record(Math.max(1, Math.round(latencyMs * MICROS_PER_MS)));
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
    if (isReplay) this.#replays += 1;
  }

  result(cpuMicros: number): LoadResult {
    const answers = this.#histogram.count;
    return {
      answers,
      replays: this.#replays,
      statuses: this.#statuses,
      answersPerSecond: answers / (this.#plan.durationMs / 1_000),
      latency: latencyOf(this.#histogram),
      refused: this.#refusals.count,
      refusalLatency: latencyOf(this.#refusals),
      late: this.#late,
      taken: this.#taken,
      cpuMicros,
    };
  }
}

function newHistogram(): RecordableHistogram {
  return createHistogram({ lowest: 1, highest: MICROS_MAX, figures: SIGNIFICANT_FIGURES });
}

/** Zeros where nothing was recorded. */
function latencyOf(histogram: RecordableHistogram): Latency {
  if (histogram.count === 0) return { mean: 0, p50: 0, p99: 0, p999: 0, max: 0 };
  const at = (percentile: number) => histogram.percentile(percentile) / MICROS_PER_MS;
  return {
    mean: histogram.mean / MICROS_PER_MS,
    p50: at(50),
    p99: at(99),
    p999: at(99.9),
    max: histogram.max / MICROS_PER_MS,
  };
}
