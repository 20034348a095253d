import { newId } from '@mini-pg/runtime';
import { insertRow } from '../rows.ts';
import { addPayment } from '../sound-payments.ts';
import type { Plant } from './plant.ts';

const TEN_MINUTES_MS = 600_000;

export const PAYMENT_PLANTS: readonly Plant[] = [
  {
    rule: 'key-per-payment',
    what: 'a payment without its key',
    plant: ({ pool, books }) =>
      pool.query('delete from payment.idempotency_key where resource = $1', [
        books.failed.paymentId,
      ]),
  },
  {
    rule: 'one-live-payment-per-order',
    what: 'an order that is paid and requested once more',
    async plant({ pool, books }) {
      await pool.query('drop index payment.idempotency_key_live_order');
      await addPayment(pool, {
        merchantId: books.exclusive.id,
        orderId: books.late.orderId,
        amount: 10_000n,
        end: 'READY',
        at: new Date(),
      });
    },
  },
  {
    rule: 'live-order-mark',
    what: 'a paid order that may be paid again',
    plant: ({ pool, books }) =>
      pool.query('update payment.idempotency_key set live_order_id = null where resource = $1', [
        books.late.paymentId,
      ]),
  },
  {
    rule: 'live-order-mark',
    what: 'a failed payment that blocks its order',
    plant: ({ pool, books }) =>
      pool.query('update payment.idempotency_key set live_order_id = $2 where resource = $1', [
        books.failed.paymentId,
        books.failed.orderId,
      ]),
  },
  {
    rule: 'one-outcome-per-payment',
    what: 'a payment that was approved twice',
    plant: ({ pool, books }) =>
      pool.query(
        `insert into payment.payment_fact
           (payment_id, kind, fact_key, event_id, sequence, data, occurred_at)
         select payment_id, kind, $2, event_id, sequence, data, occurred_at
         from payment.payment_fact where payment_id = $1`,
        [books.late.paymentId, newId()],
      ),
  },
  {
    rule: 'fact-is-outcome',
    what: 'an approval that the processor never told',
    plant: ({ pool, books }) =>
      pool.query('update payment.payment_fact set event_id = $2 where payment_id = $1', [
        books.late.paymentId,
        newId(),
      ]),
  },
  {
    rule: 'approved-as-requested',
    what: 'an approval of another amount than was asked for',
    plant: ({ pool, books }) =>
      pool.query(
        `update payment.payment_fact set data = jsonb_set(data, '{amount}', '1')
         where payment_id = $1`,
        [books.late.paymentId],
      ),
  },
  {
    rule: 'open-until-outcome',
    what: 'a payment without an outcome that is not announced again',
    plant: ({ pool, books }) =>
      pool.query('delete from payment.payment_open where payment_id = $1', [
        books.unknown.paymentId,
      ]),
  },
  {
    rule: 'request-arrives',
    what: 'a payment that never reached the processor',
    plant: ({ pool, books }) =>
      addPayment(pool, {
        merchantId: books.exclusive.id,
        orderId: 'order-lost',
        amount: 10_000n,
        end: 'NOT_ARRIVED',
        at: new Date(Date.now() - TEN_MINUTES_MS),
      }),
  },
  {
    rule: 'statement-reaches-merchant',
    what: 'a statement that shows the merchant another sum',
    plant: ({ pool }) =>
      pool.query('update payment.settlement set gross = gross + 1, net = net + 1'),
  },
  {
    rule: 'statement-reaches-merchant',
    what: 'a statement whose lines never all arrived',
    async plant({ pool, books }) {
      const of = [books.inclusive.id];
      await pool.query(
        'update payment.settlement set complete_at = null where merchant_id = $1',
        of,
      );
    },
  },
  {
    rule: 'lines-reach-merchant',
    what: 'a line that shows the merchant another amount',
    plant: ({ pool, books }) =>
      pool.query('update payment.settlement_item set amount = amount + 1 where id = $1', [
        books.cancelId,
      ]),
  },
  {
    rule: 'settled-is-item',
    what: 'a payment in a statement that does not show it',
    plant: ({ pool, books }) =>
      pool.query(`delete from payment.payment_fact where payment_id = $1 and kind = 'SETTLED'`, [
        books.settled.paymentId,
      ]),
  },
  {
    rule: 'settled-is-item',
    what: 'a payment that shows to be settled and is in no statement',
    plant: ({ pool, books }) =>
      insertRow(pool, 'payment.payment_fact', {
        payment_id: books.late.paymentId,
        kind: 'SETTLED',
        fact_key: books.late.attemptId,
        event_id: newId(),
        data: {},
        occurred_at: new Date(),
      }),
  },
];
