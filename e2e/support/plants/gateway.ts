import { newId } from '@mini-pg/runtime';
import { insertRow } from '../rows.ts';
import { attemptRow, captureOf, sourceKeyOf } from '../sound-payments.ts';
import type { Plant } from './plant.ts';

const LONG_AGO = '2026-03-13T03:00:00Z';

export const GATEWAY_PLANTS: readonly Plant[] = [
  {
    rule: 'capture-has-attempt',
    what: 'a capture of a payment that nobody asked for',
    plant: ({ books, ledger }) =>
      ledger.push({ ...captureOf(books.failed), pgPaymentId: 'nobody', at: LONG_AGO }),
  },
  {
    rule: 'attempt-has-capture',
    what: 'an approval that the gateway does not know',
    plant: ({ books, ledger }) =>
      ledger.splice(
        ledger.findIndex((row) => row.pgTransactionId === books.late.pgTransactionId),
        1,
      ),
  },
  {
    rule: 'gateway-charged-once',
    what: 'a second capture of the same payment of the gateway',
    plant: ({ books, ledger }) =>
      ledger.push({
        ...captureOf(books.late),
        pgTransactionId: 'tx-again',
        at: new Date().toISOString(),
      }),
  },
  {
    rule: 'gateway-charged-once',
    what: 'more given back than was captured',
    also: ['refund-has-cancel'],
    plant: ({ books, ledger }) =>
      ledger.push({ ...captureOf(books.settled), kind: 'CANCEL', pgTransactionId: 'tx-cancel-2' }),
  },
  {
    rule: 'payment-charged-once',
    what: 'a reversed attempt whose money was not given back, beside the approved one',
    also: ['reversal-has-refund'],
    async plant({ pool, books, ledger }) {
      const pgPaymentId = 'key-charged-again';
      const attemptId = newId();
      await insertRow(pool, 'processor.attempt', {
        ...attemptRow(books.late),
        id: attemptId,
        number: 2,
        state: 'REVERSED',
        source_key: sourceKeyOf(pgPaymentId),
        pg_payment_id: pgPaymentId,
        pg_transaction_id: 'tx-charged-again',
        called_at: books.late.at,
        closed_at: books.late.at,
      });
      await insertRow(pool, 'processor.exception', {
        id: newId(),
        kind: 'LATE_CAPTURE',
        payment_id: books.late.paymentId,
        attempt_id: attemptId,
        merchant_id: books.late.merchantId,
        livemode: true,
        detail: {},
      });
      ledger.push({
        ...captureOf(books.late),
        pgPaymentId,
        pgTransactionId: 'tx-charged-again',
      });
    },
  },
  {
    rule: 'failed-holds-no-money',
    what: 'a failed payment that was captured a moment ago',
    plant: ({ books, ledger }) =>
      ledger.push({ ...captureOf(books.failed), at: new Date().toISOString() }),
  },
];
