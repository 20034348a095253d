import type { AttemptState, Failure } from '@mini-pg/domain';
import type { PgCancel } from '@mini-pg/pg-adapters';
import type { Attempt } from '../attempts/attempt.ts';
import { type CancelTry, cancelTryOf } from '../attempts/cancel-try.ts';
import type { Cancel } from '../cancels/cancel.ts';
import { escalate, hold, tellStep } from './attempt-moves.ts';
import { cancelFailedEvent, cancelledEvent } from './events.ts';
import type { Plan } from './plan.ts';
import type { Verdict } from './verdict.ts';

/** What a decision does to an attempt of a cancel, and to the cancel. */
export function applyCancelDecision(verdict: Verdict, attempt: Attempt, plan: Plan): void {
  const { decision } = verdict;
  tellStep(verdict, attempt, plan);
  switch (decision.kind) {
    case 'CANCELLED':
      finish(verdict, attempt, decision.cancel, plan);
      break;
    case 'CANCEL_REFUSED':
      fail(verdict, attempt, 'DECLINED', decision.failure, plan);
      if (decision.contradiction !== null) {
        plan.open(attempt, decision.contradiction.exception, decision.contradiction.reason);
      }
      break;
    case 'GIVE_UP':
      fail(verdict, attempt, 'NOT_SENT', decision.failure, plan);
      break;
    case 'RETRY':
      retryCancel(verdict, attempt, decision.failure, plan);
      break;
    case 'WAIT':
      hold(verdict, attempt, decision, plan);
      break;
    case 'ESCALATE':
      escalate(verdict, attempt, decision.exception, decision.reason, plan);
      break;
    case 'NOTHING':
      break;
    case 'RESEND':
    case 'APPROVE':
    case 'DECLINE':
    case 'NET_CANCEL':
    case 'UNDONE':
    case 'NOTHING_TO_UNDO':
    case 'REVERSE':
    case 'REFUSE_DEPOSIT':
    case 'DEPOSIT_CANCELLED':
      throw new Error(`${decision.kind} is nothing to record of cancel ${attempt.cancelId}`);
    default:
      decision satisfies never;
  }
}

function finish(verdict: Verdict, attempt: Attempt, { pgTransactionId, at }: PgCancel, plan: Plan) {
  const cancel = cancelOf(attempt, plan);
  const approval = plan.payment.attempts.find(
    ({ operation, state }) => operation === 'APPROVE' && state === 'APPROVED',
  );
  if (!approval) throw new Error(`payment ${attempt.paymentId} has no approval to cancel`);
  const { amount, remainingBefore, taxFreeAmount } = tryOf(attempt);
  const remainingAfter = remainingBefore - amount;
  plan.patch(attempt, verdict, {
    state: 'APPROVED',
    pgTransactionId,
    approvedAt: at,
    failure: null,
  });
  plan.resolved.push({ attemptId: attempt.id, kind: 'OUTCOME_UNKNOWN' });
  const done = { amount, taxFreeAmount, remainingBefore, remainingAfter, pgTransactionId, at };
  plan.moveCancel(cancel, { state: 'DONE', remainingAfter }, (context) =>
    cancelledEvent(attempt, approval, { cancelId: cancel.id, ...done }, context),
  );
}

function fail(
  verdict: Verdict,
  attempt: Attempt,
  state: Extract<AttemptState, 'DECLINED' | 'NOT_SENT'>,
  failure: Failure,
  plan: Plan,
): void {
  plan.patch(attempt, verdict, {
    state,
    failure,
    nextFollowUpMs: followUpOfCancelMs(verdict, attempt, plan),
  });
  plan.resolved.push({ attemptId: attempt.id, kind: 'OUTCOME_UNKNOWN' });
  const cancel = cancelOf(attempt, plan);
  plan.moveCancel(cancel, { state: 'FAILED' }, (context) =>
    cancelFailedEvent(cancel, failure, context),
  );
}

/** A clear answer to the only call ends it for good; everything else is looked at again. */
export function followUpOfCancelMs(verdict: Verdict, attempt: Attempt, plan: Plan): number | null {
  const reached = attempt.reached || verdict.reached;
  const isDefinite = verdict.decision.kind === 'CANCEL_REFUSED' && verdict.step === 'CALL';
  return reached && !isDefinite ? plan.firstFollowUpMs(attempt) : null;
}

/** What was surely not executed is tried again, with a new key and on the same balance. */
export function retryCancel(
  verdict: Verdict,
  attempt: Attempt,
  failure: Failure,
  plan: Plan,
): void {
  const nextFollowUpMs = followUpOfCancelMs(verdict, attempt, plan);
  plan.patch(attempt, verdict, { state: 'NOT_SENT', failure, nextFollowUpMs });
  const number = attempt.number + 1;
  plan.further.push({
    id: plan.newId(),
    of: attempt.id,
    operation: 'CANCEL',
    number,
    cancelReason: attempt.cancelReason,
    pgPaymentId: attempt.pgPaymentId,
    cancel: tryOf(attempt),
  });
  plan.progress(attempt, 'RETRIED', `${failure.code}: attempt ${number} of the cancel follows`);
}

/** The database has no attempt of a cancel that does not say what it cancels. */
function tryOf(attempt: Attempt): CancelTry {
  const asked = cancelTryOf(attempt);
  if (asked === null) throw new Error(`attempt ${attempt.id} asks for no cancel`);
  return asked;
}

function cancelOf(attempt: Attempt, plan: Plan): Cancel {
  const cancel = plan.payment.cancels.find(({ id }) => id === attempt.cancelId);
  if (cancel?.state !== 'STARTED') {
    throw new Error(`attempt ${attempt.id} is open, and its cancel is ${cancel?.state}`);
  }
  return cancel;
}
