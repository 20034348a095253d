import { join } from 'node:path';
import type { System } from '@mini-pg/local-stack';
import type { BenchContext } from '../bench.ts';
import { generate, type Observer } from '../load/generate.ts';
import type { LoadPlan, LoadResult } from '../load/load-plan.ts';
import type { Merchant } from './merchants.ts';
import { openWindows } from './windows.ts';

const WAIT_SECONDS = 30;

/** Who pays where. */
export interface Shops {
  readonly context: BenchContext;
  readonly system: System;
  readonly merchants: readonly Merchant[];
}

export type Payments = Pick<
  LoadPlan,
  'connections' | 'warmupMs' | 'durationMs' | 'ratePerSecond'
> & {
  readonly runId: string;
  /** At most so many will be made. */
  readonly payments: number;
};

/**
 * Makes payments that shoppers have authenticated, and waits for the outcome of each: 201, or 202
 * when it is not final in time.
 */
export async function pay(
  { context, system, merchants }: Shops,
  { runId, payments, ...plan }: Payments,
  observer?: Observer,
): Promise<LoadResult> {
  const paymentKeysFile = join(context.scratchDir, `${runId}.keys`);
  await openWindows(system, { runId, count: Math.ceil(payments), file: paymentKeysFile });
  const traffic = {
    kind: 'payments',
    secretKeys: merchants.map(({ secretKey }) => secretKey),
    runId,
    marksReplays: true,
    waitSeconds: WAIT_SECONDS,
    paymentKeysFile,
  } as const;
  const port = Number(new URL(system.api).port);
  return generate({ ...plan, port, statuses: [201, 202], traffic }, observer);
}
