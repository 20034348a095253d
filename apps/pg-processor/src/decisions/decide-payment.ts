import type { Failure, FailureCode } from '@mini-pg/domain';
import type { PaymentAnswer, PgPayment } from '@mini-pg/pg-adapters';
import { type Decision, type Expected, escalate, failureOf, wait } from './decision.ts';
import { differencesOf, identityDifferencesOf, provenOf } from './matching.ts';

/**
 * What a payment that the PG shows means for an approval, where that does not depend on which call
 * showed it. IN_PROGRESS does, so it is left to the caller: null.
 */
export function decideShownPayment(answer: PaymentAnswer, expected: Expected): Decision | null {
  const { state, payment } = answer;
  switch (state) {
    case 'PAID':
      return decidePaid(payment, expected);
    case 'FAILED':
      return ours(payment, expected) ?? { kind: 'DECLINE', failure: failureOfEnded(payment) };
    case 'WAITING_FOR_DEPOSIT':
      return ours(payment, expected) ?? { kind: 'REFUSE_DEPOSIT', payment };
    case 'CANCELLED':
    case 'PARTIALLY_CANCELLED':
      return (
        ours(payment, expected) ??
        escalate('CANCELLED_AT_PG', `the PG shows ${state}, and the approval was never recorded`)
      );
    case 'UNLISTED':
      return wait(`the PG's status ${answer.evidence.rawStatus} is not listed`);
    case 'IN_PROGRESS':
      return null;
    default:
      return state satisfies never;
  }
}

function decidePaid(payment: PgPayment, expected: Expected): Decision {
  const differences = differencesOf(payment, expected);
  if (differences.length > 0) return escalate('MISMATCH', differences.join('; '));
  const proven = provenOf(payment);
  if (proven === null) return wait('the PG shows it paid, without its transaction or its time');
  return { kind: 'APPROVE', payment: proven };
}

function ours(payment: PgPayment, expected: Expected): Decision | null {
  const differences = identityDifferencesOf(payment, expected);
  return differences.length > 0 ? escalate('MISMATCH', differences.join('; ')) : null;
}

/** Codes that cannot be why a payment ended: the PG has no finer reason than its refusal. */
const NO_REASON: ReadonlySet<FailureCode> = new Set([
  'OUTCOME_UNKNOWN',
  'IN_PROGRESS',
  'ALREADY_PROCESSED',
  'PROVIDER_UNAVAILABLE',
]);

/** Why a payment ended that the PG shows as failed. */
export function failureOfEnded({ failure }: PgPayment): Failure {
  if (failure === null) return failureOf('CARD_DECLINED', 'the PG ended it without a capture');
  const code = NO_REASON.has(failure.code) ? 'CARD_DECLINED' : failure.code;
  return failureOf(code, failure.message, failure.pgCode);
}
