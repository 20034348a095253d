import type { Plant } from './plant.ts';

export const SUSPENSE_PLANTS: readonly Plant[] = [
  {
    rule: 'suspense-returns-to-zero',
    what: 'a capture in suspense that never left it',
    plant: ({ pool, books }) =>
      pool.query(
        `delete from settlement.suspense_posting where attempt_id = $1 and kind = 'REVERSAL'`,
        [books.reversedAttemptId],
      ),
  },
  {
    rule: 'suspense-holds-reversals',
    what: 'a capture in suspense of another amount than its attempt',
    async plant({ pool, books }) {
      await pool.query('drop trigger suspense_balance on settlement.suspense_posting');
      await pool.query(
        `update settlement.suspense_posting set amount = amount + sign(amount)
         where attempt_id = $1`,
        [books.reversedAttemptId],
      );
    },
  },
  {
    rule: 'suspense-holds-reversals',
    what: 'a capture that is both in suspense and among the sales',
    async plant({ pool, books }) {
      await pool.query('drop trigger suspense_balance on settlement.suspense_posting');
      await pool.query(
        `update settlement.suspense_posting
         set pg_transaction_id = $2 where attempt_id = $1 and kind = 'CAPTURE'`,
        [books.reversedAttemptId, books.late.pgTransactionId],
      );
    },
  },
];
