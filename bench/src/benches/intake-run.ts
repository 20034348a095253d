import type { LoadResult } from '../load/load-plan.ts';
import type { CpuMicros } from '../system/cpu-watch.ts';

/** The three servers that are compared. */
export const CONTENDERS = ['bare route', 'insert per request', 'payment-api'] as const;
export type Contender = (typeof CONTENDERS)[number];

/** One run of one server. */
export interface IntakeRun {
  readonly closed: LoadResult;
  readonly open: LoadResult;
  readonly ratePerSecond: number;
  readonly cpu: CpuMicros;
  /** Events that waited to be published when the closed loop ended. */
  readonly outboxAtEnd: number;
}

export type IntakeRuns = Readonly<Record<Contender, readonly IntakeRun[]>>;
