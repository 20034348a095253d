import type { AttemptState, Failure } from '@mini-pg/domain';
import type { PgCancel, PgPayment } from '@mini-pg/pg-adapters';
import type { Attempt } from '../attempts/attempt.ts';
import {
  type Decision,
  type ExceptionKind,
  failureOf,
  type ProvenPayment,
} from '../decisions/decision.ts';
import { applyUndoing } from './apply-net-cancel-decision.ts';
import { completedEvent, failedEvent } from './events.ts';
import type { Plan } from './plan.ts';
import {
  dropUnsentUndoing,
  isBeingUndone,
  keepCapture,
  startNetCancel,
} from './start-net-cancel.ts';
import type { Verdict } from './verdict.ts';

type Close = Extract<AttemptState, 'DECLINED' | 'NOT_SENT'>;

export const DEPOSIT_REFUSED = failureOf(
  'METHOD_NOT_SUPPORTED',
  'deposits to virtual accounts are not supported; the account was cancelled',
);

const DEPOSIT_CANCEL_REASON = 'Virtual accounts are not supported';

/** What a decision does to an attempt that is in the state which the decision was made for. */
export function applyDecision(verdict: Verdict, attempt: Attempt, plan: Plan): void {
  const { decision } = verdict;
  tellStep(verdict, attempt, plan);
  switch (decision.kind) {
    case 'APPROVE':
      approve(verdict, attempt, decision.payment, plan);
      break;
    case 'DECLINE':
      fail(verdict, attempt, 'DECLINED', decision.failure, plan);
      break;
    case 'GIVE_UP':
      fail(verdict, attempt, 'NOT_SENT', decision.failure, plan);
      break;
    case 'RETRY':
      retry(verdict, attempt, decision.failure, plan);
      break;
    case 'WAIT':
      hold(verdict, attempt, decision, plan);
      break;
    case 'REFUSE_DEPOSIT':
      refuseDeposit(verdict, attempt, decision.payment, plan);
      break;
    case 'DEPOSIT_CANCELLED':
      closeDeposit(verdict, attempt, decision.cancel, plan);
      break;
    case 'NET_CANCEL':
      startNetCancel(verdict, attempt, decision.reason, plan);
      break;
    case 'UNDONE':
    case 'NOTHING_TO_UNDO':
    case 'REVERSE':
      applyUndoing(verdict, attempt, decision, plan);
      break;
    case 'CANCELLED':
    case 'CANCEL_REFUSED':
      throw new Error(`${decision.kind} is no decision about attempt ${attempt.id}`);
    case 'ESCALATE':
      escalate(verdict, attempt, decision.exception, decision.reason, plan);
      break;
    case 'RESEND':
      throw new Error('to send again is done, not recorded');
    case 'NOTHING':
      break;
    default:
      decision satisfies never;
  }
}

/** An inquiry and a resend stand on the timeline, whatever came of them. */
export function tellStep({ step, decision }: Verdict, attempt: Attempt, plan: Plan): void {
  if (step === 'INQUIRY') plan.progress(attempt, 'INQUIRED', inWords(decision));
  if (step === 'RESEND') plan.progress(attempt, 'RESENT', inWords(decision));
}

function inWords(decision: Decision): string {
  switch (decision.kind) {
    case 'WAIT':
    case 'RESEND':
    case 'NET_CANCEL':
    case 'ESCALATE':
      return decision.reason;
    case 'DECLINE':
    case 'GIVE_UP':
    case 'RETRY':
    case 'CANCEL_REFUSED':
    case 'NOTHING_TO_UNDO':
      return `${decision.kind}: ${decision.failure.code}`;
    default:
      return decision.kind;
  }
}

function approve(verdict: Verdict, attempt: Attempt, payment: ProvenPayment, plan: Plan): void {
  if (plan.payment.hasOutcome) {
    const reason = `captured by ${payment.pgTransactionId}, and the payment has an outcome`;
    escalate(verdict, attempt, 'LATE_CAPTURE', reason, plan);
    return;
  }
  if (isBeingUndone(attempt, plan)) {
    keepCapture(verdict, attempt, payment, plan);
    return;
  }
  dropUnsentUndoing(attempt, plan);
  plan.patch(attempt, verdict, {
    state: 'APPROVED',
    pgPaymentId: payment.pgPaymentId,
    pgTransactionId: payment.pgTransactionId,
    methodDetail: payment.methodDetail,
    approvedAt: payment.approvedAt,
    failure: null,
  });
  plan.conclude(attempt, 'APPROVED', (context) => completedEvent(attempt, payment, context));
  plan.resolved.push({ attemptId: attempt.id, kind: 'OUTCOME_UNKNOWN' });
}

function fail(
  verdict: Verdict,
  attempt: Attempt,
  state: Close,
  failure: Failure,
  plan: Plan,
): void {
  const reached = attempt.reached || verdict.reached;
  // A clear answer to the only call ends it for good; everything else is looked at again.
  const isDefinite = state === 'DECLINED' && verdict.step !== 'RESEND';
  const nextFollowUpMs = reached && !isDefinite ? plan.firstFollowUpMs(attempt) : null;
  plan.patch(attempt, verdict, { state, failure, nextFollowUpMs });
  conclude(attempt, failure, plan);
}

/** The payment fails of it, unless it has an outcome; its source is free again. */
export function conclude(attempt: Attempt, failure: Failure, plan: Plan): void {
  plan.released.push(attempt);
  plan.resolved.push({ attemptId: attempt.id, kind: 'OUTCOME_UNKNOWN' });
  if (plan.payment.hasOutcome) return;
  plan.conclude(attempt, 'FAILED', (context) => failedEvent(attempt, failure, context));
}

/** The source stays claimed: it is the payment's, and the payment goes on. */
function retry(verdict: Verdict, attempt: Attempt, failure: Failure, plan: Plan): void {
  const reached = attempt.reached || verdict.reached;
  const nextFollowUpMs =
    reached && attempt.operation === 'APPROVE' ? plan.firstFollowUpMs(attempt) : null;
  plan.patch(attempt, verdict, { state: 'NOT_SENT', failure, nextFollowUpMs });
  const number = attempt.number + 1;
  plan.further.push({
    id: plan.newId(),
    of: attempt.id,
    operation: attempt.operation === 'CANCEL' ? 'CANCEL' : 'APPROVE',
    number,
    cancelReason: attempt.cancelReason,
    pgPaymentId: attempt.operation === 'CANCEL' ? attempt.pgPaymentId : null,
    cancel: null,
  });
  plan.progress(attempt, 'RETRIED', `${failure.code}: attempt ${number} follows`);
}

export function hold(
  verdict: Verdict,
  attempt: Attempt,
  decision: Extract<Decision, { kind: 'WAIT' }>,
  plan: Plan,
): void {
  if (verdict.step === 'FOLLOW_UP') return;
  const isFirst = attempt.state === 'CALLING';
  const notExecuted = isFirst ? decision.notExecuted : attempt.notExecuted ? attempt.failure : null;
  const isLostApproval = isFirst && notExecuted === null && attempt.operation === 'APPROVE';
  if (isLostApproval && plan.netCancelsFirst(attempt)) {
    startNetCancel(verdict, attempt, decision.reason, plan);
    return;
  }
  plan.patch(attempt, verdict, {
    state: 'UNKNOWN',
    notExecuted: notExecuted !== null,
    failure: notExecuted,
    nextInquiryMs: verdict.nextInquiryMs,
  });
  if (isFirst) plan.progress(attempt, 'UNKNOWN', decision.reason);
}

/** The approval waits, without inquiries of its own, for the end of the cancel. */
function refuseDeposit(verdict: Verdict, attempt: Attempt, payment: PgPayment, plan: Plan): void {
  const { pgPaymentId } = payment;
  plan.patch(attempt, verdict, { state: 'UNKNOWN', failure: DEPOSIT_REFUSED, pgPaymentId });
  if (attempt.state === 'CALLING') {
    plan.progress(attempt, 'UNKNOWN', 'a deposit account was issued; it is being cancelled');
  }
  const cancels = plan.payment.attempts.filter(({ operation }) => operation === 'CANCEL');
  plan.further.push({
    id: plan.newId(),
    of: attempt.id,
    operation: 'CANCEL',
    number: cancels.length + 1,
    cancelReason: DEPOSIT_CANCEL_REASON,
    pgPaymentId,
    cancel: null,
  });
}

function closeDeposit(
  verdict: Verdict,
  attempt: Attempt,
  cancel: PgCancel | null,
  plan: Plan,
): void {
  plan.patch(attempt, verdict, {
    state: 'APPROVED',
    pgTransactionId: cancel?.pgTransactionId ?? null,
    approvedAt: cancel?.at ?? null,
    failure: null,
  });
  plan.resolved.push({ attemptId: attempt.id, kind: 'DEPOSIT_NOT_CANCELLED' });
  const approval = plan.payment.attempts.find(
    ({ operation, state }) => operation === 'APPROVE' && state === 'UNKNOWN',
  );
  if (!approval) return;
  plan.patch(approval, null, { state: 'DECLINED', failure: DEPOSIT_REFUSED });
  conclude(approval, DEPOSIT_REFUSED, plan);
}

/** No inquiry of the schedule follows, but the attempt is still looked at as a late one is. */
export function escalate(
  verdict: Verdict,
  attempt: Attempt,
  kind: ExceptionKind,
  reason: string,
  plan: Plan,
): void {
  const isOpen = attempt.state === 'CALLING' || attempt.state === 'UNKNOWN';
  if (isOpen && verdict.step !== 'FOLLOW_UP') {
    const nextFollowUpMs = plan.firstFollowUpMs(attempt);
    plan.patch(attempt, verdict, { state: 'UNKNOWN', nextFollowUpMs });
  }
  plan.open(attempt, kind, reason);
}
