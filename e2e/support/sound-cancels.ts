import { randomBytes } from 'node:crypto';
import type { Queryable } from '@mini-pg/database';
import { newId } from '@mini-pg/runtime';
import { insertRow } from './rows.ts';
import type { SoundPayment } from './sound-payments.ts';

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
