import type { PostgresPool } from '@mini-pg/database';
import type { Pg } from '@mini-pg/domain';
import type { Logger } from '@mini-pg/runtime';
import type { CallableAttempt } from '../attempts/attempt.ts';
import { failureOf } from '../decisions/decision.ts';
import type { ProcessorMetrics } from '../metrics.ts';
import type { Results } from '../results/results.ts';
import { WITHOUT_EXCHANGE } from '../results/verdict.ts';
import type { FirstCalls } from '../retries/first-calls.ts';
import type { Caller } from './caller.ts';
import { type ClaimSlot, claimAttempts } from './claim.ts';
import type { Gateways } from './gateways.ts';
import { leaseMs } from './lease.ts';
import { createPump, type Pump } from './pump.ts';

export interface DispatcherOptions {
  readonly pool: PostgresPool;
  readonly gateways: Gateways;
  readonly caller: Caller;
  readonly results: Results;
  readonly metrics: ProcessorMetrics;
  readonly firstCalls: FirstCalls;
  readonly logger: Logger;
  /** Unique to this process: a lease never outlives it unseen. */
  readonly owner: string;
}

const SOURCE_ALREADY_USED = failureOf(
  'SOURCE_ALREADY_USED',
  'what the shopper authenticated is used by another payment',
);

/** Claims READY attempts as slots of their PG come free, and calls them. */
export function createDispatcher(options: DispatcherOptions): Pump {
  const { gateways, caller, metrics, logger } = options;
  return createPump<CallableAttempt>({
    name: 'dispatcher',
    slots: new Map(gateways.pgs.map((pg) => [pg, gateways.get(pg)?.settings.concurrency ?? 0])),
    pgOf: (attempt) => attempt.pg,
    claim: (free) => claim(options, free),
    run: (attempt) => caller.call(attempt, options.owner),
    slotsInUse: metrics.slotsInUse,
    logger,
  });
}

async function claim(
  options: DispatcherOptions,
  free: ReadonlyMap<Pg, number>,
): Promise<readonly CallableAttempt[]> {
  const slots = [...free].flatMap(([pg, count]): ClaimSlot[] => {
    const settings = options.gateways.get(pg)?.settings;
    return settings ? [{ pg, free: count, leaseMs: leaseMs(settings) }] : [];
  });
  const { won, lost } = await claimAttempts(options.pool, slots, options.owner);
  countFirstCalls(options, won);
  await Promise.all(lost.map((attempt) => recordLoser(options, attempt)));
  return won;
}

/** Only these earn retries: what is retried itself earns none. */
function countFirstCalls({ firstCalls }: DispatcherOptions, won: readonly CallableAttempt[]): void {
  for (const { pg, operation, number } of won) {
    if (operation === 'APPROVE' && number === 1) firstCalls.add(pg, 1);
  }
}

/** Recorded as lost only if the claim is still held then; else it is claimed again later. */
async function recordLoser(options: DispatcherOptions, attempt: CallableAttempt): Promise<void> {
  try {
    await options.results.record({
      attemptId: attempt.id,
      paymentId: attempt.paymentId,
      step: 'NOT_CALLED',
      owner: null,
      decision: { kind: 'GIVE_UP', failure: SOURCE_ALREADY_USED },
      ...WITHOUT_EXCHANGE,
    });
  } catch (error) {
    options.logger.error({ err: error, attemptId: attempt.id }, 'a loser is recorded later');
  }
}
