import type { CancelAnswer, PaymentAnswer, PgAnswer, PgCancel } from '@mini-pg/pg-adapters';
import { type Decision, escalate, failureOf, wait } from './decision.ts';

export interface DepositCancelFacts {
  /** The bound of attempts is not reached. */
  readonly mayRetry: boolean;
  /** This was the last inquiry of the schedule. */
  readonly isLast: boolean;
}

/** What the answer to the cancel of a deposit account means. */
export function decideDepositCancel(answer: CancelAnswer): Decision {
  if (answer.kind !== 'PAYMENT') {
    return wait(`the cancel: ${answer.error.pgCode ?? answer.error.message}`);
  }
  return decideShown(answer, answer.cancel) ?? wait('the deposit still waits');
}

/**
 * What an inquiry says of a deposit whose cancel was not confirmed. As long as it waits it may be
 * cancelled again, with a new key: a second cancel of the whole is refused, never done twice.
 */
export function decideDepositInquiry(answer: PgAnswer, facts: DepositCancelFacts): Decision {
  const shown =
    answer.kind === 'PAYMENT' ? decideShown(answer, null) : wait('no use of the inquiry');
  if (shown === null && facts.mayRetry) {
    const failure = failureOf('NOT_CANCELABLE', 'the deposit still waits after its cancel');
    return { kind: 'RETRY', failure };
  }
  if (shown !== null && (shown.kind !== 'WAIT' || !facts.isLast)) return shown;
  return escalate('DEPOSIT_NOT_CANCELLED', 'the PG does not confirm the cancel of the deposit');
}

/** Null while the deposit still waits. */
function decideShown(answer: PaymentAnswer, cancel: PgCancel | null): Decision | null {
  switch (answer.state) {
    case 'CANCELLED':
    case 'FAILED':
      return { kind: 'DEPOSIT_CANCELLED', cancel };
    case 'PAID':
    case 'PARTIALLY_CANCELLED':
      return escalate('DEPOSIT_PAID', `the PG shows ${answer.state}`);
    case 'IN_PROGRESS':
    case 'UNLISTED':
      return wait(`the PG shows ${answer.evidence.rawStatus}`);
    case 'WAITING_FOR_DEPOSIT':
      return null;
    default:
      return answer.state satisfies never;
  }
}
