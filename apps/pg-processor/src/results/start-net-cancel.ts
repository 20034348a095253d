import type { Attempt } from '../attempts/attempt.ts';
import { ANSWER_LOST } from '../decisions/decide-net-cancel.ts';
import type { ProvenPayment } from '../decisions/decision.ts';
import type { Plan } from './plan.ts';
import type { Verdict } from './verdict.ts';

const NET_CANCEL_REASON = 'The answer to the approval was lost';

/** The approval waits, without inquiries of its own, for the end of the net-cancel. */
export function startNetCancel(
  verdict: Verdict,
  attempt: Attempt,
  reason: string,
  plan: Plan,
): void {
  plan.patch(attempt, verdict, { state: 'UNKNOWN', failure: ANSWER_LOST });
  if (attempt.state === 'CALLING') plan.progress(attempt, 'UNKNOWN', `${reason}; it is undone`);
  furtherNetCancel(attempt, attempt.id, plan);
}

/** One more net-cancel of an approval; `of` is what it copies what it is told by from. */
export function furtherNetCancel(approval: Attempt, of: string, plan: Plan): number {
  const { id: reversesId, amount, taxFreeAmount, pgPaymentId } = approval;
  const number =
    plan.payment.attempts.filter(({ operation }) => operation === 'NET_CANCEL').length + 1;
  plan.further.push({
    id: plan.newId(),
    of,
    operation: 'NET_CANCEL',
    number,
    cancelReason: NET_CANCEL_REASON,
    pgPaymentId,
    cancel: { cancelId: null, reversesId, amount, taxFreeAmount, remainingBefore: amount },
  });
  return number;
}

/** The approval that an attempt undoes, or that it is itself. */
export function approvalOf(attempt: Attempt, { payment }: Plan): Attempt {
  if (attempt.reversesId === null) return attempt;
  const approval = payment.attempts.find(({ id }) => id === attempt.reversesId);
  if (!approval) throw new Error(`attempt ${attempt.id} undoes one that is not there`);
  return approval;
}

function undoingsOf({ id }: Attempt, { payment }: Plan): Attempt[] {
  return payment.attempts.filter(({ reversesId }) => reversesId === id);
}

/** Something that undoes it may have left: then it is not reported as approved any more. */
export function isBeingUndone(attempt: Attempt, plan: Plan): boolean {
  return undoingsOf(attempt, plan).some(
    ({ state, reached }) => reached || state === 'CALLING' || state === 'UNKNOWN',
  );
}

/** Nothing was sent, and under the lock nothing will be. */
export function dropUnsentUndoing(attempt: Attempt, plan: Plan): void {
  for (const undoing of undoingsOf(attempt, plan)) {
    if (undoing.state === 'READY') plan.patch(undoing, null, { state: 'NOT_SENT' });
  }
}

/** An answer that came late shows what there is to undo. */
export function keepCapture(
  verdict: Verdict,
  attempt: Attempt,
  { pgPaymentId, pgTransactionId, methodDetail, approvedAt }: ProvenPayment,
  plan: Plan,
): void {
  const isUnderWay = undoingsOf(attempt, plan).some(({ state }) => OPEN.has(state));
  plan.patch(attempt, verdict, {
    ...{ pgPaymentId, pgTransactionId, methodDetail, approvedAt },
    nextInquiryMs: isUnderWay ? null : verdict.nextInquiryMs,
  });
}

const OPEN: ReadonlySet<string> = new Set(['READY', 'CALLING', 'UNKNOWN']);
