import type { UnifiedCode } from '@mini-pg/domain';
import type { PgAnswer, PgError } from '@mini-pg/pg-adapters';
import { decideShownPayment } from './decide-payment.ts';
import { type Decision, type Expected, escalate, failureOfPg, wait } from './decision.ts';

export interface ApprovalFacts {
  readonly expected: Expected;
  readonly number: number;
  /** Before this call, another one of the same attempt may have reached the PG. */
  readonly reachedBefore: boolean;
}

/** What the answer to an approval call means, be it the first one or the same bytes again. */
export function decideApproval(answer: PgAnswer, facts: ApprovalFacts): Decision {
  switch (answer.kind) {
    case 'PAYMENT':
      return decideShownPayment(answer, facts.expected) ?? wait('the PG is still at it');
    case 'REFUSED':
      return facts.reachedBefore
        ? decideLaterRefusal(answer.error)
        : decideFirstRefusal(answer.error, facts.number);
    case 'NOT_SENT':
      if (facts.reachedBefore) return wait(`not sent again: ${answer.error.message}`);
      return answer.reason === 'UNSENDABLE'
        ? { kind: 'GIVE_UP', failure: failureOfPg(answer.error) }
        : wait(`not sent: ${answer.error.message}`, failureOfPg(answer.error));
    case 'NO_ANSWER':
    case 'UNKNOWN':
      return wait(`${answer.kind}: ${answer.error.pgCode ?? answer.error.message}`);
    default:
      return answer satisfies never;
  }
}

/** How a refusal of the only call that an attempt has made is to be read. */
const FIRST: Record<UnifiedCode, 'DECLINE' | 'NOT_EXECUTED' | 'ALREADY' | 'WAIT'> = {
  CARD_DECLINED: 'DECLINE',
  INSUFFICIENT_FUNDS_OR_LIMIT: 'DECLINE',
  INVALID_PAYMENT_METHOD: 'DECLINE',
  AUTHENTICATION_FAILED: 'DECLINE',
  INVALID_REQUEST: 'DECLINE',
  AMOUNT_MISMATCH: 'DECLINE',
  NOT_FOUND: 'DECLINE',
  CONFIG_ERROR: 'DECLINE',
  PROVIDER_UNAVAILABLE: 'NOT_EXECUTED',
  ALREADY_PROCESSED: 'ALREADY',
  // Words of a cancel, or no clear word at all.
  NOT_CANCELABLE: 'WAIT',
  IN_PROGRESS: 'WAIT',
  OUTCOME_UNKNOWN: 'WAIT',
};

function decideFirstRefusal(error: PgError, number: number): Decision {
  const reading = FIRST[error.code];
  switch (reading) {
    case 'DECLINE':
      return { kind: 'DECLINE', failure: failureOfPg(error) };
    case 'NOT_EXECUTED':
      return wait(`${error.pgCode ?? error.code}: not executed`, failureOfPg(error));
    case 'ALREADY':
      // No call of ours came before it, so the capture is somebody else's; unless an earlier
      // attempt of this payment was executed after all.
      return number === 1
        ? { kind: 'DECLINE', failure: failureOfPg(error) }
        : escalate('UNPROVEN_CAPTURE', 'processed already, though earlier attempts were closed');
    case 'WAIT':
      return wait(`${error.pgCode ?? error.code}: no clear word about an approval`);
    default:
      return reading satisfies never;
  }
}

/** Refusals that come from executing the authorization, which a PG with keys does once a key. */
const EXECUTED: ReadonlySet<UnifiedCode> = new Set([
  'CARD_DECLINED',
  'INSUFFICIENT_FUNDS_OR_LIMIT',
  'INVALID_PAYMENT_METHOD',
  'AUTHENTICATION_FAILED',
]);

/**
 * A refusal speaks of its own call. When an earlier one may have been executed, only a refusal that
 * is the outcome of the authorization itself closes the attempt; a rotated key or a rate limit says
 * nothing about what happened before.
 */
function decideLaterRefusal(error: PgError): Decision {
  return EXECUTED.has(error.code)
    ? { kind: 'DECLINE', failure: failureOfPg(error) }
    : wait(`${error.pgCode ?? error.code}: says nothing of the call before`);
}
