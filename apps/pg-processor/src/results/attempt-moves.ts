import type { Failure } from '@mini-pg/domain';
import type { Attempt } from '../attempts/attempt.ts';
import type { Decision, ExceptionKind } from '../decisions/decision.ts';
import { failedEvent } from './events.ts';
import type { Plan } from './plan.ts';
import { startNetCancel } from './start-net-cancel.ts';
import type { Verdict } from './verdict.ts';

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

/** The payment fails of it, unless it has an outcome; its source is free again. */
export function conclude(attempt: Attempt, failure: Failure, plan: Plan): void {
  plan.released.push(attempt);
  plan.resolved.push({ attemptId: attempt.id, kind: 'OUTCOME_UNKNOWN' });
  if (plan.payment.hasOutcome) return;
  plan.conclude(attempt, 'FAILED', (context) => failedEvent(attempt, failure, context));
}

/** It stays UNKNOWN until an inquiry tells, or is undone first where its PG wants that. */
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
