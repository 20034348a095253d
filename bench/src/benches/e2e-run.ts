import type { LoadResult } from '../load/load-plan.ts';
import type { CpuMicros } from '../system/cpu-watch.ts';
import type { Step } from './flow-steps.ts';

/** What the simulated gateway takes for a call. */
export const GATEWAY_LATENCIES_MS = [0, 200] as const;

export const LONE_PER_SECOND = 50;

/** Whole flows at one latency of the gateway. */
export interface FlowRun {
  readonly closed: LoadResult;
  readonly open: LoadResult;
  /** Payments that reached their outcome within the wait, in the closed loop. */
  readonly finalPerSecond: number;
  readonly ratePerSecond: number;
  readonly cpu: CpuMicros;
}

export interface LoneRun {
  readonly load: LoadResult;
  readonly steps: readonly Step[];
}
