import { inTransaction, type PostgresPool } from '@mini-pg/database';
import type { Pg } from '@mini-pg/domain';
import { failpoint } from '@mini-pg/runtime';
import { type CallableAttempt, callableColumns } from '../attempts/attempt.ts';
import type { Gateways } from '../calls/gateways.ts';
import { leaseMs } from '../calls/lease.ts';
import type { RetryRequest } from '../retries/budget.ts';
import type { FirstCalls } from '../retries/first-calls.ts';
import { RESEND_CALLS } from '../retries/retry-policy.ts';
import { lockBudgets, writeBudgets } from '../retries/stored-budgets.ts';

/** An attempt that one inquirer holds for one inquiry. */
export interface HeldAttempt extends CallableAttempt {
  readonly leaseOwner: string;
}

const slots = `
  select * from unnest($1::text[], $2::int[], $3::float8[]) as s (pg, free, lease_ms)`;

/** The step of a schedule (an array of milliseconds) at an index counted from 0, or its last. */
const step = (schedule: string, index: string): string =>
  `(${schedule} ->> least(${index}, jsonb_array_length(${schedule}) - 1))::float8`;

/**
 * Takes UNKNOWN attempts whose inquiry is due, and admitted if it begins a retry. The next turn is
 * fixed here already, so that an inquirer which dies leaves nothing behind that is never looked at
 * again.
 */
const CLAIM_INQUIRIES = {
  name: 'claim-inquiries',
  text: `
    with slot as (${slots}), due as materialized (
      select r.id, slot.lease_ms, slot.pg from slot cross join lateral (
        select id from attempt
        where state = 'UNKNOWN' and pg = slot.pg and next_inquiry_at <= now()
          and (admitted or not not_executed)
        order by next_inquiry_at limit slot.free
        for update skip locked
      ) r
    )
    update attempt a set
      admitted = false, inquiry_count = a.inquiry_count + 1, lease_owner = $4,
      lease_until = now() + due.lease_ms * interval '1 ms',
      next_inquiry_at = now() + (due.lease_ms
        + ${step('($5::jsonb -> a.pg)', 'a.inquiry_count + 1')}) * interval '1 ms',
      updated_at = now()
    from due where a.id = due.id
    returning ${callableColumns('a')}`,
};

/**
 * Takes attempts that are due for a look at a late capture. The schedule counts from the moment at
 * which the attempt was closed or given to a person; after its last step nobody looks again.
 */
const CLAIM_FOLLOW_UPS = {
  name: 'claim-follow-ups',
  text: `
    with slot as (${slots}), due as materialized (
      select r.id, slot.lease_ms from slot cross join lateral (
        select id from attempt
        where pg = slot.pg and next_follow_up_at <= now()
        order by next_follow_up_at limit slot.free
        for update skip locked
      ) r
    )
    update attempt a set
      follow_up_count = a.follow_up_count + 1, lease_owner = $4,
      lease_until = now() + due.lease_ms * interval '1 ms',
      next_follow_up_at = a.next_follow_up_at + (
        ($5::jsonb -> a.pg ->> (a.follow_up_count + 1))::float8
        - ($5::jsonb -> a.pg ->> a.follow_up_count)::float8) * interval '1 ms',
      updated_at = now()
    from due where a.id = due.id
    returning ${callableColumns('a')}`,
};

export interface ClaimRepairs {
  readonly pool: PostgresPool;
  readonly gateways: Gateways;
  /** Names this one claim: a verdict of an earlier claim does not pass for one of this. */
  readonly owner: string;
  readonly free: ReadonlyMap<Pg, number>;
}

export function claimInquiries(claim: ClaimRepairs): Promise<readonly HeldAttempt[]> {
  return take(CLAIM_INQUIRIES, claim, 'inquiryScheduleMs');
}

export function claimFollowUps(claim: ClaimRepairs): Promise<readonly HeldAttempt[]> {
  return take(CLAIM_FOLLOW_UPS, claim, 'lateCaptureScheduleMs');
}

async function take(
  statement: { name: string; text: string },
  { pool, gateways, owner, free }: ClaimRepairs,
  schedule: 'inquiryScheduleMs' | 'lateCaptureScheduleMs',
): Promise<readonly HeldAttempt[]> {
  const turns = [...free].flatMap(([pg, count]) => {
    const settings = gateways.get(pg)?.settings;
    return settings ? [{ pg, count, settings }] : [];
  });
  const schedules = Object.fromEntries(turns.map(({ pg, settings }) => [pg, settings[schedule]]));
  failpoint('pg-processor.repairs.before-claim');
  const { rows } = await pool.query<HeldAttempt>({
    ...statement,
    values: [
      turns.map(({ pg }) => pg),
      turns.map(({ count }) => count),
      turns.map(({ settings }) => leaseMs(settings)),
      owner,
      JSON.stringify(schedules),
    ],
  });
  if (rows.length > 0) failpoint('pg-processor.repairs.after-claim');
  return rows;
}

/**
 * Notes, durably, that the same bytes are about to be sent again. Gives what is left of the lease,
 * or nothing when the attempt is not this claim's any more or an answer came in the meantime.
 * DENIED: the budget of retries does not reach so far.
 */
const START_RESEND = {
  name: 'start-resend',
  text: `
    update attempt set
      resend_count = resend_count + 1, reached = true,
      lease_until = now() + $3::float8 * interval '1 ms',
      deadline_at = now() + $3::float8 * interval '1 ms',
      next_inquiry_at = now() + ($3::float8 + $5::float8) * interval '1 ms', updated_at = now()
    where id = $1 and state = 'UNKNOWN' and lease_owner = $2 and lease_until > now()
      and not answered and not not_executed and resend_count < $4
    returning (extract(epoch from lease_until - clock_timestamp()) * 1000)::float8 as "leftMs"`,
};

export interface ResendOptions {
  readonly leaseMs: number;
  readonly resendsMax: number;
  readonly pauseMs: number;
  readonly gateways: Gateways;
  readonly firstCalls: FirstCalls;
}

const RESEND: RetryRequest = { code: 'OUTCOME_UNKNOWN', calls: RESEND_CALLS, isRepair: true };

export async function startResend(
  pool: PostgresPool,
  attempt: HeldAttempt,
  options: ResendOptions,
): Promise<number | null | 'DENIED'> {
  const started = await inTransaction(pool, async (client) => {
    const budgets = await lockBudgets(client, [attempt.pg], options);
    const isAdmitted = budgets.get(attempt.pg)?.admits(RESEND) ?? false;
    await writeBudgets(client, budgets);
    if (!isAdmitted) return 'DENIED';
    const { leaseMs: ms, resendsMax, pauseMs } = options;
    const { rows } = await client.query<{ leftMs: number }>({
      ...START_RESEND,
      values: [attempt.id, attempt.leaseOwner, ms, resendsMax, pauseMs],
    });
    failpoint('pg-processor.resend.before-commit');
    return rows[0]?.leftMs ?? null;
  });
  failpoint('pg-processor.resend.after-commit');
  return started;
}
