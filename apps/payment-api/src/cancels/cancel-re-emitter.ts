import { inTransaction, type PostgresPool } from '@mini-pg/database';
import { insertOutbox, toOutboxRow } from '@mini-pg/messaging';
import { type Clock, failpoint, type Gauge, idLowerBound } from '@mini-pg/runtime';
import type { CancelRequestedData } from '../payments/facts.ts';
import { cancelRequestedEvent } from './cancel-requested-event.ts';

interface OpenCancel {
  readonly event_id: string;
  readonly data: CancelRequestedData;
  readonly traceparent: string | null;
}

const FIRST_AFTER_MS = 120_000;
const NEXT_AFTER_SECONDS = 300;
const EMITS_MAX = 300;
const BATCH_MAX = 200;

const CLAIM = `
  with due as (
    select cancel_id from cancel_open
    where cancel_id < $1::uuid and next_emit_at <= $2 and emits < ${EMITS_MAX}
    order by cancel_id limit ${BATCH_MAX} for update skip locked
  ), claimed as (
    update cancel_open o
    set emits = o.emits + 1, next_emit_at = $2::timestamptz + interval '${NEXT_AFTER_SECONDS} seconds'
    from due where o.cancel_id = due.cancel_id
    returning o.payment_id, o.cancel_id, o.traceparent
  )
  select f.event_id, f.data, claimed.traceparent
  from claimed
  join payment_fact f
    on f.payment_id = claimed.payment_id and f.kind = 'CANCEL_REQUESTED'
       and f.fact_key = claimed.cancel_id
  order by claimed.cancel_id`;

/**
 * One round: asks again for cancels that have no outcome after 2 minutes, then every 5, at most 300
 * times, with the event id of the first time, as is done with payments. What was reserved for one
 * stays reserved however long that takes: nobody knows yet whether the money went back.
 */
export async function reEmitOpenCancels(options: {
  readonly pool: PostgresPool;
  readonly clock: Clock;
  readonly exhausted: Gauge;
}): Promise<number> {
  const now = options.clock.now();
  const bound = idLowerBound(new Date(now.getTime() - FIRST_AFTER_MS));
  const count = await inTransaction(options.pool, async (client) => {
    const { rows } = await client.query<OpenCancel>(CLAIM, [bound, now]);
    await insertOutbox(client, rows.map(requestedAgain));
    if (rows.length > 0) failpoint('payment-api.cancel-re-emit.before-commit');
    return rows.length;
  });
  if (count > 0) failpoint('payment-api.cancel-re-emit.after-commit');
  const { rows } = await options.pool.query<{ exhausted: number }>(
    `select count(*)::int as exhausted from cancel_open where emits >= ${EMITS_MAX}`,
  );
  options.exhausted.set(rows[0]?.exhausted ?? 0);
  return count;
}

function requestedAgain({ event_id, data, traceparent }: OpenCancel) {
  const event = cancelRequestedEvent(event_id, data);
  return toOutboxRow(event, { key: data.paymentId, traceparent: traceparent ?? undefined });
}
