import type { Failure } from '@mini-pg/domain';
import type { Attempt } from '../attempts/attempt.ts';
import { ANSWER_LOST } from '../decisions/decide-net-cancel.ts';
import { type Decision, failureOf, type ProvenPayment } from '../decisions/decision.ts';
import { conclude, escalate, hold, tellStep } from './attempt-moves.ts';
import { reversedEvent } from './events.ts';
import type { Plan } from './plan.ts';
import { giveBack } from './reverse.ts';
import { approvalOf, furtherNetCancel } from './start-net-cancel.ts';
import type { Verdict } from './verdict.ts';

type Undoing = Extract<Decision, { kind: 'UNDONE' | 'NOTHING_TO_UNDO' | 'REVERSE' }>;

const LEFT_TO_A_CANCEL = failureOf('NOT_CANCELABLE', 'the net-cancels are over; it is cancelled');

/** What a decision does to a net-cancel, and to the approval that it undoes. */
export function applyNetCancelDecision(verdict: Verdict, attempt: Attempt, plan: Plan): void {
  const { decision } = verdict;
  tellStep(verdict, attempt, plan);
  switch (decision.kind) {
    case 'UNDONE':
    case 'NOTHING_TO_UNDO':
    case 'REVERSE':
      applyUndoing(verdict, attempt, decision, plan);
      break;
    case 'CANCEL_REFUSED':
    case 'GIVE_UP':
      leave(verdict, attempt, decision.failure, plan);
      break;
    case 'RETRY': {
      plan.patch(attempt, verdict, { state: 'NOT_SENT', failure: decision.failure });
      const number = furtherNetCancel(approvalOf(attempt, plan), attempt.id, plan);
      plan.progress(attempt, 'RETRIED', `${decision.failure.code}: net-cancel ${number} follows`);
      break;
    }
    case 'WAIT':
      hold(verdict, attempt, decision, plan);
      break;
    case 'ESCALATE':
      escalate(verdict, attempt, decision.exception, decision.reason, plan);
      break;
    case 'NOTHING':
      break;
    case 'RESEND':
    case 'NET_CANCEL':
    case 'APPROVE':
    case 'DECLINE':
    case 'REFUSE_DEPOSIT':
    case 'DEPOSIT_CANCELLED':
    case 'CANCELLED':
      throw new Error(`${decision.kind} is nothing to record of net-cancel ${attempt.id}`);
    default:
      decision satisfies never;
  }
}

/** What becomes of an approval that is being undone; `attempt` is its net-cancel, or itself. */
export function applyUndoing(
  verdict: Verdict,
  attempt: Attempt,
  decision: Undoing,
  plan: Plan,
): void {
  const approval = approvalOf(attempt, plan);
  const isOwn = approval.id === attempt.id;
  if (!isOwn) close(verdict, attempt, decision, plan);
  const evidence = isOwn ? verdict : null;
  switch (decision.kind) {
    case 'UNDONE':
      if (decision.shown === null) endWithoutCapture(evidence, approval, ANSWER_LOST, plan);
      else endReversed(evidence, approval, decision.shown, plan);
      break;
    case 'NOTHING_TO_UNDO':
      endWithoutCapture(evidence, approval, decision.failure, plan);
      break;
    case 'REVERSE':
      if (approval.state !== 'UNKNOWN') break;
      plan.patch(approval, evidence, proofOf(decision.capture));
      giveBack(approval, decision.capture.pgPaymentId, ANSWER_LOST.message, plan);
      break;
    default:
      decision satisfies never;
  }
}

/** Closes the net-cancel itself. */
function close(verdict: Verdict, attempt: Attempt, decision: Undoing, plan: Plan): void {
  plan.resolved.push({ attemptId: attempt.id, kind: 'OUTCOME_UNKNOWN' });
  if (decision.kind === 'UNDONE') {
    plan.patch(attempt, verdict, {
      state: 'APPROVED',
      pgTransactionId: decision.shown?.cancel.pgTransactionId ?? null,
      approvedAt: decision.shown?.cancel.at ?? null,
      failure: null,
    });
    return;
  }
  const failure = decision.kind === 'REVERSE' ? LEFT_TO_A_CANCEL : decision.failure;
  plan.patch(attempt, verdict, { state: 'DECLINED', failure });
}

/** A net-cancel that the PG does not take: the approval is inquired, by the rest of the ladder. */
function leave(verdict: Verdict, attempt: Attempt, failure: Failure, plan: Plan): void {
  const state = verdict.decision.kind === 'GIVE_UP' ? 'NOT_SENT' : 'DECLINED';
  plan.patch(attempt, verdict, { state, failure });
  const approval = approvalOf(attempt, plan);
  if (approval.state !== 'UNKNOWN') return;
  plan.patch(approval, null, { nextInquiryMs: verdict.nextInquiryMs });
}

function endReversed(
  verdict: Verdict | null,
  approval: Attempt,
  { capture, cancel }: NonNullable<Extract<Decision, { kind: 'UNDONE' }>['shown']>,
  plan: Plan,
): void {
  if (approval.state === 'REVERSED') return;
  if (approval.state === 'APPROVED') {
    plan.open(approval, 'CONFLICTING_RESULT', 'undone after it was recorded as approved');
    return;
  }
  const proof = proofOf(capture);
  const failure = approval.failure ?? ANSWER_LOST;
  plan.patch(approval, verdict, { state: 'REVERSED', ...proof, failure });
  conclude(approval, failure, plan);
  plan.resolved.push({ attemptId: approval.id, kind: 'LATE_CAPTURE' });
  plan.reversals.push('DONE');
  const reversed = { ...approval, ...proof, approvedAt: new Date(proof.approvedAt) };
  plan.tell((context) => reversedEvent(reversed, cancel, context));
}

/** Nothing was shown to have stood; it is looked at again, as all that ends without an answer. */
function endWithoutCapture(
  verdict: Verdict | null,
  approval: Attempt,
  failure: Failure,
  plan: Plan,
): void {
  if (approval.state !== 'UNKNOWN') return;
  const nextFollowUpMs = plan.firstFollowUpMs(approval);
  plan.patch(approval, verdict, { state: 'NOT_SENT', failure, nextFollowUpMs });
  conclude(approval, failure, plan);
}

function proofOf({ pgPaymentId, pgTransactionId, methodDetail, approvedAt }: ProvenPayment) {
  return { pgPaymentId, pgTransactionId, methodDetail, approvedAt };
}
