import type { Failure } from '@mini-pg/domain';
import type { PaymentAnswer, PgAnswer, PgCancel, PgPayment } from '@mini-pg/pg-adapters';
import { type CancelOrder, decideShownCancel } from './decide-cancel.ts';
import { type Decision, escalate, wait } from './decision.ts';
import { differencesOf } from './matching.ts';

/** What is known of an UNKNOWN cancel when an inquiry is answered. */
export interface CancelInquiryFacts {
  readonly order: CancelOrder;
  /** Transactions at the PG that belong to other cancels of the payment. */
  readonly others: ReadonlySet<string>;
  /** A call of this attempt may have reached the PG. */
  readonly reached: boolean;
  /** The failure with which its call surely was not executed; null when that is not sure. */
  readonly notExecuted: Failure | null;
  /** No byte of an answer came, the PG has keys for cancels, and this one is still good. */
  readonly mayResend: boolean;
  /** The bound of attempts is not reached. */
  readonly mayRetry: boolean;
  /** This was the last inquiry of the schedule. */
  readonly isLast: boolean;
}

/** What the answer to an inquiry means for a cancel whose outcome is not known. */
export function decideCancelInquiry(answer: PgAnswer, facts: CancelInquiryFacts): Decision {
  const decision =
    answer.kind === 'PAYMENT'
      ? decideShown(answer, facts)
      : wait(`no use of the inquiry: ${answer.error.pgCode ?? answer.error.message}`);
  return decision.kind === 'WAIT' && facts.isLast
    ? endOfCancelInquiries(decision.reason, facts)
    : decision;
}

/** What becomes of a cancel when nothing was learnt and no inquiry follows. */
export function endOfCancelInquiries(
  reason: string,
  { notExecuted }: Pick<CancelInquiryFacts, 'notExecuted'>,
): Decision {
  return notExecuted === null
    ? escalate('OUTCOME_UNKNOWN', `the inquiries are over; the last said: ${reason}`)
    : { kind: 'GIVE_UP', failure: notExecuted };
}

function decideShown(answer: PaymentAnswer, facts: CancelInquiryFacts): Decision {
  const { payment, state } = answer;
  const differences = differencesOf(payment, facts.order.expected);
  if (differences.length > 0) return escalate('MISMATCH', differences.join('; '));
  const unclaimed = unclaimedOf(payment, facts);
  const [found, another] = unclaimed;
  if (found === undefined) return decideNotShown(payment, facts);
  if (!facts.reached || facts.notExecuted !== null) {
    return escalate('CANCELLED_AT_PG', `cancelled by ${found.pgTransactionId}, and not by us`);
  }
  return another === undefined
    ? decideShownCancel(answer, found, facts.order)
    : wait(`the PG shows ${unclaimed.length} cancels of nobody, and the payment as ${state}`);
}

/** The PG shows no cancel that could be this one. */
function decideNotShown({ balanceAmount }: PgPayment, facts: CancelInquiryFacts): Decision {
  if (balanceAmount !== facts.order.remainingBefore) {
    return wait(`the PG shows ${balanceAmount} left without a cancel for it`);
  }
  if (facts.notExecuted !== null) {
    return { kind: facts.mayRetry ? 'RETRY' : 'GIVE_UP', failure: facts.notExecuted };
  }
  const reason = 'the PG does not show the cancel';
  return facts.mayResend ? { kind: 'RESEND', reason } : wait(reason);
}

/**
 * Cancels of nobody. What somebody else gave back before this one began is known by its sum: a
 * reversal of the rest begins below the amount that was captured.
 */
function unclaimedOf(
  { cancels }: PgPayment,
  { order, others }: Pick<CancelInquiryFacts, 'order' | 'others'>,
): PgCancel[] {
  const claimed = cancels.filter(({ pgTransactionId }) => others.has(pgTransactionId));
  const left = claimed.reduce((rest, { amount }) => rest - amount, order.expected.amount);
  let goneBefore = left - order.remainingBefore;
  return cancels
    .filter(({ pgTransactionId }) => !others.has(pgTransactionId))
    .toSorted((one, other) => Date.parse(one.at) - Date.parse(other.at))
    .filter(({ amount }) => {
      if (amount > goneBefore) return true;
      goneBefore -= amount;
      return false;
    });
}

/** The PG shows what was there before the cancel, and no cancel of nobody. */
export function isShownNotDone(
  answer: PgAnswer,
  facts: Pick<CancelInquiryFacts, 'order' | 'others'>,
): boolean {
  if (answer.kind !== 'PAYMENT') return false;
  const { payment } = answer;
  const isOurs = differencesOf(payment, facts.order.expected).length === 0;
  const isUntouched = payment.balanceAmount === facts.order.remainingBefore;
  return isOurs && isUntouched && unclaimedOf(payment, facts).length === 0;
}

/**
 * What an inquiry says, long after, about a cancel attempt that was closed as not done: a cancel at
 * the PG that belongs to nobody has given back money that our books still hold.
 */
export function decideCancelFollowUp(
  answer: PgAnswer,
  facts: Pick<CancelInquiryFacts, 'order' | 'others'>,
): Decision {
  if (answer.kind !== 'PAYMENT') return { kind: 'NOTHING' };
  if (differencesOf(answer.payment, facts.order.expected).length > 0) return { kind: 'NOTHING' };
  const [found] = unclaimedOf(answer.payment, facts);
  return found === undefined
    ? { kind: 'NOTHING' }
    : escalate('CANCELLED_AT_PG', `cancelled by ${found.pgTransactionId} after it was closed`);
}
