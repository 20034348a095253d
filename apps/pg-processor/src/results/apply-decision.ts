import type { AttemptState, Failure } from '@mini-pg/domain';
import type { PgCancel, PgPayment } from '@mini-pg/pg-adapters';
import type { Attempt } from '../attempts/attempt.ts';
import { failureOf, type ProvenPayment } from '../decisions/decision.ts';
import { applyUndoing } from './apply-net-cancel-decision.ts';
import { conclude, escalate, hold, tellStep } from './attempt-moves.ts';
import { completedEvent } from './events.ts';
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
