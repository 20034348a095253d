import type { AttemptState, Failure } from '@mini-pg/domain';
import type { PgCancel } from '@mini-pg/pg-adapters';
import type { Attempt } from '../attempts/attempt.ts';
import { ANSWER_LOST } from '../decisions/decide-net-cancel.ts';
import { TELL_OF_HELD_MONEY } from '../resolutions/resolution.ts';
import { followUpOfCancelMs, retryCancel } from './apply-cancel-decision.ts';
import { conclude, escalate, hold, tellStep } from './attempt-moves.ts';
import { reversedEvent } from './events.ts';
import type { Plan } from './plan.ts';
import type { Verdict } from './verdict.ts';

/** What a decision does to an attempt that gives back a capture nobody was told of. */
export function applyReversalDecision(verdict: Verdict, attempt: Attempt, plan: Plan): void {
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
      throw new Error(`${decision.kind} is nothing to record of reversal ${attempt.id}`);
    default:
      decision satisfies never;
  }
}

function finish(verdict: Verdict, attempt: Attempt, { pgTransactionId, at }: PgCancel, plan: Plan) {
  const reversed = plan.payment.attempts.find(({ id }) => id === attempt.reversesId);
  if (!reversed) throw new Error(`attempt ${attempt.id} reverses one that is not there`);
  plan.patch(attempt, verdict, {
    state: 'APPROVED',
    pgTransactionId,
    approvedAt: at,
    failure: null,
  });
  const isOwn = isOwnCapture(attempt, reversed);
  if (isOwn) plan.patch(reversed, null, { state: 'REVERSED' });
  conclude(reversed, reversed.failure ?? ANSWER_LOST, plan);
  plan.resolved.push({ attemptId: attempt.id, kind: 'OUTCOME_UNKNOWN' });
  for (const attemptId of about(reversed, plan)) {
    for (const kind of TELL_OF_HELD_MONEY) plan.resolved.push({ attemptId, kind });
  }
  plan.reversals.push('DONE');
  if (isOwn) plan.tell((context) => reversedEvent(reversed, { pgTransactionId, at }, context));
}

/** Another amount, or what somebody else has left of it, is no approval of the attempt. */
function isOwnCapture(reversal: Attempt, { amount }: Attempt): boolean {
  return reversal.amount === amount && reversal.cancelAmount === amount;
}

/** The attempt that captured, and those that were to undo it. */
function about({ id }: Attempt, { payment }: Plan): string[] {
  const undoing = payment.attempts.filter(
    ({ operation, cancelId, reversesId }) =>
      operation !== 'APPROVE' && cancelId === null && (reversesId ?? id) === id,
  );
  return [id, ...undoing.map((attempt) => attempt.id)];
}

/** The capture stays where it is, and its exception open: a person has to give it back. */
function fail(
  verdict: Verdict,
  attempt: Attempt,
  state: Extract<AttemptState, 'DECLINED' | 'NOT_SENT'>,
  failure: Failure,
  plan: Plan,
): void {
  const nextFollowUpMs = followUpOfCancelMs(verdict, attempt, plan);
  plan.patch(attempt, verdict, { state, failure, nextFollowUpMs });
  plan.resolved.push({ attemptId: attempt.id, kind: 'OUTCOME_UNKNOWN' });
  plan.reversals.push('FAILED');
  const reversed = plan.payment.attempts.find(({ id }) => id === attempt.reversesId);
  if (!reversed) return;
  if (reversed.state !== 'UNKNOWN') {
    plan.released.push(reversed);
    return;
  }
  const reason = `captured by ${reversed.pgTransactionId}, to be undone, and not given back`;
  plan.open(reversed, 'OUTCOME_UNKNOWN', `${reason}: ${failure.code}`);
}
