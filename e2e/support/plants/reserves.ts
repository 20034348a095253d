import { newId } from '@mini-pg/runtime';
import { insertRow } from '../rows.ts';
import type { Plant } from './plant.ts';

export const RESERVE_PLANTS: readonly Plant[] = [
  {
    rule: 'reserve-is-cancels',
    what: 'a cancel under way that holds nothing',
    plant: ({ pool, books }) =>
      pool.query('update payment.payment_reserve set reserved = 0 where payment_id = $1', [
        books.unsettled.paymentId,
      ]),
  },
  {
    rule: 'reserve-is-cancels',
    what: 'a cancel that was done and is not counted',
    plant: ({ pool, books }) =>
      pool.query('delete from payment.payment_reserve where payment_id = $1', [
        books.settled.paymentId,
      ]),
  },
  {
    rule: 'key-per-cancel',
    what: 'a cancel without its key',
    plant: ({ pool, books }) =>
      pool.query('delete from payment.idempotency_key where resource = $1', [books.openCancelId]),
  },
  {
    rule: 'cancel-open-until-outcome',
    what: 'a cancel that nobody asks for again',
    plant: ({ pool, books }) =>
      pool.query('delete from payment.cancel_open where cancel_id = $1', [books.openCancelId]),
  },
  {
    rule: 'cancel-open-until-outcome',
    what: 'a cancel that is asked for again though nobody ever did',
    plant: ({ pool, books }) =>
      insertRow(pool, 'payment.cancel_open', {
        cancel_id: newId(),
        payment_id: books.unsettled.paymentId,
        next_emit_at: new Date(),
      }),
  },
];
