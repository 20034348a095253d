import type { PgAnswer } from '@mini-pg/pg-adapters';
import { type Decision, type Expected, escalate } from './decision.ts';

/**
 * What an inquiry says about an attempt that was closed without a definite answer: money that the
 * PG holds for its source is a late capture, even where amount or order differ.
 */
export function decideFollowUp(answer: PgAnswer, expected: Expected): Decision {
  if (answer.kind !== 'PAYMENT') return { kind: 'NOTHING' };
  const { state, payment } = answer;
  const isOfSource =
    expected.pgPaymentId === null
      ? payment.pgOrderId === expected.pgOrderId
      : payment.pgPaymentId === expected.pgPaymentId;
  if (!isOfSource) return { kind: 'NOTHING' };
  switch (state) {
    case 'PAID':
    case 'PARTIALLY_CANCELLED':
    case 'WAITING_FOR_DEPOSIT':
      return escalate('LATE_CAPTURE', `the PG shows ${state} with ${payment.balanceAmount} left`);
    case 'IN_PROGRESS':
    case 'FAILED':
    case 'CANCELLED':
    case 'UNLISTED':
      return { kind: 'NOTHING' };
    default:
      return state satisfies never;
  }
}
