import type { PostgresPool } from '@mini-pg/database';
import { addCancel } from '../sound-settlement.ts';
import type { Plant } from './plant.ts';

export const CANCEL_PLANTS: readonly Plant[] = [
  {
    rule: 'cancel-is-fact',
    what: 'a cancel that shows the merchant another amount',
    plant: ({ pool, books }) =>
      pool.query(
        `update payment.payment_fact set data = jsonb_set(data, '{cancelAmount}', '1')
         where fact_key = $1`,
        [books.cancelId],
      ),
  },
  {
    rule: 'cancel-is-fact',
    what: 'a cancel of yesterday that the merchant does not see',
    async plant({ pool, books }) {
      const { id } = await addCancel(pool, books.late, 1_000n, books.exclusive.policy);
      await age(pool, id);
      await pool.query('delete from payment.payment_fact where fact_key = $1', [id]);
    },
    also: ['reserve-is-cancels'],
  },
  {
    rule: 'cancel-has-payment',
    what: 'a cancel of yesterday whose payment was never approved',
    async plant({ pool, books }) {
      const { id } = await addCancel(pool, books.failed, 1_000n, books.exclusive.policy);
      await age(pool, id);
    },
  },
  {
    rule: 'cancel-has-payment',
    what: 'a cancel under the terms of another date than its payment',
    plant: ({ pool, books }) =>
      pool.query('update settlement.fact set terms_date = terms_date - 1 where id = $1', [
        books.cancelId,
      ]),
  },
  {
    rule: 'cancels-fit-payment',
    what: 'two cancels that begin with the same balance',
    async plant({ pool, books }) {
      await pool.query('drop index settlement.fact_balance_cancelled_once');
      await addCancel(pool, books.settled, 1_000n, books.exclusive.policy);
    },
  },
  {
    rule: 'cancels-fit-payment',
    what: 'a cancel of yesterday that begins below what the one before it left',
    async plant({ pool, books }) {
      const { id } = await addCancel(pool, books.late, 1_000n, books.exclusive.policy, 9_000n);
      await age(pool, id);
    },
  },
  {
    rule: 'cancel-charged-as-payment',
    what: 'a cancel that returns another rate than was charged',
    plant: ({ pool, books }) =>
      pool.query('update settlement.settlement_item set fee_ppm = fee_ppm - 1 where id = $1', [
        books.cancelId,
      ]),
    also: ['item-terms-in-effect'],
  },
];

/** Makes a fact so old that whatever belongs to it should have arrived. */
function age(pool: PostgresPool, id: string) {
  return pool.query(
    `update settlement.fact set recorded_at = now() - interval '1 day' where id = $1`,
    [id],
  );
}
