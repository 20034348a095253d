import type { PostgresPool } from '@mini-pg/database';
import type { Pg } from '@mini-pg/domain';
import { failpoint, type Logger } from '@mini-pg/runtime';
import type { Gateways } from '../calls/gateways.ts';
import { type Decision, escalate, failureOf, wait } from '../decisions/decision.ts';
import type { Results } from '../results/results.ts';
import type { VerdictStep } from '../results/verdict.ts';
import { spreadLater } from './schedule.ts';

export interface SweeperOptions {
  readonly pool: PostgresPool;
  readonly gateways: Gateways;
  readonly results: Results;
  readonly random: () => number;
  readonly logger: Logger;
}

/** What one sweep takes at most; the next follows at once while there is more. */
const SWEEP_MAX = 500;

/** The first inquiry after a lease was lost, should the PG have no schedule here. */
const FIRST_INQUIRY_MS = 1_000;

const EXPIRED = failureOf('EXPIRED', 'no call was made before the payment expired');

const LEASE_OVER = wait('the call was not recorded within its lease');

const OVERDUE = escalate('OUTCOME_UNKNOWN', 'its PG is switched off, so nobody can inquire');

interface Swept {
  id: string;
  paymentId: string;
  pg: Pg;
}

const READ_LEASES_OVER = {
  name: 'read-leases-over',
  text: `
    select id, payment_id as "paymentId", pg from attempt
    where state = 'CALLING' and lease_until < now() limit $1`,
};

const READ_EXPIRED = {
  name: 'read-expired',
  text: `
    select id, payment_id as "paymentId", pg from attempt
    where state = 'READY' and expires_at <= now() order by expires_at limit $1`,
};

const READ_OVERDUE = {
  name: 'read-overdue',
  text: `
    select id, payment_id as "paymentId", pg from attempt
    where state = 'UNKNOWN' and next_inquiry_at < now() and pg <> all($2::text[]) limit $1`,
};

/** CALLING past its lease becomes UNKNOWN. Returns how many. */
export async function sweepLeases(options: SweeperOptions): Promise<number> {
  const { rows } = await options.pool.query<Swept>({ ...READ_LEASES_OVER, values: [SWEEP_MAX] });
  return recordAll(options, rows, 'LEASE_OVER', LEASE_OVER);
}

/** READY past the payment's expiry fails without a call. Returns how many. */
export async function sweepExpired(options: SweeperOptions): Promise<number> {
  const { rows } = await options.pool.query<Swept>({ ...READ_EXPIRED, values: [SWEEP_MAX] });
  return recordAll(options, rows, 'NOT_CALLED', { kind: 'GIVE_UP', failure: EXPIRED });
}

/** UNKNOWN at a PG that was switched off goes to a person. Returns how many. */
export async function sweepOverdue(options: SweeperOptions): Promise<number> {
  const { rows } = await options.pool.query<Swept>({
    ...READ_OVERDUE,
    values: [SWEEP_MAX, options.gateways.pgs],
  });
  return recordAll(options, rows, 'OVERDUE', OVERDUE);
}

async function recordAll(
  { results, gateways, random }: SweeperOptions,
  rows: readonly Swept[],
  step: VerdictStep,
  decision: Decision,
): Promise<number> {
  if (rows.length > 0) failpoint('pg-processor.sweep.before-record');
  const recorded = await Promise.all(
    rows.map(({ id, paymentId, pg }) =>
      results.record({
        attemptId: id,
        paymentId,
        step,
        owner: null,
        decision,
        // The call may have been made: only the PG knows.
        reached: step === 'LEASE_OVER',
        answered: false,
        evidence: null,
        nextInquiryMs: spreadLater(
          gateways.get(pg)?.settings.inquiryScheduleMs[0] ?? FIRST_INQUIRY_MS,
          random,
        ),
      }),
    ),
  );
  return recorded.filter((result) => result === 'APPLIED').length;
}
