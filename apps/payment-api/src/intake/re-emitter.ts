import { inTransaction, type PostgresPool } from '@mini-pg/database';
import { insertOutbox, toOutboxRow } from '@mini-pg/messaging';
import { type Clock, failpoint, type Gauge, idLowerBound } from '@mini-pg/runtime';
import type { PaymentRow } from '../payments/facts.ts';
import { type RequestedParts, requestedEvent } from './requested-event.ts';

interface OpenPayment extends PaymentRow, RequestedParts {
  readonly traceparent: string | null;
}

const FIRST_AFTER_MS = 120_000;
const NEXT_AFTER_SECONDS = 300;
const EMITS_MAX = 300;
const BATCH_MAX = 200;

const CLAIM = `
  with due as (
    select payment_id from payment_open
    where payment_id < $1::uuid and next_emit_at <= $2 and emits < ${EMITS_MAX}
    order by payment_id limit ${BATCH_MAX} for update skip locked
  ), claimed as (
    update payment_open o
    set emits = o.emits + 1, next_emit_at = $2::timestamptz + interval '${NEXT_AFTER_SECONDS} seconds'
    from due where o.payment_id = due.payment_id
    returning o.payment_id
  )
  select p.* from payment p join claimed on claimed.payment_id = p.id order by p.id`;

/**
 * One round: announces payments again that have no outcome after 2 minutes, then every 5, at most
 * 300 times, with the event id of the first time. One lost event thereby heals.
 */
export async function reEmitOpen(options: {
  readonly pool: PostgresPool;
  readonly clock: Clock;
  readonly exhausted: Gauge;
}): Promise<number> {
  const now = options.clock.now();
  const bound = idLowerBound(new Date(now.getTime() - FIRST_AFTER_MS));
  const count = await inTransaction(options.pool, async (client) => {
    const { rows } = await client.query<OpenPayment>(CLAIM, [bound, now]);
    if (rows.length > 0) await insertOutbox(client, rows.map(requestedAgain));
    if (rows.length > 0) failpoint('payment-api.re-emit.before-commit');
    return rows.length;
  });
  if (count > 0) failpoint('payment-api.re-emit.after-commit');
  const { rows } = await options.pool.query<{ exhausted: number }>(
    `select count(*)::int as exhausted from payment_open where emits >= ${EMITS_MAX}`,
  );
  options.exhausted.set(rows[0]?.exhausted ?? 0);
  return count;
}

function requestedAgain(payment: OpenPayment) {
  const event = requestedEvent(payment, payment);
  return toOutboxRow(event, { key: payment.id, traceparent: payment.traceparent ?? undefined });
}
