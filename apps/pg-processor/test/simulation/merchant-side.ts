import {
  type CancelState,
  createEvent,
  decideCancelRequest,
  EVENT_SCHEMAS,
  evolve,
  type PaymentState,
  requestedPayment,
} from '@mini-pg/domain';
import type { ReceivedEvent } from '@mini-pg/messaging';
import { SEALER } from './worker.ts';

export const AMOUNT = 15_000n;
const EXPIRES_AFTER_MS = 600_000;
const MERCHANT = '00000000-0000-7000-8000-ffffffffffff';

export type Request = ReceivedEvent<'payment.requested' | 'payment.cancel-requested'>;

/** An event that pg-processor published. */
export interface PublishedEvent {
  readonly eventId: string;
  readonly topic: string;
  readonly payload: string;
}

export interface SimulatedCancel {
  readonly id: string;
  readonly amount: bigint;
  readonly request: ReceivedEvent<'payment.cancel-requested'>;
  status: CancelState['status'];
}

/** A payment as payment-api knows it: what it asked for, and the fold of the facts that it heard. */
export interface SimulatedPayment {
  readonly id: string;
  readonly paymentKey: string;
  readonly request: ReceivedEvent<'payment.requested'>;
  readonly cancels: SimulatedCancel[];
  state: PaymentState;
  /** The outcomes that it heard of, by the keys of their facts. */
  readonly outcomes: Set<string>;
}

export function newPayment(
  ids: { id: string; eventId: string },
  paymentKey: string,
  nowMs: number,
): SimulatedPayment {
  return {
    id: ids.id,
    paymentKey,
    request: requestOf(ids, paymentKey, nowMs),
    cancels: [],
    state: requestedPayment(AMOUNT),
    outcomes: new Set(),
  };
}

/** A cancel as payment-api takes it, by the rule of its reserve; null where that refuses it. */
export function newCancel(
  payment: SimulatedPayment,
  ids: { id: string; eventId: string },
  asked: bigint | null,
  options: { nowMs: number; hasReserve: boolean },
): SimulatedCancel | null {
  const cancels = options.hasReserve
    ? payment.cancels.map(({ status, amount }) => ({ status, amount, taxFreeAmount: 0n }))
    : [];
  const decision = decideCancelRequest(
    { state: payment.state, taxFreeAmount: 0n, cancels },
    { amount: asked, taxFreeAmount: null, expectedBalance: null },
  );
  if (!decision.ok) return null;
  const { amount } = decision.cancel;
  const request = cancelRequestOf(payment, ids, amount, options.nowMs);
  return { id: ids.id, amount, request, status: 'REQUESTED' };
}

/** Adds what an event tells to what payment-api knows, however often and in whatever order. */
export function project(
  payments: readonly SimulatedPayment[],
  { topic, payload }: PublishedEvent,
): void {
  const json: unknown = JSON.parse(payload);
  switch (topic) {
    case 'payment.completed': {
      const { data } = EVENT_SCHEMAS[topic].parse(json);
      const payment = payments.find(({ id }) => id === data.paymentId);
      payment?.outcomes.add(`APPROVED ${data.attemptId}`);
      if (payment)
        payment.state = evolve(payment.state, { type: 'approved', amount: BigInt(data.amount) });
      break;
    }
    case 'payment.failed': {
      const { data } = EVENT_SCHEMAS[topic].parse(json);
      const payment = payments.find(({ id }) => id === data.paymentId);
      payment?.outcomes.add(`FAILED ${data.attemptId ?? data.paymentId}`);
      if (payment) fail(payment, data.failure.code);
      break;
    }
    case 'payment.cancelled': {
      const { data } = EVENT_SCHEMAS[topic].parse(json);
      const payment = payments.find(({ id }) => id === data.paymentId);
      const cancel = payment?.cancels.find(({ id }) => id === data.cancelId);
      if (payment && cancel) {
        cancel.status = 'DONE';
        payment.state = evolve(payment.state, {
          type: 'cancelled',
          approvedAmount: BigInt(data.amount),
          remainingAfter: BigInt(data.remainingAfter),
        });
      }
      break;
    }
    case 'payment.cancel-failed': {
      const { data } = EVENT_SCHEMAS[topic].parse(json);
      const payment = payments.find(({ id }) => id === data.paymentId);
      const cancel = payment?.cancels.find(({ id }) => id === data.cancelId);
      if (cancel?.status === 'REQUESTED') cancel.status = 'FAILED';
      break;
    }
    default:
  }
}

/** The failure of a payment that was cancelled before its first call is the end of its cancel. */
function fail(payment: SimulatedPayment, code: string): void {
  payment.state = evolve(payment.state, { type: 'failed' });
  if (code !== 'CANCELLED_BEFORE_APPROVAL') return;
  for (const cancel of payment.cancels) if (cancel.status === 'REQUESTED') cancel.status = 'DONE';
}

/** The order that the window was opened with, which two payments on one source share. */
export function orderOf(paymentKey: string): string {
  return `order-${paymentKey.slice(-12)}`;
}

function requestOf(
  { id: paymentId, eventId }: { id: string; eventId: string },
  paymentKey: string,
  nowMs: number,
): ReceivedEvent<'payment.requested'> {
  const source = { kind: 'window', pg: 'toss', paymentKey };
  const event = createEvent('payment.requested', {
    id: eventId,
    source: 'payment-api',
    time: new Date(nowMs).toISOString(),
    subject: paymentId,
    data: {
      merchantId: MERCHANT,
      livemode: true,
      paymentId,
      orderId: orderOf(paymentKey),
      orderName: null,
      amount: Number(AMOUNT),
      taxFreeAmount: 0,
      currency: 'KRW',
      pg: 'toss',
      source: SEALER.seal(source, paymentId),
      customer: null,
      requestedAt: new Date(nowMs).toISOString(),
      expiresAt: new Date(nowMs + EXPIRES_AFTER_MS).toISOString(),
    },
  });
  return { topic: 'payment.requested', event, key: paymentId, ...ANYWHERE };
}

function cancelRequestOf(
  { id: paymentId }: SimulatedPayment,
  { id: cancelId, eventId }: { id: string; eventId: string },
  amount: bigint,
  nowMs: number,
): ReceivedEvent<'payment.cancel-requested'> {
  const event = createEvent('payment.cancel-requested', {
    id: eventId,
    source: 'payment-api',
    time: new Date(nowMs).toISOString(),
    subject: paymentId,
    data: {
      merchantId: MERCHANT,
      livemode: true,
      paymentId,
      cancelId,
      amount: Number(amount),
      taxFreeAmount: 0,
      reason: 'changed my mind',
      origin: 'MERCHANT',
      requestedAt: new Date(nowMs).toISOString(),
    },
  });
  return { topic: 'payment.cancel-requested', event, key: paymentId, ...ANYWHERE };
}

const ANYWHERE = { partition: 0, offset: 0n, traceparent: undefined, traceId: null };
