import type { Scenario } from '../scenario.ts';
import type { TossErrorCode } from './toss-errors.ts';

export interface TossCancel {
  readonly transactionKey: string;
  readonly amount: number;
  readonly reason: string;
  readonly taxFreeAmount: number;
  readonly atMs: number;
}

/** A window and what became of it. Kept small: load runs leave a million of them. */
export interface TossPayment {
  readonly paymentKey: string;
  readonly orderId: string;
  readonly orderName: string | null;
  readonly amount: number;
  readonly requestedAtMs: number;
  readonly scenario: Scenario;
  status: 'OPEN' | 'PAID' | 'WAITING_FOR_DEPOSIT' | 'ABORTED';
  approvedAtMs: number | null;
  approvalKey: string | null;
  cancels: TossCancel[];
  failure: TossErrorCode | null;
  /** A confirm or cancel is running: nothing else may change it. */
  isBusy: boolean;
  /** Faults that happen once and have happened. */
  wasReset: boolean;
  wasDeclined: boolean;
  wasCancelReset: boolean;
  wasCancelDeclined: boolean;
  /** Inquiries know nothing of it until then. */
  hiddenUntilMs: number;
}

/** How long after the shopper's authentication a confirm is taken. */
export const SESSION_MS = 600_000;

export function isExpired(payment: TossPayment, nowMs: number): boolean {
  if (payment.status !== 'OPEN' || payment.isBusy) return false;
  return nowMs - payment.requestedAtMs > SESSION_MS;
}

/** What may still be cancelled after the first `cancels` of them. */
export function balanceOf(payment: TossPayment, cancels = payment.cancels.length): number {
  return payment.cancels
    .slice(0, cancels)
    .reduce((balance, cancel) => balance - cancel.amount, payment.amount);
}

/** The one full cancel that gives CANCELED; a last part leaves PARTIAL_CANCELED (measured). */
function isCancelledAtOnce(payment: TossPayment, cancels: number): boolean {
  return cancels === 1 && payment.cancels[0]?.amount === payment.amount;
}

export function statusOf(payment: TossPayment, cancels: number, nowMs: number): string {
  if (cancels > 0) return isCancelledAtOnce(payment, cancels) ? 'CANCELED' : 'PARTIAL_CANCELED';
  switch (payment.status) {
    case 'PAID':
      return 'DONE';
    case 'OPEN':
      return isExpired(payment, nowMs) ? 'EXPIRED' : 'IN_PROGRESS';
    case 'WAITING_FOR_DEPOSIT':
    case 'ABORTED':
      return payment.status;
    default:
      return payment.status satisfies never;
  }
}
