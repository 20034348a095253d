import type { Failure } from '@mini-pg/domain';
import type { PgAnswer } from '@mini-pg/pg-adapters';
import { decideShownPayment } from './decide-payment.ts';
import { type Decision, type Expected, escalate, failureOf, wait } from './decision.ts';

/** What is known of an UNKNOWN approval when an inquiry is answered. */
export interface InquiryFacts {
  readonly expected: Expected;
  /** A call of this attempt may have reached the PG. */
  readonly reached: boolean;
  /** The failure with which its call surely was not executed; null when that is not sure. */
  readonly notExecuted: Failure | null;
  /** The deadline and the PG's longest execution time are over. */
  readonly mayBelieveNotFound: boolean;
  /** No byte of an answer came, the PG has keys, and this one is neither too old nor used up. */
  readonly mayResend: boolean;
  /** Neither the bound of attempts nor the payment's expiry is reached. */
  readonly mayRetry: boolean;
  /** This was the last inquiry of the schedule. */
  readonly isLast: boolean;
}

/** What the answer to an inquiry means for an approval whose outcome is not known. */
export function decideInquiry(answer: PgAnswer, facts: InquiryFacts): Decision {
  const decision = decideByAnswer(answer, facts);
  return decision.kind === 'WAIT' && facts.isLast
    ? endOfInquiries(decision.reason, facts)
    : decision;
}

/** What becomes of an attempt when nothing was learnt and no inquiry follows. */
export function endOfInquiries(reason: string, facts: Pick<InquiryFacts, 'notExecuted'>): Decision {
  return facts.notExecuted === null
    ? escalate('OUTCOME_UNKNOWN', `the inquiries are over; the last said: ${reason}`)
    : { kind: 'GIVE_UP', failure: facts.notExecuted };
}

function decideByAnswer(answer: PgAnswer, facts: InquiryFacts): Decision {
  switch (answer.kind) {
    case 'PAYMENT': {
      const shown = decideShownPayment(answer, facts.expected);
      if (shown === null) return decideNotDone('the PG has not captured it', facts);
      return facts.reached ? shown : withoutCall(shown);
    }
    case 'REFUSED':
      return answer.error.code === 'NOT_FOUND'
        ? decideNotFound(answer.error.pgCode, facts)
        : wait(`${answer.error.pgCode ?? answer.error.code} to the inquiry`);
    case 'NOT_SENT':
    case 'NO_ANSWER':
    case 'UNKNOWN':
      return wait(`no use of the inquiry: ${answer.error.pgCode ?? answer.error.message}`);
    default:
      return answer satisfies never;
  }
}

/** The PG knows the payment and shows no capture. */
function decideNotDone(reason: string, facts: InquiryFacts): Decision {
  if (facts.notExecuted !== null) return againOrNever(facts.notExecuted, facts);
  return facts.mayResend ? { kind: 'RESEND', reason } : wait(reason);
}

function decideNotFound(pgCode: string | null, facts: InquiryFacts): Decision {
  if (facts.notExecuted !== null) return againOrNever(facts.notExecuted, facts);
  if (!facts.mayBelieveNotFound) return wait('not found, too early to be believed');
  return {
    kind: 'GIVE_UP',
    failure: failureOf('NOT_FOUND', 'the PG does not know the payment', pgCode),
  };
}

function againOrNever(failure: Failure, facts: InquiryFacts): Decision {
  return { kind: facts.mayRetry ? 'RETRY' : 'GIVE_UP', failure };
}

/** No call of ours can have done what the PG shows. */
function withoutCall(shown: Decision): Decision {
  switch (shown.kind) {
    case 'APPROVE':
      return escalate('UNPROVEN_CAPTURE', 'captured, though no call of this attempt was sent');
    case 'REFUSE_DEPOSIT':
      return escalate('UNPROVEN_CAPTURE', 'a deposit waits, though no call was sent');
    default:
      return shown;
  }
}
