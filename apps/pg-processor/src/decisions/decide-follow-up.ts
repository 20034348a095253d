import type { PgAnswer } from '@mini-pg/pg-adapters';
import { type Decision, type Expected, escalate } from './decision.ts';
import { differencesOf, provenOf } from './matching.ts';

/**
 * What an inquiry says about an attempt that was closed without a definite answer. A capture that is
 * its own in everything is one; other money that the PG holds for its source goes to a person.
 */
export function decideFollowUp(answer: PgAnswer, expected: Expected): Decision {
  if (answer.kind !== 'PAYMENT') return { kind: 'NOTHING' };
  const { state, payment } = answer;
  const isOfSource =
    expected.pgPaymentId === null
      ? payment.pgOrderId === expected.pgOrderId
      : payment.pgPaymentId === expected.pgPaymentId;
  if (!isOfSource) return { kind: 'NOTHING' };
  const capture = provenOf(payment);
  // An order number is not unique at a PG, so what was found by it alone is for a person.
  const isOwn = expected.pgPaymentId !== null && differencesOf(payment, expected).length === 0;
  if (state === 'PAID' && isOwn && capture !== null) return { kind: 'APPROVE', payment: capture };
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
