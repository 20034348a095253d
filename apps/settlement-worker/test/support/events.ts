import {
  createEvent,
  type DataOf,
  type EventOf,
  type Terms,
  type Topic,
  type VAT_MODES,
} from '@mini-pg/domain';
import type { ReceivedEvent } from '@mini-pg/messaging';
import { newId } from '@mini-pg/runtime';

export const METHOD_DETAIL: DataOf<'payment.completed'>['methodDetail'] = {
  type: 'CARD',
  issuer: null,
  acquirer: null,
  cardType: null,
  ownerType: null,
  installmentMonths: null,
  interestFree: null,
  approveNo: null,
  maskedNumber: null,
};

/** A `payment.completed` of 10,000 won in live mode, but for what is given. */
export function completed(
  data: Partial<DataOf<'payment.completed'>> & { merchantId: string; approvedAt: string },
): EventOf<'payment.completed'> {
  const paymentId = data.paymentId ?? newId();
  return createEvent('payment.completed', {
    id: newId(),
    source: 'pg-processor',
    time: data.approvedAt,
    subject: paymentId,
    data: {
      livemode: true,
      paymentId,
      sequence: 1,
      attemptId: newId(),
      orderId: 'order-1',
      pg: 'toss',
      pgAccountId: 'mid-1',
      pgOrderId: 'order-1',
      pgPaymentId: `key-${paymentId}`,
      pgTransactionId: `transaction-${paymentId}`,
      amount: 10_000,
      taxFreeAmount: 0,
      currency: 'KRW',
      methodDetail: METHOD_DETAIL,
      ...data,
    },
  });
}

/** A cancel of a completed payment. */
export function cancelled(
  payment: EventOf<'payment.completed'>,
  cancel: { remainingBefore: number; remainingAfter: number; cancelledAt: string },
): EventOf<'payment.cancelled'> {
  const cancelId = newId();
  return createEvent('payment.cancelled', {
    id: newId(),
    source: 'pg-processor',
    time: cancel.cancelledAt,
    subject: payment.data.paymentId,
    data: {
      ...payment.data,
      ...cancel,
      sequence: 2,
      cancelId,
      attemptId: newId(),
      cancelAmount: cancel.remainingBefore - cancel.remainingAfter,
      cancelTaxFreeAmount: 0,
      cancelTransactionId: `transaction-${cancelId}`,
    },
  });
}

/** A capture of 10,000 won that nobody reported, and its reversal, but for what is given. */
export function reversed(
  data: Partial<DataOf<'payment.reversed'>> & {
    merchantId: string;
    approvedAt: string;
    reversedAt: string;
  },
): EventOf<'payment.reversed'> {
  const payment = completed(data);
  return createEvent('payment.reversed', {
    id: newId(),
    source: 'pg-processor',
    time: data.reversedAt,
    subject: payment.data.paymentId,
    data: {
      ...payment.data,
      reversalTransactionId: `reversal-${payment.data.paymentId}`,
      ...data,
    },
  });
}

export function merchantUpdated(
  merchantId: string,
  terms: readonly Terms[],
  version = 1,
): EventOf<'merchant.updated'> {
  return createEvent('merchant.updated', {
    id: newId(),
    source: 'payment-api',
    time: '2026-01-01T00:00:00.000Z',
    subject: merchantId,
    data: {
      merchantId,
      name: 'A merchant',
      status: 'ACTIVE',
      terms: [...terms],
      version,
      updatedAt: '2026-01-01T00:00:00.000Z',
    },
  });
}

/** Terms of 3.3 %, VAT on top, paid out after two business days, but for what is given. */
export function termsFrom(
  from: string,
  change: Partial<Omit<Terms, 'vatMode'>> & { vatMode?: (typeof VAT_MODES)[number] } = {},
): Terms {
  return { feePpm: 33_000, fixedFee: 0, vatMode: 'EXCLUSIVE', payoutDays: 2, from, ...change };
}

/** An event as the consumer hands it over. */
export function received<T extends Topic>(event: EventOf<T>): ReceivedEvent<T> {
  const { type, subject } = event as unknown as { type: T; subject: string };
  return {
    topic: type,
    event,
    key: subject,
    partition: 0,
    offset: 0n,
    traceparent: undefined,
    traceId: null,
  } as unknown as ReceivedEvent<T>;
}
