import type { ExceptionKind } from '../decisions/decision.ts';
import { failureOf } from '../decisions/decision.ts';
import { conclude } from '../results/attempt-moves.ts';
import { failedEvent } from '../results/events.ts';
import { type LockedAttempt, type LockedPayment, Plan, type PlanContext } from '../results/plan.ts';
import { isReversedByAnother, startReversal } from '../results/reverse.ts';
import type { Held } from './held.ts';
import { type PlannedResolution, type ResolutionOrder, refuse } from './planned-resolution.ts';

const GIVEN_BACK = failureOf(
  'OUTCOME_UNKNOWN',
  'the outcome was not known in time; an operator has the capture given back',
);

const LEFT_TO_A_CANCEL = failureOf('NOT_CANCELABLE', 'an operator has the capture given back');

/**
 * All that the PG still holds of an approval goes back, by the reversal of ADR 0020. A payment
 * without an outcome fails first: of what is being given back nobody is told that it is approved.
 * `attempt` is the one of the exception: the approval, or what was to undo it.
 */
export function planGiveBack(
  order: ResolutionOrder,
  { attempt, approval }: { readonly attempt: LockedAttempt; readonly approval: LockedAttempt },
  payment: LockedPayment,
  context: PlanContext,
): PlannedResolution {
  const reason = whyNot(order.kind as ExceptionKind, { attempt, approval }, payment);
  if (reason !== null) return refuse(reason);
  const held = heldBy(order);
  if (typeof held === 'string') return refuse(held);
  const { capture } = held;
  const plan = new Plan(payment, context);
  const { pgTransactionId } = capture;
  if (pgTransactionId !== null && isReversedByAnother(approval, pgTransactionId, plan)) {
    return refuse(`${pgTransactionId} is given back by another attempt of the payment`);
  }
  if (attempt !== approval && attempt.state === 'UNKNOWN') {
    plan.patch(attempt, null, { state: 'DECLINED', failure: LEFT_TO_A_CANCEL });
  }
  if (held.isGivenBack) return leaveGivenBack(approval, plan);
  // The source of an open attempt is claimed still, and stays so until the money is back.
  const isOpen = approval.state === 'UNKNOWN';
  if (!isOpen) plan.reclaimed.push(approval);
  const changes = isOpen ? ({ state: 'NOT_SENT', failure: GIVEN_BACK } as const) : {};
  startReversal(approval, capture, plan, changes);
  if (!payment.hasOutcome) {
    plan.conclude(approval, 'FAILED', (event) => failedEvent(approval, GIVEN_BACK, event));
  }
  const takes = pgTransactionId === null ? null : { attemptId: approval.id, pgTransactionId };
  return { kind: 'DONE', plan, closes: false, takes };
}

/** Somebody else was first, so no call is made; the payment fails if it has no outcome yet. */
function leaveGivenBack(approval: LockedAttempt, plan: Plan): PlannedResolution {
  if (approval.state === 'UNKNOWN') {
    const nextFollowUpMs = plan.firstFollowUpMs(approval);
    plan.patch(approval, null, { state: 'NOT_SENT', failure: GIVEN_BACK, nextFollowUpMs });
    conclude(approval, GIVEN_BACK, plan);
  }
  return { kind: 'DONE', plan, closes: true, takes: null };
}

/** These tell of two results, and money that is given back is only one of them. */
const OF_TWO_RESULTS: ReadonlySet<ExceptionKind> = new Set([
  'CONFLICTING_RESULT',
  'DUPLICATE_TRANSACTION',
]);

function whyNot(
  kind: ExceptionKind,
  { attempt, approval }: { readonly attempt: LockedAttempt; readonly approval: LockedAttempt },
  { attempts, hasOutcome }: LockedPayment,
): string | null {
  const isApproved = attempts.some(
    ({ operation, state }) => operation === 'APPROVE' && state === 'APPROVED',
  );
  if (isApproved) {
    return 'the payment is approved: cancel it through payment-api, as an operator (origin OPERATOR)';
  }
  if (OF_TWO_RESULTS.has(kind)) {
    return `${kind} of ${attempt.operation} ${attempt.number} tells of no capture of ours to give back`;
  }
  if (approval.state === 'REVERSED') return 'the capture has been given back';
  if (approval.state === 'READY' || approval.state === 'CALLING') {
    return `the attempt is ${approval.state}: its answer is on its way`;
  }
  if (!hasOutcome && approval.state !== 'UNKNOWN') {
    return `the payment has no outcome and goes on by another attempt than this one (${approval.state})`;
  }
  return null;
}

/** What the PG proves to hold; else why it proves nothing. */
export function heldBy({ finding, pgTransactionId }: ResolutionOrder): Held | string {
  if (finding === null) return 'the PG cannot be asked: its account or its seal key is gone';
  const { held, said } = finding;
  if (held === null) return `the PG proves no capture of ours: ${said}`;
  const shown = held.capture.pgTransactionId;
  const isMeant = pgTransactionId === null || pgTransactionId === shown;
  return isMeant ? held : `the PG shows transaction ${shown}, not ${pgTransactionId}`;
}
