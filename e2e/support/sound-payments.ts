import { createHash, randomBytes } from 'node:crypto';
import type { Queryable } from '@mini-pg/database';
import { createEvent } from '@mini-pg/domain';
import { newId } from '@mini-pg/runtime';
import type { LedgerEntry } from './ledger-server.ts';
import { insertRow } from './rows.ts';

export type PaymentEnd = 'APPROVED' | 'FAILED' | 'UNKNOWN' | 'READY' | 'NOT_ARRIVED';

export interface PaymentSpec {
  readonly merchantId: string;
  readonly orderId: string;
  readonly amount: bigint;
  readonly end: PaymentEnd;
  readonly at: Date;
  readonly livemode?: boolean;
}

/** A payment as it stands in the schemas `payment` and `processor`. */
export interface SoundPayment extends PaymentSpec {
  readonly livemode: boolean;
  readonly paymentId: string;
  readonly attemptId: string;
  readonly eventId: string;
  readonly pgPaymentId: string;
  readonly pgTransactionId: string;
}

export const ACCOUNT = 'tosslive01';
const SEALED = { kid: 'test', iv: 'aXY=', ct: 'Y3Q=' };
export const METHOD_DETAIL = {
  type: 'CARD',
  issuer: '11',
  acquirer: '11',
  cardType: 'CREDIT',
  ownerType: 'PERSONAL',
  installmentMonths: 0,
  interestFree: false,
  approveNo: '00000000',
  maskedNumber: '12345678****123*',
};
const EXPIRES_MS = 600_000;

export function sourceKeyOf(pgPaymentId: string): string {
  return createHash('sha256').update(pgPaymentId, 'utf8').digest('hex');
}

/** Stores a payment as the services leave it in the given end. */
export async function addPayment(database: Queryable, spec: PaymentSpec): Promise<SoundPayment> {
  const payment: SoundPayment = {
    ...spec,
    livemode: spec.livemode ?? true,
    paymentId: newId(),
    attemptId: newId(),
    eventId: newId(),
    pgPaymentId: `key-${randomBytes(6).toString('hex')}`,
    pgTransactionId: `tx-${randomBytes(6).toString('hex')}`,
  };
  await addRequest(database, payment);
  if (spec.end !== 'NOT_ARRIVED') await addAttempt(database, payment);
  if (spec.end === 'APPROVED' || spec.end === 'FAILED') await addOutcome(database, payment);
  if (spec.end === 'UNKNOWN') await addException(database, payment);
  return payment;
}

/** What the gateway has in its books of a payment that was approved. */
export function captureOf(payment: SoundPayment): LedgerEntry {
  return {
    pg: 'toss',
    orderId: payment.orderId,
    pgPaymentId: payment.pgPaymentId,
    pgTransactionId: payment.pgTransactionId,
    kind: 'CAPTURE',
    amount: Number(payment.amount),
    at: payment.at.toISOString(),
  };
}

/** Columns that `payment.payment` and `processor.attempt` have in common. */
function common(payment: SoundPayment) {
  return {
    merchant_id: payment.merchantId,
    livemode: payment.livemode,
    order_id: payment.orderId,
    order_name: 'A book',
    amount: payment.amount,
    tax_free_amount: 0n,
    currency: 'KRW',
    pg: 'toss',
    source: SEALED,
    requested_at: payment.at,
    expires_at: new Date(payment.at.getTime() + EXPIRES_MS),
  };
}

async function addRequest(database: Queryable, payment: SoundPayment): Promise<void> {
  const { paymentId: id, merchantId, livemode, orderId, end } = payment;
  const requestEvent = newId();
  await insertRow(database, 'payment.payment', {
    ...common(payment),
    id,
    metadata: {},
    event_id: requestEvent,
  });
  await insertRow(database, 'payment.idempotency_key', {
    merchant_id: merchantId,
    livemode,
    scope: 'payment',
    key: `key-of-${id}`,
    resource: id,
    fingerprint: `\\x${randomBytes(32).toString('hex')}`,
    answer: 202,
    live_order_id: end === 'FAILED' ? null : orderId,
  });
  if (end === 'APPROVED' || end === 'FAILED') return;
  await insertRow(database, 'payment.payment_open', { payment_id: id, next_emit_at: payment.at });
}

const STATES = { APPROVED: 'APPROVED', FAILED: 'DECLINED', UNKNOWN: 'UNKNOWN' } as const;

async function addAttempt(database: Queryable, payment: SoundPayment): Promise<void> {
  const { paymentId, attemptId, end, at } = payment;
  const state = end === 'READY' || end === 'NOT_ARRIVED' ? 'READY' : STATES[end];
  await insertRow(database, 'processor.attempt', {
    ...attemptRow(payment),
    id: attemptId,
    number: 1,
    state,
    ...(state !== 'READY' && { called_at: at, deadline_at: at, reached: true }),
    ...(state === 'APPROVED' && approval(payment)),
    ...((state === 'APPROVED' || state === 'DECLINED') && { closed_at: at }),
  });
  await insertRow(database, 'processor.payment_result', { payment_id: paymentId, count: 1 });
  if (state === 'APPROVED' || state === 'UNKNOWN') {
    await insertRow(database, 'processor.source_claim', {
      pg: 'toss',
      pg_account_id: ACCOUNT,
      livemode: payment.livemode,
      source_key: sourceKeyOf(payment.pgPaymentId),
      payment_id: paymentId,
      attempt_id: attemptId,
    });
  }
}

/** The columns of any attempt of a payment; `id`, `number` and `state` are for the caller. */
export function attemptRow(payment: SoundPayment) {
  return {
    ...common(payment),
    payment_id: payment.paymentId,
    operation: 'APPROVE',
    pg_account_id: ACCOUNT,
    source_key: sourceKeyOf(payment.pgPaymentId),
    pg_order_id: payment.orderId,
    idempotency_key: newId(),
  };
}

function approval(payment: SoundPayment) {
  return {
    pg_payment_id: payment.pgPaymentId,
    pg_transaction_id: payment.pgTransactionId,
    approved_at: payment.at,
    method_detail: METHOD_DETAIL,
  };
}

async function addOutcome(database: Queryable, payment: SoundPayment): Promise<void> {
  const { paymentId, attemptId, eventId, merchantId, livemode, end, at } = payment;
  const data = end === 'APPROVED' ? completed(payment) : failed(payment);
  const topic = end === 'APPROVED' ? 'payment.completed' : 'payment.failed';
  const event = createEvent(topic, {
    id: eventId,
    source: 'pg-processor',
    time: at.toISOString(),
    subject: paymentId,
    data: data as never,
  });
  await insertRow(database, 'processor.outcome', {
    payment_id: paymentId,
    merchant_id: merchantId,
    livemode,
    kind: end,
    attempt_id: attemptId,
    sequence: 1,
    event_id: eventId,
    topic,
    payload: JSON.stringify(event),
    committed_at: at,
  });
  await insertRow(database, 'payment.payment_fact', {
    payment_id: paymentId,
    kind: end,
    fact_key: attemptId,
    event_id: eventId,
    sequence: 1,
    data,
    occurred_at: at,
  });
}

function told(payment: SoundPayment) {
  return {
    merchantId: payment.merchantId,
    livemode: payment.livemode,
    paymentId: payment.paymentId,
    sequence: 1,
    attemptId: payment.attemptId,
    orderId: payment.orderId,
    pg: 'toss',
    pgAccountId: ACCOUNT,
    amount: Number(payment.amount),
    currency: 'KRW',
  };
}

/** The data of a `payment.completed`, and the facts of an approval that a cancel repeats. */
export function completed(payment: SoundPayment) {
  return {
    ...told(payment),
    pgOrderId: payment.orderId,
    pgPaymentId: payment.pgPaymentId,
    pgTransactionId: payment.pgTransactionId,
    taxFreeAmount: 0,
    methodDetail: METHOD_DETAIL,
    approvedAt: payment.at.toISOString(),
  };
}

function failed(payment: SoundPayment) {
  const failure = { code: 'CARD_DECLINED', message: 'declined', retryable: false, pgCode: null };
  return { ...told(payment), failure, failedAt: payment.at.toISOString() };
}

async function addException(database: Queryable, payment: SoundPayment): Promise<void> {
  await insertRow(database, 'processor.exception', {
    id: newId(),
    kind: 'OUTCOME_UNKNOWN',
    payment_id: payment.paymentId,
    attempt_id: payment.attemptId,
    merchant_id: payment.merchantId,
    livemode: payment.livemode,
    detail: {},
  });
}
