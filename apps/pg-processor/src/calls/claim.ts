import type { PostgresPool } from '@mini-pg/database';
import type { Pg } from '@mini-pg/domain';
import { failpoint } from '@mini-pg/runtime';
import { type CallableAttempt, callableColumns } from '../attempts/attempt.ts';

/** How many attempts of a PG may be claimed, and for how long. */
export interface ClaimSlot {
  readonly pg: Pg;
  readonly free: number;
  readonly leaseMs: number;
}

export interface Claimed {
  /** In CALLING now, under the given owner's lease. */
  readonly won: readonly CallableAttempt[];
  /** Still READY: another payment holds the claim on what their shopper authenticated. */
  readonly lost: readonly CallableAttempt[];
}

/** A loser is left alone for so long, while its failure is recorded. */
const LOSER_PAUSE_MS = 5_000;

/**
 * Moves READY attempts to CALLING, up to the free slots of each PG, and claims their sources. An
 * attempt moves only when it won the claim, its payment has it already, or it has no source to
 * claim; an approval also only while no cancel of its payment waits. One statement, durable before
 * any of them is called. Attempts of a payment that has another one under way wait; they are found
 * by subqueries that the planner cannot join, since each is one look into the partial index that
 * forbids the same.
 */
const CLAIM = {
  name: 'claim-attempts',
  text: `
    with slot as (
      select * from unnest($1::text[], $2::int[], $3::float8[]) as s (pg, free, lease_ms)
    ), due as materialized (
      select r.*, slot.lease_ms from slot cross join lateral (
        select a.id, a.payment_id, a.pg, a.pg_account_id, a.livemode, a.source_key
        from attempt a
        where a.state = 'READY' and a.pg = slot.pg and a.next_attempt_at <= now()
          and (a.expires_at is null or a.expires_at > now())
          and (
            select o.id from attempt o
            where o.payment_id = a.payment_id and o.state = 'CALLING' limit 1) is null
          and (a.operation <> 'APPROVE' or (
            select o.id from attempt o
            where o.payment_id = a.payment_id and o.operation = 'APPROVE'
              and o.state in ('CALLING', 'UNKNOWN', 'APPROVED') limit 1) is null)
          and (a.operation <> 'APPROVE' or (
            select c.id from cancel c
            where c.payment_id = a.payment_id and c.state = 'WAITING' limit 1) is null)
        order by a.next_attempt_at limit slot.free
        for update skip locked
      ) r
    ), won as (
      insert into source_claim (pg, pg_account_id, livemode, source_key, payment_id, attempt_id)
      select pg, pg_account_id, livemode, source_key, payment_id, id
      from due where source_key is not null
      order by source_key, pg, pg_account_id, livemode, id
      on conflict do nothing
      returning attempt_id
    ), sorted as materialized (
      select due.id, due.lease_ms, due.source_key is null
        or due.id in (select attempt_id from won)
        or exists (
          select from source_claim c
          where c.pg = due.pg and c.pg_account_id = due.pg_account_id
            and c.livemode = due.livemode and c.source_key = due.source_key
            and c.payment_id = due.payment_id) as is_won
      from due
    )
    update attempt a set
      state = case when s.is_won then 'CALLING' else a.state end,
      lease_owner = case when s.is_won then $4 end,
      lease_until = case when s.is_won then now() + s.lease_ms * interval '1 ms' end,
      deadline_at = case when s.is_won then now() + s.lease_ms * interval '1 ms' end,
      called_at = case when s.is_won then now() end,
      next_attempt_at = case when s.is_won then a.next_attempt_at
        else now() + ${LOSER_PAUSE_MS} * interval '1 ms' end,
      updated_at = now()
    from sorted s
    where a.id = s.id
    returning ${callableColumns('a')}`,
};

export async function claimAttempts(
  pool: PostgresPool,
  slots: readonly ClaimSlot[],
  owner: string,
): Promise<Claimed> {
  failpoint('pg-processor.claim.before-commit');
  const { rows } = await pool.query<CallableAttempt>({
    ...CLAIM,
    values: [
      slots.map(({ pg }) => pg),
      slots.map(({ free }) => free),
      slots.map(({ leaseMs }) => leaseMs),
      owner,
    ],
  });
  if (rows.length > 0) failpoint('pg-processor.claim.after-commit');
  return {
    won: rows.filter(({ state }) => state === 'CALLING'),
    lost: rows.filter(({ state }) => state === 'READY'),
  };
}
