import type { Failure, UnifiedCode } from '@mini-pg/domain';
import type { CancelAnswer, PaymentAnswer, PgCancel, PgError } from '@mini-pg/pg-adapters';
import { type Decision, type Expected, escalate, failureOfPg, wait } from './decision.ts';
import { differencesOf } from './matching.ts';

/** A cancel as we asked for it. Amounts are minor units. */
export interface CancelOrder {
  /** The payment that it is a cancel of. */
  readonly expected: Expected;
  readonly amount: bigint;
  readonly remainingBefore: bigint;
}

export interface CancelCallFacts {
  readonly order: CancelOrder;
  /** Counts the attempts of the cancel. */
  readonly number: number;
  /** Before this call, another one of the same attempt may have reached the PG. */
  readonly reachedBefore: boolean;
}

/** What the answer to a cancel call means, be it the first one or the same bytes again. */
export function decideCancel(answer: CancelAnswer, facts: CancelCallFacts): Decision {
  switch (answer.kind) {
    case 'PAYMENT':
      return decideShownCancel(answer, answer.cancel, facts.order);
    case 'REFUSED':
      return facts.reachedBefore
        ? decideLaterRefusal(answer.error)
        : decideFirstRefusal(answer.error, facts.number);
    case 'NOT_SENT':
      if (facts.reachedBefore) return wait(`not sent again: ${answer.error.message}`);
      return answer.reason === 'UNSENDABLE'
        ? refuse(failureOfPg(answer.error))
        : wait(`not sent: ${answer.error.message}`, failureOfPg(answer.error));
    case 'NO_ANSWER':
    case 'UNKNOWN':
      return wait(`${answer.kind}: ${answer.error.pgCode ?? answer.error.message}`);
    default:
      return answer satisfies never;
  }
}

export function refuse(
  failure: Failure,
  contradiction: Extract<Decision, { kind: 'CANCEL_REFUSED' }>['contradiction'] = null,
): Decision {
  return { kind: 'CANCEL_REFUSED', failure, contradiction };
}

/**
 * A payment that the PG shows with a cancel which may be this one. It is, when the payment is ours,
 * the amount is the one asked for, and exactly that is gone from the balance.
 */
export function decideShownCancel(
  { state, payment }: PaymentAnswer,
  cancel: PgCancel | null,
  { expected, amount, remainingBefore }: CancelOrder,
): Decision {
  const differences = differencesOf(payment, expected);
  if (differences.length > 0) return escalate('MISMATCH', differences.join('; '));
  if (cancel === null) return wait('the PG does not show the cancel');
  if (state !== 'CANCELLED' && state !== 'PARTIALLY_CANCELLED') {
    return wait(`the PG shows a cancel, and the payment as ${state}`);
  }
  if (cancel.amount !== amount) {
    return wait(`the PG shows a cancel of ${cancel.amount}, expected ${amount}`);
  }
  const { balanceAmount } = payment;
  const remainingAfter = remainingBefore - amount;
  return balanceAmount === remainingAfter
    ? { kind: 'CANCELLED', cancel }
    : wait(`the PG shows ${balanceAmount} left, expected ${remainingAfter}`);
}

type Reading =
  | 'REFUSED'
  | 'NOT_EXECUTED'
  /** The PG holds less of the payment than our books do. */
  | 'CONTRADICTION'
  | 'WAIT';

/** How a refusal of the only call that an attempt has made is to be read. */
const FIRST: Record<UnifiedCode, Reading> = {
  CARD_DECLINED: 'REFUSED',
  INSUFFICIENT_FUNDS_OR_LIMIT: 'REFUSED',
  INVALID_PAYMENT_METHOD: 'REFUSED',
  AUTHENTICATION_FAILED: 'REFUSED',
  INVALID_REQUEST: 'REFUSED',
  NOT_CANCELABLE: 'REFUSED',
  NOT_FOUND: 'REFUSED',
  CONFIG_ERROR: 'REFUSED',
  AMOUNT_MISMATCH: 'CONTRADICTION',
  ALREADY_PROCESSED: 'CONTRADICTION',
  PROVIDER_UNAVAILABLE: 'NOT_EXECUTED',
  IN_PROGRESS: 'WAIT',
  OUTCOME_UNKNOWN: 'WAIT',
};

function decideFirstRefusal(error: PgError, number: number): Decision {
  const reading = FIRST[error.code];
  const said = error.pgCode ?? error.code;
  switch (reading) {
    case 'REFUSED':
      return refuse(failureOfPg(error));
    case 'NOT_EXECUTED':
      return wait(`${said}: not executed`, failureOfPg(error));
    case 'CONTRADICTION': {
      const reason = `${said}: the PG holds another balance than we do`;
      // No call of this cancel came before it, so somebody else has cancelled; unless an earlier
      // attempt was executed after all.
      return number === 1
        ? refuse(failureOfPg(error), { exception: 'CANCELLED_AT_PG', reason })
        : escalate('CANCELLED_AT_PG', `${reason}, though earlier attempts were closed`);
    }
    case 'WAIT':
      return wait(`${said}: no clear word about a cancel`);
    default:
      return reading satisfies never;
  }
}

/** Refusals that come from executing the cancel, which a PG with keys does once a key. */
const EXECUTED: ReadonlySet<UnifiedCode> = new Set(['NOT_CANCELABLE']);

/**
 * When an earlier call may have been executed, a refusal that speaks of the balance may be its
 * effect, and a rotated key or a rate limit says nothing about it: an inquiry has to tell.
 */
function decideLaterRefusal(error: PgError): Decision {
  return EXECUTED.has(error.code)
    ? refuse(failureOfPg(error))
    : wait(`${error.pgCode ?? error.code}: says nothing of the call before`);
}
