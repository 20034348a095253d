import type { Queryable } from '@mini-pg/database';
import { businessDateOf } from '@mini-pg/domain';
import { newId } from '@mini-pg/runtime';
import type { LedgerEntry } from './ledger-server.ts';
import { insertRow, insertRows } from './rows.ts';
import {
  ACCOUNT,
  attemptRow,
  captureOf,
  type SoundPayment,
  sourceKeyOf,
} from './sound-payments.ts';

/** A capture that was found after its payment had failed, and given back. */
export interface SoundReversal {
  readonly attemptId: string;
  /** What the gateway has of it: captured and cancelled. */
  readonly ledger: readonly LedgerEntry[];
}

/** Reverses a late capture of a payment that failed: the attempt, and its way through suspense. */
export async function addReversal(
  database: Queryable,
  payment: SoundPayment,
): Promise<SoundReversal> {
  const attemptId = newId();
  const [pgPaymentId, pgTransactionId] = ['key-reversed', 'tx-reversed'];
  await insertRow(database, 'processor.attempt', {
    ...attemptRow(payment),
    id: attemptId,
    number: 2,
    state: 'REVERSED',
    source_key: sourceKeyOf(pgPaymentId),
    pg_payment_id: pgPaymentId,
    pg_transaction_id: pgTransactionId,
    called_at: payment.at,
    closed_at: payment.at,
  });
  await insertRow(database, 'processor.attempt', {
    ...attemptRow(payment),
    id: newId(),
    operation: 'CANCEL',
    number: 1,
    state: 'APPROVED',
    source_key: null,
    expires_at: null,
    reverses_id: attemptId,
    cancel_amount: payment.amount,
    cancel_tax_free_amount: 0n,
    cancel_remaining_before: payment.amount,
    cancel_reason: 'it had failed',
    pg_payment_id: pgPaymentId,
    pg_transaction_id: 'tx-reversal',
    approved_at: payment.at,
    called_at: payment.at,
    closed_at: payment.at,
  });
  const posting = {
    attempt_id: attemptId,
    payment_id: payment.paymentId,
    merchant_id: payment.merchantId,
    livemode: payment.livemode,
    order_id: payment.orderId,
    currency: 'KRW',
    pg: 'toss',
    pg_account_id: ACCOUNT,
    pg_payment_id: pgPaymentId,
    occurred_at: payment.at,
    date: businessDateOf(payment.at),
    event_id: newId(),
  };
  await insertRows(database, 'settlement.suspense_posting', [
    {
      ...posting,
      kind: 'CAPTURE',
      amount: payment.amount,
      pg_transaction_id: pgTransactionId,
    },
    {
      ...posting,
      kind: 'REVERSAL',
      amount: -payment.amount,
      pg_transaction_id: 'tx-reversal',
    },
  ]);
  const capture = { ...captureOf(payment), pgPaymentId, pgTransactionId };
  return {
    attemptId,
    ledger: [capture, { ...capture, kind: 'CANCEL', pgTransactionId: 'tx-reversal' }],
  };
}
