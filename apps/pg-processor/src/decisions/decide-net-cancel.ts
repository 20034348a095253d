import type { UnifiedCode } from '@mini-pg/domain';
import type {
  NetCancelAnswer,
  NetCancelled,
  PaymentAnswer,
  PgAnswer,
  PgCancel,
  PgError,
} from '@mini-pg/pg-adapters';
import { refuse } from './decide-cancel.ts';
import { failureOfEnded } from './decide-payment.ts';
import {
  type Decision,
  type Expected,
  escalate,
  failureOf,
  failureOfPg,
  wait,
} from './decision.ts';
import { differencesOf, provenOf } from './matching.ts';

/** Why a payment fails whose approval was undone, or turned out not to be there. */
export const ANSWER_LOST = failureOf(
  'PROVIDER_UNAVAILABLE',
  'the answer of the PG was lost, and nothing stays captured',
);

export interface NetCancelFacts {
  /** The approval as it was asked for. */
  readonly expected: Expected;
  /** When the net-cancel left, the approval could not be executed any more. */
  readonly mayBelieveNothing: boolean;
}

/** What the answer to a net-cancel means. */
export function decideNetCancel(answer: NetCancelAnswer, facts: NetCancelFacts): Decision {
  switch (answer.kind) {
    case 'UNDONE':
      return decideUndone(answer, facts.expected);
    case 'REFUSED':
      return decideRefusal(answer.error, facts);
    case 'NOT_SENT':
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

function decideUndone({ shown }: NetCancelled, expected: Expected): Decision {
  if (shown === null) return { kind: 'UNDONE', shown: null };
  const { payment, cancel } = shown;
  const differences = differencesOf(payment, expected);
  if (differences.length > 0) return escalate('MISMATCH', differences.join('; '));
  if (cancel.amount !== expected.amount || payment.balanceAmount !== 0n) {
    return wait(`the PG undid ${cancel.amount}, and ${payment.balanceAmount} is left`);
  }
  const capture = provenOf(payment);
  return { kind: 'UNDONE', shown: capture === null ? null : { capture, cancel } };
}

/** How a refusal of a net-cancel is to be read. */
const REFUSALS: Record<UnifiedCode, 'NOTHING' | 'REFUSED' | 'NOT_EXECUTED' | 'WAIT'> = {
  NOT_FOUND: 'NOTHING',
  NOT_CANCELABLE: 'REFUSED',
  INVALID_REQUEST: 'REFUSED',
  CONFIG_ERROR: 'REFUSED',
  AMOUNT_MISMATCH: 'REFUSED',
  PROVIDER_UNAVAILABLE: 'NOT_EXECUTED',
  // It was given back before: an inquiry shows what, and by which transaction.
  ALREADY_PROCESSED: 'WAIT',
  // Words of an approval, or no clear word at all.
  CARD_DECLINED: 'WAIT',
  INSUFFICIENT_FUNDS_OR_LIMIT: 'WAIT',
  INVALID_PAYMENT_METHOD: 'WAIT',
  AUTHENTICATION_FAILED: 'WAIT',
  IN_PROGRESS: 'WAIT',
  OUTCOME_UNKNOWN: 'WAIT',
};

function decideRefusal(error: PgError, { mayBelieveNothing }: NetCancelFacts): Decision {
  const reading = REFUSALS[error.code];
  const said = error.pgCode ?? error.code;
  switch (reading) {
    case 'NOTHING':
      return mayBelieveNothing
        ? { kind: 'NOTHING_TO_UNDO', failure: ANSWER_LOST }
        : wait(`${said}: nothing to undo, too early to be believed`);
    case 'REFUSED':
      return refuse(failureOfPg(error));
    case 'NOT_EXECUTED':
      return wait(`${said}: not executed`, failureOfPg(error));
    case 'WAIT':
      return wait(`${said}: no clear word about a net-cancel`);
    default:
      return reading satisfies never;
  }
}

/** What is known of an approval, and of its net-cancels, when an inquiry is answered. */
export interface AfterNetCancelFacts {
  readonly expected: Expected;
  /** A net-cancel of it may have reached the PG. */
  readonly reached: boolean;
  /** The deadline of the approval and the PG's longest execution time are over. */
  readonly mayBelieveNotFound: boolean;
  /** Neither the bound of net-cancels nor the PG's window is reached. */
  readonly mayNetCancel: boolean;
  /** The ladder goes on with an ordinary cancel. */
  readonly mayCancel: boolean;
  /** This was the last inquiry of the schedule. */
  readonly isLast: boolean;
}

/**
 * What an inquiry says once an approval is being undone. It is never approved any more: a net-cancel
 * that is still on its way may undo what the merchant was told of. A net-cancel gives back the whole
 * or nothing, so it is repeated until there is a clear word.
 */
export function decideAfterNetCancel(answer: PgAnswer, facts: AfterNetCancelFacts): Decision {
  const decision = decideByAnswer(answer, facts);
  if (decision.kind !== 'WAIT') return decision;
  if (facts.mayNetCancel) {
    return { kind: 'RETRY', failure: failureOf('OUTCOME_UNKNOWN', decision.reason) };
  }
  return facts.isLast
    ? escalate('OUTCOME_UNKNOWN', `the inquiries are over; the last said: ${decision.reason}`)
    : decision;
}

function decideByAnswer(answer: PgAnswer, facts: AfterNetCancelFacts): Decision {
  switch (answer.kind) {
    case 'PAYMENT':
      return decideShown(answer, facts);
    case 'REFUSED':
      if (answer.error.code !== 'NOT_FOUND') {
        return wait(`${answer.error.pgCode ?? answer.error.code} to the inquiry`);
      }
      return facts.mayBelieveNotFound
        ? { kind: 'NOTHING_TO_UNDO', failure: ANSWER_LOST }
        : wait('not found, too early to be believed');
    case 'NOT_SENT':
    case 'NO_ANSWER':
    case 'UNKNOWN':
      return wait(`no use of the inquiry: ${answer.error.pgCode ?? answer.error.message}`);
    default:
      return answer satisfies never;
  }
}

function decideShown(answer: PaymentAnswer, facts: AfterNetCancelFacts): Decision {
  const { state, payment } = answer;
  const { expected } = facts;
  const differences = differencesOf(payment, expected);
  if (differences.length > 0) return escalate('MISMATCH', differences.join('; '));
  if (expected.pgPaymentId === null) return wait('found by its order alone, which may be another');
  switch (state) {
    case 'CANCELLED':
      return decideGivenBack(answer, facts);
    case 'PAID': {
      const capture = provenOf(payment);
      if (facts.mayNetCancel || !facts.mayCancel || capture === null) return wait('it stands');
      return { kind: 'REVERSE', capture };
    }
    case 'FAILED':
      return { kind: 'NOTHING_TO_UNDO', failure: failureOfEnded(payment) };
    case 'PARTIALLY_CANCELLED':
      return escalate('CANCELLED_AT_PG', `the PG shows ${payment.balanceAmount} left`);
    case 'IN_PROGRESS':
    case 'WAITING_FOR_DEPOSIT':
    case 'UNLISTED':
      return wait(`the PG shows ${answer.evidence.rawStatus}`);
    default:
      return state satisfies never;
  }
}

function decideGivenBack({ payment }: PaymentAnswer, facts: AfterNetCancelFacts): Decision {
  if (!facts.reached) {
    return escalate('CANCELLED_AT_PG', 'the PG shows it cancelled, and not by us');
  }
  const [cancel, another] = payment.cancels;
  const isWhole = cancel?.amount === facts.expected.amount && another === undefined;
  if (cancel === undefined || !isWhole)
    return wait('cancelled, and not by one cancel of the whole');
  const capture = provenOf(payment);
  return { kind: 'UNDONE', shown: shownOf(capture, cancel) };
}

function shownOf(capture: ReturnType<typeof provenOf>, cancel: PgCancel) {
  return capture === null ? null : { capture, cancel };
}
