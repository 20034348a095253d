import type { PostgresSession } from '@mini-pg/database';
import { createEvent } from '@mini-pg/domain';
import type { Run } from './run.ts';

/** A stretch of a run's lines in the order of merchant, currency and id; both ends belong to it. */
export interface LineRange {
  readonly from: LineKey;
  readonly to: LineKey;
}

export interface LineKey {
  readonly merchantId: string;
  readonly currency: string;
  readonly id: string;
}

/** A payment is settled by its own line; the line of a cancel says nothing new about it. */
const PUBLISH_SETTLED = {
  name: 'publish-settled',
  text: `
    insert into outbox (event_id, topic, key, payload)
    select event.id, 'payment.settled', item.payment_id::text,
      format($2, event.id, item.payment_id, item.merchant_id, settlement.id, item.id)
    from settlement_item item
    join settlement using (run_id, merchant_id, livemode, currency)
    cross join lateral (select event_id('payment.settled/' || item.id) as id) event
    where item.run_id = $1 and item.kind = 'PAYMENT'
      and (item.merchant_id, item.currency, item.id) >= ($3, $4, $5)
      and (item.merchant_id, item.currency, item.id) <= ($6, $7, $8)
      and (settlement.merchant_id, settlement.currency) >= ($3, $4)
      and (settlement.merchant_id, settlement.currency) <= ($6, $7)
    order by item.merchant_id, item.currency, item.id`,
};

/**
 * Writes `payment.settled` for each payment of a stretch of lines, in one statement: there is one
 * event a payment, up to a million, and what differs between them are ids.
 */
export async function publishSettled(
  session: PostgresSession,
  run: Run,
  time: string,
  { from, to }: LineRange,
): Promise<void> {
  await session.query({
    ...PUBLISH_SETTLED,
    values: [
      run.id,
      settledTemplate(run, time),
      ...[from.merchantId, from.currency, from.id],
      ...[to.merchantId, to.currency, to.id],
    ],
  });
}

/** The event with a place for each id, as `format` of Postgres fills them; all items are live. */
function settledTemplate(run: Run, time: string): string {
  const [eventId, paymentId, merchantId] = ['%1$s', '%2$s', '%3$s'];
  const [settlementId, itemId] = ['%4$s', '%5$s'];
  const event = createEvent('payment.settled', {
    id: eventId,
    source: 'settlement-worker',
    time,
    subject: paymentId,
    data: {
      merchantId,
      livemode: true,
      paymentId,
      settlementId,
      itemId,
      date: run.date,
      settledAt: time,
    },
  });
  return JSON.stringify(event);
}
