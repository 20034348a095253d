import { newId } from '@mini-pg/runtime';
import { insertRow } from '../rows.ts';
import { attemptRow } from '../sound-payments.ts';
import type { Plant } from './plant.ts';

const IN_AN_HOUR = `now() + interval '1 hour'`;
const YESTERDAY = `now() - interval '1 day'`;

export const ATTEMPT_PLANTS: readonly Plant[] = [
  {
    rule: 'attempt-of-payment',
    what: 'an attempt that asks for another amount than the payment',
    plant: ({ pool, books }) =>
      pool.query('update processor.attempt set amount = amount + 1 where payment_id = $1', [
        books.failed.paymentId,
      ]),
  },
  {
    rule: 'one-call-at-a-time',
    what: 'a second approval in a call while the first is unknown',
    async plant({ pool, books }) {
      await pool.query('drop index processor.attempt_one_live_approval');
      await insertRow(pool, 'processor.attempt', {
        ...attemptRow(books.unknown),
        id: newId(),
        number: 2,
        state: 'CALLING',
        lease_owner: 'other',
        lease_until: new Date(Date.now() + 60_000),
        called_at: new Date(),
        deadline_at: new Date(Date.now() + 60_000),
      });
    },
  },
  {
    rule: 'transaction-once',
    what: 'one transaction of the gateway on two attempts',
    withoutLedger: true,
    async plant({ pool, books: { late } }) {
      await pool.query('drop index processor.attempt_one_per_transaction');
      await insertRow(pool, 'processor.attempt', {
        ...attemptRow(late),
        id: newId(),
        number: 2,
        state: 'REVERSED',
        pg_payment_id: late.pgPaymentId,
        pg_transaction_id: late.pgTransactionId,
        closed_at: late.at,
      });
    },
  },
  {
    rule: 'source-claimed-by-its-payment',
    what: 'an approved payment whose source is free for another one',
    plant: ({ pool, books }) =>
      pool.query('delete from processor.source_claim where payment_id = $1', [
        books.late.paymentId,
      ]),
  },
  {
    rule: 'source-claimed-by-its-payment',
    what: 'a claim of a payment that failed',
    plant: ({ pool, books }) =>
      pool.query(
        `insert into processor.source_claim
           (pg, pg_account_id, livemode, source_key, payment_id, attempt_id)
         select pg, pg_account_id, livemode, source_key, payment_id, id
         from processor.attempt where payment_id = $1`,
        [books.failed.paymentId],
      ),
  },
  {
    rule: 'outcome-of-attempt',
    what: 'a failed payment that is still to be tried',
    plant: ({ pool, books }) =>
      insertRow(pool, 'processor.attempt', {
        ...attemptRow(books.failed),
        id: newId(),
        number: 2,
        state: 'READY',
        expires_at: new Date(Date.now() + 60_000),
      }),
  },
  {
    rule: 'outcome-tells-the-truth',
    what: 'an event of another amount than was approved',
    plant: ({ pool, books }) =>
      pool.query(
        `update processor.outcome
         set payload = jsonb_set(payload::jsonb, '{data,amount}', '1')::text
         where payment_id = $1`,
        [books.late.paymentId],
      ),
  },
  {
    rule: 'requested-in-time',
    what: 'a payment of yesterday without an outcome and without an exception',
    async plant({ pool, books }) {
      await resolveException(pool, books.unknown.paymentId);
      await pool.query(
        `update processor.attempt set next_inquiry_at = ${IN_AN_HOUR} where payment_id = $1`,
        [books.unknown.paymentId],
      );
      await pool.query(`update payment.payment set requested_at = ${YESTERDAY} where id = $1`, [
        books.unknown.paymentId,
      ]);
    },
  },
  {
    rule: 'calls-end-in-time',
    what: 'a call whose lease ended yesterday',
    plant: ({ pool, books }) =>
      pool.query(
        `update processor.attempt
         set state = 'CALLING', lease_owner = 'gone', lease_until = ${YESTERDAY}
         where payment_id = $1`,
        [books.unknown.paymentId],
      ),
  },
  {
    rule: 'unknown-is-inquired',
    what: 'an unknown result that nobody inquires and nobody looks after',
    plant: ({ pool, books }) => resolveException(pool, books.unknown.paymentId),
  },
  {
    rule: 'outbox-flows',
    what: 'an event that waits since yesterday',
    plant: ({ pool }) =>
      pool.query(
        `insert into processor.outbox (event_id, topic, key, payload, created_at)
         values ($1, 'payment.completed', 'k', '{}', ${YESTERDAY})`,
        [newId()],
      ),
  },
  {
    rule: 'no-dead-letters',
    what: 'an event that could never be published',
    plant: ({ pool }) =>
      pool.query(
        `insert into settlement.outbox_dead
           (seq, event_id, topic, key, headers, payload, created_at, reason)
         values (1, $1, 'payment.settled', 'k', '{}', '{}', now(), 'too large')`,
        [newId()],
      ),
  },
  {
    rule: 'no-dead-letters',
    what: 'an event that is parked since yesterday',
    plant: ({ pool }) =>
      pool.query(
        `insert into payment.parked_event (event_id, topic, payload, reason, parked_at)
         values ($1, 'payment.completed', '{}', 'the payment is not known', ${YESTERDAY})`,
        [newId()],
      ),
  },
];

function resolveException(pool: Parameters<typeof insertRow>[0], paymentId: string) {
  return pool.query(
    `update processor.exception
     set resolved_at = now(), resolution = 'seen', resolved_by = 'test' where payment_id = $1`,
    [paymentId],
  );
}
