import { businessDateOf, type EventOf } from '@mini-pg/domain';

/** Money that came into suspense (above 0) or left it (below): one row, never changed. */
export interface Posting {
  readonly attemptId: string;
  readonly kind: 'CAPTURE' | 'REVERSAL';
  readonly paymentId: string;
  readonly merchantId: string;
  readonly livemode: boolean;
  readonly orderId: string;
  readonly currency: string;
  /** Signed, minor units. */
  readonly amount: bigint;
  readonly pg: string;
  readonly pgAccountId: string;
  readonly pgPaymentId: string;
  /** The PG's id of this movement: of the capture, or of what undid it. */
  readonly pgTransactionId: string;
  /** The PG's time. */
  readonly occurredAt: Date;
  /** The business date of `occurredAt`. */
  readonly date: string;
  readonly eventId: string;
}

/** Both postings that a `payment.reversed` states: the capture, and its way back. */
export function postingsOf({ id: eventId, data }: EventOf<'payment.reversed'>): Posting[] {
  const common = {
    attemptId: data.attemptId,
    paymentId: data.paymentId,
    merchantId: data.merchantId,
    livemode: data.livemode,
    orderId: data.orderId,
    currency: data.currency,
    pg: data.pg,
    pgAccountId: data.pgAccountId,
    pgPaymentId: data.pgPaymentId,
    eventId,
  };
  const amount = BigInt(data.amount);
  return [
    {
      ...common,
      kind: 'CAPTURE',
      amount,
      pgTransactionId: data.pgTransactionId,
      ...datedOf(data.approvedAt),
    },
    {
      ...common,
      kind: 'REVERSAL',
      amount: -amount,
      pgTransactionId: data.reversalTransactionId,
      ...datedOf(data.reversedAt),
    },
  ];
}

function datedOf(instant: string): Pick<Posting, 'occurredAt' | 'date'> {
  const occurredAt = new Date(instant);
  return { occurredAt, date: businessDateOf(occurredAt) };
}
