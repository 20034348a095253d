import { randomBytes } from 'node:crypto';
import type { Queryable } from '@mini-pg/database';
import { createEvent } from '@mini-pg/domain';
import { newId } from '@mini-pg/runtime';
import { insertRow } from './rows.ts';
import { attemptRow, completed, type SoundPayment } from './sound-payments.ts';

/** Reserves so much more of a payment. */
export async function addReserve(
  database: Queryable,
  payment: SoundPayment,
  amount: bigint,
): Promise<void> {
  await database.query(
    `insert into payment.payment_reserve as r (payment_id, amount, reserved, tax_free_amount)
     values ($1, $2, $3, 0)
     on conflict (payment_id) do update set reserved = r.reserved + excluded.reserved`,
    [payment.paymentId, payment.amount, amount],
  );
}

/** A cancel that was asked for and has no outcome, as the gateway leaves it. */
export async function addOpenCancel(
  database: Queryable,
  payment: SoundPayment,
  amount: bigint,
): Promise<string> {
  const { paymentId, merchantId, livemode, at } = payment;
  const cancelId = newId();
  await insertRow(database, 'payment.idempotency_key', {
    merchant_id: merchantId,
    livemode,
    scope: 'cancel',
    key: `key-of-${cancelId}`,
    resource: cancelId,
    fingerprint: `\\x${randomBytes(32).toString('hex')}`,
    answer: 202,
  });
  await insertRow(database, 'payment.payment_fact', {
    payment_id: paymentId,
    kind: 'CANCEL_REQUESTED',
    fact_key: cancelId,
    event_id: newId(),
    data: {
      merchantId,
      livemode,
      paymentId,
      cancelId,
      amount: Number(amount),
      taxFreeAmount: 0,
      reason: 'The shopper changed their mind',
      origin: 'MERCHANT',
      requestedAt: at.toISOString(),
    },
    occurred_at: at,
  });
  await insertRow(database, 'payment.cancel_open', {
    cancel_id: cancelId,
    payment_id: paymentId,
    next_emit_at: at,
  });
  await addReserve(database, payment, amount);
  return cancelId;
}

export interface SoundCancel {
  readonly id: string;
  readonly amount: bigint;
  readonly pgTransactionId: string;
}

/** A cancel of an approved payment that is done, as pg-processor leaves it. */
export async function addDoneCancel(
  database: Queryable,
  payment: SoundPayment,
  cancel: SoundCancel,
): Promise<void> {
  const attemptId = newId();
  const remainingAfter = payment.amount - cancel.amount;
  await insertRow(database, 'processor.attempt', {
    ...attemptRow(payment),
    id: attemptId,
    operation: 'CANCEL',
    number: 1,
    state: 'APPROVED',
    source_key: null,
    expires_at: null,
    cancel_id: cancel.id,
    cancel_amount: cancel.amount,
    cancel_tax_free_amount: 0n,
    cancel_reason: 'returned',
    cancel_remaining_before: payment.amount,
    called_at: payment.at,
    deadline_at: payment.at,
    reached: true,
    pg_payment_id: payment.pgPaymentId,
    pg_transaction_id: cancel.pgTransactionId,
    approved_at: payment.at,
    closed_at: payment.at,
  });
  const event = createEvent('payment.cancelled', {
    id: newId(),
    source: 'pg-processor',
    time: payment.at.toISOString(),
    subject: payment.paymentId,
    data: {
      ...completed(payment),
      sequence: 2,
      attemptId,
      cancelId: cancel.id,
      cancelAmount: Number(cancel.amount),
      cancelTaxFreeAmount: 0,
      cancelTransactionId: cancel.pgTransactionId,
      remainingBefore: Number(payment.amount),
      remainingAfter: Number(remainingAfter),
      cancelledAt: payment.at.toISOString(),
    } as never,
  });
  await insertRow(database, 'processor.cancel', {
    ...cancelRow(payment),
    id: cancel.id,
    amount: cancel.amount,
    state: 'DONE',
    remaining_before: payment.amount,
    remaining_after: remainingAfter,
    sequence: 2,
    event_id: event.id,
    topic: 'payment.cancelled',
    payload: JSON.stringify(event),
    started_at: payment.at,
    closed_at: payment.at,
  });
}

/** The columns of any cancel of a payment; `id`, `amount` and `state` are for the caller. */
export function cancelRow(payment: SoundPayment) {
  return {
    payment_id: payment.paymentId,
    merchant_id: payment.merchantId,
    livemode: payment.livemode,
    tax_free_amount: 0n,
    reason: 'returned',
    origin: 'MERCHANT',
    requested_at: payment.at,
  };
}
