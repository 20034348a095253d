import { businessDateOf, type DataOf, type EventOf } from '@mini-pg/domain';

/** Money that moved, as the books keep it: one row, keyed by what it is about, never changed. */
export interface Fact {
  /** The attempt's id for a payment, the cancel's id for a cancel: also the id of its item. */
  readonly id: string;
  readonly kind: 'PAYMENT' | 'CANCEL';
  readonly paymentId: string;
  readonly merchantId: string;
  readonly livemode: boolean;
  readonly orderId: string;
  readonly currency: string;
  /** What was paid or cancelled, minor units, always above 0. */
  readonly amount: bigint;
  readonly taxFreeAmount: bigint;
  readonly remainingBefore: bigint | null;
  readonly remainingAfter: bigint | null;
  readonly pg: string;
  readonly pgAccountId: string;
  readonly pgOrderId: string;
  readonly pgPaymentId: string;
  readonly pgTransactionId: string;
  readonly methodDetail: DataOf<'payment.completed'>['methodDetail'];
  /** The PG's time. */
  readonly occurredAt: Date;
  /** The business date of `occurredAt` (docs/reference/settlement-rules.md). */
  readonly saleDate: string;
  /** The business date whose terms apply: a cancel is charged back as its payment was charged. */
  readonly termsDate: string;
  readonly eventId: string;
}

/** The fact that a `payment.completed` states. */
export function paymentFactOf({ id: eventId, data }: EventOf<'payment.completed'>): Fact {
  const occurredAt = new Date(data.approvedAt);
  const saleDate = businessDateOf(occurredAt);
  return {
    ...chargeOf(data),
    id: data.attemptId,
    kind: 'PAYMENT',
    amount: BigInt(data.amount),
    taxFreeAmount: BigInt(data.taxFreeAmount),
    remainingBefore: null,
    remainingAfter: null,
    pgTransactionId: data.pgTransactionId,
    occurredAt,
    saleDate,
    termsDate: saleDate,
    eventId,
  };
}

/** The fact that a `payment.cancelled` states; it belongs to its own date, not to the payment's. */
export function cancelFactOf({ id: eventId, data }: EventOf<'payment.cancelled'>): Fact {
  const occurredAt = new Date(data.cancelledAt);
  return {
    ...chargeOf(data),
    id: data.cancelId,
    kind: 'CANCEL',
    amount: BigInt(data.cancelAmount),
    taxFreeAmount: BigInt(data.cancelTaxFreeAmount),
    remainingBefore: BigInt(data.remainingBefore),
    remainingAfter: BigInt(data.remainingAfter),
    pgTransactionId: data.cancelTransactionId,
    occurredAt,
    saleDate: businessDateOf(occurredAt),
    termsDate: businessDateOf(new Date(data.approvedAt)),
    eventId,
  };
}

function chargeOf(data: DataOf<'payment.completed'> | DataOf<'payment.cancelled'>) {
  return {
    paymentId: data.paymentId,
    merchantId: data.merchantId,
    livemode: data.livemode,
    orderId: data.orderId,
    currency: data.currency,
    pg: data.pg,
    pgAccountId: data.pgAccountId,
    pgOrderId: data.pgOrderId,
    pgPaymentId: data.pgPaymentId,
    methodDetail: data.methodDetail,
  };
}
