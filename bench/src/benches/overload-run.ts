import type { LoadResult } from '../load/load-plan.ts';

/** How much more is sent than the service can take. */
export const TIMES_CAPACITY = 3;

/** What one round of an overload came to. */
export interface OverloadRun {
  readonly capacityPerSecond: number;
  readonly offeredPerSecond: number;
  readonly load: LoadResult;
  /** Requests shed, by the service's own count of why. */
  readonly shed: Readonly<Record<string, number>>;
  readonly residentBytes: {
    readonly before: number;
    readonly peak: number;
    readonly after: number;
  };
  /** Whether it was not ready at some moment of the overload. */
  readonly turnedUnready: boolean;
  /** From the end of the overload on. */
  readonly readyAfterMs: number;
  readonly calmAfterMs: number;
  readonly calmP99Ms: { readonly before: number; readonly after: number };
  /** Payments that were taken, and those that have an outcome in the end, over the whole round. */
  readonly taken: number;
  readonly final: number;
  /** From the end of the overload until the last payment had its outcome. */
  readonly finalAfterMs: number;
}
