import { newId } from '@mini-pg/runtime';
import { insertRow } from '../rows.ts';
import { addDoneCancel, cancelRow } from '../sound-cancels.ts';
import { captureOf } from '../sound-payments.ts';
import type { Plant } from './plant.ts';

export const GATEWAY_CANCEL_PLANTS: readonly Plant[] = [
  {
    rule: 'cancel-has-refund',
    what: 'a cancel that the gateway does not know',
    plant: ({ pool, books }) =>
      addDoneCancel(pool, books.late, {
        id: newId(),
        amount: 1_000n,
        pgTransactionId: 'tx-never-cancelled',
      }),
  },
  {
    rule: 'cancel-has-refund',
    what: 'a cancel that the gateway executed with another amount',
    plant({ ledger }) {
      const refund = ledger.find(({ kind }) => kind === 'CANCEL');
      if (refund) refund.amount -= 1;
    },
  },
  {
    rule: 'refund-has-cancel',
    what: 'money given back that no cancel asked for',
    plant: ({ books, ledger }) =>
      ledger.push({
        ...captureOf(books.late),
        kind: 'CANCEL',
        pgTransactionId: 'tx-by-nobody',
        amount: 1_000,
      }),
  },
  {
    rule: 'reversal-has-refund',
    what: 'a reversed attempt that nothing has given back',
    also: ['refund-has-cancel'],
    plant: ({ pool, books }) =>
      pool.query('delete from processor.attempt where reverses_id = $1', [books.reversedAttemptId]),
  },
  {
    rule: 'cancels-within-amount',
    what: 'two cancels that counted on the same balance',
    withoutLedger: true,
    async plant({ pool, books }) {
      await pool.query(`
        drop index processor.cancel_one_per_balance;
        drop index processor.cancel_one_per_remainder`);
      await addDoneCancel(pool, books.settled, {
        id: newId(),
        amount: 11_111n,
        pgTransactionId: 'tx-cancel-2',
      });
    },
  },
  {
    rule: 'cancel-tells-the-truth',
    what: 'an event of another amount than was cancelled',
    plant: ({ pool, books }) =>
      pool.query(
        `update processor.cancel
         set payload = jsonb_set(payload::jsonb, '{data,cancelAmount}', '1')::text
         where id = $1`,
        [books.cancelId],
      ),
  },
  {
    rule: 'cancels-end-in-time',
    what: 'a cancel that waits since yesterday',
    plant: ({ pool, books }) =>
      insertRow(pool, 'processor.cancel', {
        ...cancelRow(books.late),
        id: newId(),
        amount: null,
        state: 'WAITING',
        created_at: new Date(Date.now() - 86_400_000),
      }),
  },
];
