import type { Cancel } from '../src/cancels/cancel.ts';
import { failureOf } from '../src/decisions/decision.ts';
import type { LockedAttempt, LockedPayment, PlanContext } from '../src/results/plan.ts';

/** Who holds the lease of {@link attempt}. */
export const OWNER = 'owner';

export function attempt(over: Partial<LockedAttempt> = {}): LockedAttempt {
  const isClosed = !['READY', 'CALLING', 'UNKNOWN'].includes(over.state ?? 'CALLING');
  return {
    id: 'attempt-1',
    paymentId: 'payment-1',
    merchantId: 'merchant-1',
    livemode: true,
    operation: 'APPROVE',
    number: 1,
    state: 'CALLING',
    pg: 'toss',
    pgAccountId: 'account-1',
    sourceKey: 'k',
    orderId: 'order-1',
    pgOrderId: 'order-1',
    idempotencyKey: 'attempt-1',
    amount: 15_000n,
    taxFreeAmount: 0n,
    currency: 'KRW',
    cancelReason: null,
    cancelId: null,
    reversesId: null,
    cancelAmount: null,
    cancelTaxFreeAmount: null,
    cancelRemainingBefore: null,
    leaseOwner: OWNER,
    reached: false,
    answered: false,
    notExecuted: false,
    inquiryCount: 0,
    resendCount: 0,
    followUpCount: 0,
    pgPaymentId: null,
    pgTransactionId: over.state === 'APPROVED' ? 'tx-1' : null,
    pgStatus: null,
    pgCode: null,
    pgTraceId: null,
    httpStatus: null,
    methodDetail: null,
    failure: isClosed ? failureOf('CARD_DECLINED', 'no') : null,
    approvedAt: null,
    traceparent: null,
    leaseLeftMs: 1_000,
    sinceDeadlineMs: null,
    sinceCalledMs: 10,
    untilExpiryMs: 60_000,
    sourceTaken: false,
    ...over,
  };
}

export function locked(
  attempts: LockedAttempt[],
  over: Partial<LockedPayment> = {},
): LockedPayment {
  const hasOutcome = attempts.some(({ state }) => state === 'APPROVED');
  return {
    paymentId: 'payment-1',
    count: 0,
    hasOutcome,
    attempts,
    cancels: [],
    openExceptions: [],
    ...over,
  };
}

export function planContext(): PlanContext {
  let ids = 0;
  return {
    now: new Date('2026-03-02T01:00:00Z'),
    newId: () => `new-${++ids}`,
    firstFollowUpMs: () => 600_000,
  };
}

export function cancelRow(over: Partial<Cancel> = {}): Cancel {
  return {
    id: 'cancel-1',
    paymentId: 'payment-1',
    merchantId: 'merchant-1',
    livemode: true,
    state: 'WAITING',
    amount: null,
    taxFreeAmount: 0n,
    reason: 'the shopper asked for it',
    remainingBefore: null,
    remainingAfter: null,
    requestedAt: new Date('2026-03-02T01:00:00Z'),
    traceparent: null,
    ...over,
  };
}
