import { createEvent, type Failure, type Topic, toJsonInteger } from '@mini-pg/domain';
import { type OutboxRow, toOutboxRow } from '@mini-pg/messaging';
import { continueTrace } from '@mini-pg/runtime';
import type { Attempt } from '../attempts/attempt.ts';
import type { Cancel } from '../cancels/cancel.ts';
import type { ProvenPayment } from '../decisions/decision.ts';

/** What every event needs besides its data. */
export interface EventContext {
  readonly id: string;
  readonly now: Date;
  /** The number of this result among those of its payment. */
  readonly sequence: number;
}

export const PROGRESS_DETAIL_LENGTH_MAX = 500;

const SOURCE = 'pg-processor';

export function completedEvent(
  attempt: Attempt,
  payment: ProvenPayment,
  context: EventContext,
): OutboxRow {
  return rowOf('payment.completed', attempt, context, {
    ...aboutPayment(attempt),
    sequence: context.sequence,
    attemptId: attempt.id,
    ...charged(attempt, payment),
  });
}

/** A cancel that the PG has shown. Amounts are minor units. */
export interface DoneCancel {
  readonly cancelId: string;
  readonly amount: bigint;
  readonly taxFreeAmount: bigint;
  readonly remainingBefore: bigint;
  readonly remainingAfter: bigint;
  /** Of the cancel, not of the approval. */
  readonly pgTransactionId: string;
  /** The PG's time of the cancel. */
  readonly at: string;
}

/** Carries what the approval said too, so that no reader has to know it already. */
export function cancelledEvent(
  attempt: Attempt,
  approval: Attempt,
  done: DoneCancel,
  context: EventContext,
): OutboxRow {
  return rowOf('payment.cancelled', attempt, context, {
    ...aboutPayment(attempt),
    sequence: context.sequence,
    attemptId: attempt.id,
    ...charged(approval, provenOf(approval)),
    cancelId: done.cancelId,
    cancelAmount: toJsonInteger(done.amount),
    cancelTaxFreeAmount: toJsonInteger(done.taxFreeAmount),
    cancelTransactionId: done.pgTransactionId,
    remainingBefore: toJsonInteger(done.remainingBefore),
    remainingAfter: toJsonInteger(done.remainingAfter),
    cancelledAt: done.at,
  });
}

export function cancelFailedEvent(
  cancel: Cancel,
  failure: Failure,
  context: EventContext,
): OutboxRow {
  return rowOf('payment.cancel-failed', cancel, context, {
    ...aboutPayment(cancel),
    cancelId: cancel.id,
    sequence: context.sequence,
    failure,
    failedAt: context.now.toISOString(),
  });
}

/** The capture that nobody was told of, and its way back; `reversal` is the PG's cancel of it. */
export function reversedEvent(
  reversed: Attempt,
  reversal: Pick<DoneCancel, 'pgTransactionId' | 'at'>,
  context: EventContext,
): OutboxRow {
  return rowOf('payment.reversed', reversed, context, {
    ...aboutPayment(reversed),
    sequence: context.sequence,
    attemptId: reversed.id,
    ...charged(reversed, provenOf(reversed)),
    reversalTransactionId: reversal.pgTransactionId,
    reversedAt: reversal.at,
  });
}

/** What an approval has to show of itself in an event. */
type Proof = Pick<ProvenPayment, 'pgPaymentId' | 'pgTransactionId' | 'methodDetail' | 'approvedAt'>;

function charged(attempt: Attempt, payment: Proof) {
  return {
    orderId: attempt.orderId,
    pg: attempt.pg,
    pgAccountId: attempt.pgAccountId ?? '',
    pgOrderId: attempt.pgOrderId,
    pgPaymentId: payment.pgPaymentId,
    pgTransactionId: payment.pgTransactionId,
    amount: toJsonInteger(attempt.amount),
    taxFreeAmount: toJsonInteger(attempt.taxFreeAmount),
    currency: attempt.currency,
    methodDetail: payment.methodDetail,
    approvedAt: payment.approvedAt,
  };
}

/** @throws Error for an attempt that is not an approval; the database has none without its proof. */
function provenOf({ id, pgPaymentId, pgTransactionId, methodDetail, approvedAt }: Attempt): Proof {
  if (!pgPaymentId || !pgTransactionId || !methodDetail || !approvedAt) {
    throw new Error(`attempt ${id} shows no approval`);
  }
  return { pgPaymentId, pgTransactionId, methodDetail, approvedAt: approvedAt.toISOString() };
}

/** What the event of a failure says of the attempt that failed. */
export type FailedAttempt = Pick<
  Attempt,
  | 'id'
  | 'paymentId'
  | 'merchantId'
  | 'livemode'
  | 'orderId'
  | 'pg'
  | 'pgAccountId'
  | 'amount'
  | 'currency'
  | 'traceparent'
>;

export function failedEvent(
  attempt: FailedAttempt,
  failure: Failure,
  context: EventContext,
): OutboxRow {
  return rowOf('payment.failed', attempt, context, {
    ...aboutPayment(attempt),
    sequence: context.sequence,
    attemptId: attempt.id,
    orderId: attempt.orderId,
    pg: attempt.pg,
    pgAccountId: attempt.pgAccountId,
    amount: toJsonInteger(attempt.amount),
    currency: attempt.currency,
    failure,
    failedAt: context.now.toISOString(),
  });
}

export type ProgressStep = 'UNKNOWN' | 'INQUIRED' | 'RESENT' | 'RETRIED' | 'EXCEPTION_OPENED';

export function progressedEvent(
  attempt: Attempt,
  step: ProgressStep,
  detail: string,
  context: EventContext,
): OutboxRow {
  return rowOf('payment.progressed', attempt, context, {
    ...aboutPayment(attempt),
    sequence: context.sequence,
    attemptId: attempt.id,
    attemptNumber: attempt.number,
    pg: attempt.pg,
    step,
    detail: detail.slice(0, PROGRESS_DETAIL_LENGTH_MAX),
    at: context.now.toISOString(),
  });
}

type AboutPayment = Pick<FailedAttempt, 'merchantId' | 'livemode' | 'paymentId'>;

function aboutPayment({ merchantId, livemode, paymentId }: AboutPayment): AboutPayment {
  return { merchantId, livemode, paymentId };
}

function rowOf<T extends Topic>(
  topic: T,
  attempt: Pick<FailedAttempt, 'paymentId' | 'traceparent'>,
  context: EventContext,
  data: Parameters<typeof createEvent<T>>[1]['data'],
): OutboxRow {
  const event = createEvent(topic, {
    id: context.id,
    source: SOURCE,
    time: context.now.toISOString(),
    subject: attempt.paymentId,
    data,
  });
  const { traceparent } = continueTrace(attempt.traceparent ?? undefined);
  return toOutboxRow(event, { key: attempt.paymentId, traceparent });
}
