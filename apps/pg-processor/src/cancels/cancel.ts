import type { DataOf } from '@mini-pg/domain';

/**
 * WAITING: for the payment's outcome, or for the cancels before it. STARTED: it has its attempt.
 * DONE: the money is back, or never moved. FAILED: it will not be.
 */
export const CANCEL_STATES = ['WAITING', 'STARTED', 'DONE', 'FAILED'] as const;

export type CancelState = (typeof CANCEL_STATES)[number];

export type CancelOrigin = DataOf<'payment.cancel-requested'>['origin'];

/** A cancel as it is read under the lock of its payment. Amounts are minor units. */
export interface Cancel {
  readonly id: string;
  readonly paymentId: string;
  readonly merchantId: string;
  readonly livemode: boolean;
  readonly state: CancelState;
  /** Null until it starts, where all that is left was asked for. */
  readonly amount: bigint | null;
  readonly taxFreeAmount: bigint;
  readonly reason: string;
  /** What could be cancelled before it and after it; null where no money was captured. */
  readonly remainingBefore: bigint | null;
  readonly remainingAfter: bigint | null;
  readonly requestedAt: Date;
  readonly traceparent: string | null;
}

/** The select list of a {@link Cancel}. */
export const CANCEL_COLUMNS = `
  id, payment_id as "paymentId", merchant_id as "merchantId", livemode, state, amount,
  tax_free_amount as "taxFreeAmount", reason, remaining_before as "remainingBefore",
  remaining_after as "remainingAfter", requested_at as "requestedAt", traceparent`;
