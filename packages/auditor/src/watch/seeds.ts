import type { PostgresSession } from '@mini-pg/database';
import type { AuditBounds } from '../bounds.ts';
import { firstIdAt } from './lanes.ts';

/**
 * Payments that should have moved on by now: they are looked at in every pass, whatever their age.
 * Each query goes by an index of what is open, oldest first.
 */
const OVERDUE = `
  (select payment_id from payment.payment_open
   where payment_id < $1 order by payment_id limit $4)
  union
  (select payment_id from processor.attempt
   where state = 'CALLING' and lease_until < now() - $2::interval limit $4)
  union
  (select payment_id from processor.attempt
   where state = 'READY' and expires_at < now() - $2::interval order by expires_at limit $4)
  union
  (select payment_id from processor.attempt
   where state = 'UNKNOWN' order by called_at limit $4)
  union
  (select payment_id from processor.cancel where state in ('WAITING', 'STARTED') limit $4)
  union
  (select payment_id from processor.attempt
   where next_follow_up_at < now() - $3::interval limit $4)`;

/** At most `max` payments of each kind of being overdue. */
export async function readOverduePayments(
  session: PostgresSession,
  bounds: AuditBounds,
  now: Date,
  max: number,
): Promise<string[]> {
  const { rows } = await session.query<{ payment_id: string }>(OVERDUE, [
    firstIdAt(now.getTime() - bounds.requestedMs),
    `${bounds.callingMs} milliseconds`,
    `${bounds.unknownMs} milliseconds`,
    max,
  ]);
  return rows.map((row) => row.payment_id);
}

/** The payments and statements that ids of any kind lead to: of a merchant, one of its payments. */
const SUBJECTS = `
  select 'payment' as kind, id from payment.payment where id = any($1::uuid[])
  union select 'payment', payment_id from processor.attempt where id = any($1)
  union select 'payment', payment_id from processor.cancel where id = any($1)
  union select 'payment', payment_id from payment.cancel_open where cancel_id = any($1)
  union select 'payment', payment_id from settlement.fact where id = any($1)
  union select 'payment', payment_id from settlement.settlement_item where id = any($1)
  union select 'payment', payment_id from settlement.suspense_posting where attempt_id = any($1)
  union select 'statement', id from settlement.settlement where id = any($1)
  union select 'statement', id from payment.settlement where id = any($1)
  union
  select 'statement', s.id from settlement.settlement_item i
  join settlement.settlement s
    on (s.run_id, s.merchant_id, s.livemode, s.currency)
     = (i.run_id, i.merchant_id, i.livemode, i.currency)
  where i.id = any($1)
  union
  select 'payment', one.payment_id from settlement.settlement s
  cross join lateral (
    select payment_id from settlement.settlement_item i
    where (i.run_id, i.merchant_id, i.currency) = (s.run_id, s.merchant_id, s.currency) limit 1
  ) one
  where s.id = any($1)
  union
  select 'payment', one.id from unnest($1::uuid[]) as merchant (id)
  cross join lateral (
    select p.id from payment.payment p where p.merchant_id = merchant.id limit 1
  ) one`;

export interface Subjects {
  readonly payments: readonly string[];
  readonly statements: readonly string[];
}

/** What ids that a violation names belong to; ids that are payments that nobody knows stay. */
export async function readSubjects(
  session: PostgresSession,
  ids: readonly string[],
): Promise<Subjects> {
  if (ids.length === 0) return { payments: [], statements: [] };
  const { rows } = await session.query<{ kind: string; id: string }>(SUBJECTS, [ids]);
  const of = (kind: string) => rows.flatMap((row) => (row.kind === kind ? [row.id] : []));
  return { payments: [...of('payment'), ...ids], statements: [...of('statement'), ...ids] };
}
