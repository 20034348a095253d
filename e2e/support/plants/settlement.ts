import type { Plant } from './plant.ts';

export const SETTLEMENT_PLANTS: readonly Plant[] = [
  {
    rule: 'approval-is-fact',
    what: 'an approval that the books do not know',
    async plant({ pool, books }) {
      await pool.query('delete from settlement.fact where id = $1', [books.late.attemptId]);
      await pool.query('delete from settlement.fact_open where fact_id = $1', [
        books.late.attemptId,
      ]);
    },
  },
  {
    rule: 'sale-date-of-fact',
    what: 'a fact under the date after its own',
    async plant({ pool, books }) {
      await pool.query(`alter table settlement.fact
        drop constraint fact_sale_date, drop constraint fact_terms_date`);
      await pool.query('update settlement.fact set sale_date = sale_date + 1 where id = $1', [
        books.unsettled.attemptId,
      ]);
      await pool.query(
        'update settlement.fact_open set sale_date = sale_date + 1 where fact_id = $1',
        [books.unsettled.attemptId],
      );
    },
  },
  {
    rule: 'items-of-run',
    what: 'a fact that the close saw and left out',
    plant: ({ pool, books }) =>
      pool.query(
        `update settlement.fact
         set xid = (select seen.xid from settlement.fact seen where seen.id = $2) where id = $1`,
        [books.late.attemptId, books.settled.attemptId],
      ),
  },
  {
    rule: 'items-of-run',
    what: 'an item of a fact that the close cannot have seen',
    plant: ({ pool, books }) =>
      pool.query(
        `update settlement.fact
         set xid = (select unseen.xid from settlement.fact unseen where unseen.id = $2)
         where id = $1`,
        [books.settled.attemptId, books.late.attemptId],
      ),
  },
  {
    rule: 'item-tells-fact',
    what: 'an item of another order than its fact',
    plant: ({ pool, books }) =>
      pool.query(`update settlement.fact set order_id = 'order-of-others' where id = $1`, [
        books.cancelId,
      ]),
    also: ['cancel-has-payment'],
  },
  {
    rule: 'item-terms-in-effect',
    what: 'an item charged by a rate that the merchant never had',
    plant: ({ pool, books }) =>
      pool.query('update settlement.settlement_item set fee_ppm = fee_ppm - 1 where id = $1', [
        books.settled.attemptId,
      ]),
    also: ['cancel-charged-as-payment'],
  },
  {
    rule: 'open-facts-listed',
    what: 'a fact that no close will find',
    plant: ({ pool, books }) =>
      pool.query('delete from settlement.fact_open where fact_id = $1', [books.late.attemptId]),
  },
  {
    rule: 'terms-agree',
    what: 'terms that the books have otherwise than they were given',
    plant: ({ pool, books }) =>
      pool.query(
        'update settlement.merchant_terms set payout_days = payout_days + 1 where merchant_id = $1',
        [books.inclusive.id],
      ),
  },
  {
    rule: 'item-fee',
    what: 'a cancel whose fee does not fit what remains',
    plant: ({ pool, books }) =>
      pool.query(
        `update settlement.fact
         set remaining_before = amount + 8889, remaining_after = 8889, recorded_at = now()
         where id = $1`,
        [books.cancelId],
      ),
    also: ['cancel-is-fact'],
  },
  {
    rule: 'statement-is-sum',
    what: 'a statement that pays a won more than its items',
    alsoInSlice: ['control-totals-agree'],
    async plant({ pool, books }) {
      for (const table of ['settlement.settlement', 'payment.settlement']) {
        await pool.query(
          `update ${table} set gross = gross + 1, net = net + 1 where merchant_id = $1`,
          [books.inclusive.id],
        );
      }
      await pool.query(`update settlement.settlement_control set gross = gross + 1, net = net + 1
                        where stage = 'STATEMENTS'`);
    },
  },
  {
    rule: 'control-totals-agree',
    what: 'a close that counted fewer items than it made',
    plant: ({ pool }) =>
      pool.query(
        `update settlement.settlement_control set count = count - 1 where stage = 'ITEMS'`,
      ),
  },
  {
    rule: 'statement-carries',
    what: 'a statement that holds back a debt that is none',
    async plant({ pool, books }) {
      for (const table of ['settlement.settlement', 'payment.settlement']) {
        await pool.query(`update ${table} set carry_in = -1 where merchant_id = $1`, [
          books.inclusive.id,
        ]);
      }
    },
  },
  {
    rule: 'statement-hash',
    what: 'a statement published with the hash of other lines',
    async plant({ pool, books }) {
      for (const table of ['settlement.settlement', 'payment.settlement']) {
        await pool.query(
          `update ${table} set items_hash = repeat('0', 64) where merchant_id = $1`,
          [books.inclusive.id],
        );
      }
    },
  },
  {
    rule: 'payout-date',
    what: 'a statement that is paid out a day late',
    async plant({ pool, books }) {
      for (const table of ['settlement.settlement', 'payment.settlement']) {
        await pool.query(
          `update ${table} set payout_date = payout_date + 1 where merchant_id = $1`,
          [books.inclusive.id],
        );
      }
    },
  },
  {
    rule: 'close-ends-in-time',
    what: 'a close that began yesterday and did not end',
    plant: ({ pool }) =>
      pool.query(`
        insert into settlement.settlement_run (date, requested_by, started_at)
        values ('2026-03-14', 'test', now() - interval '1 day')`),
  },
  {
    rule: 'test-mode-never-settles',
    what: 'an item whose payment was made in test mode',
    async plant({ pool, books }) {
      // Nothing but the mode of the payment's row tells: the rows derived from it are all live.
      await pool.query('update payment.payment set livemode = false where id = $1', [
        books.settled.paymentId,
      ]);
      await pool.query('update payment.idempotency_key set livemode = false where resource = $1', [
        books.settled.paymentId,
      ]);
    },
    also: ['attempt-of-payment', 'approved-as-requested'],
  },
];
