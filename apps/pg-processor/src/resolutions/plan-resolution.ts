import type { Attempt } from '../attempts/attempt.ts';
import type { Decision } from '../decisions/decision.ts';
import type { LockedAttempt, LockedPayment, PlanContext } from '../results/plan.ts';
import { planVerdict } from '../results/plan-verdict.ts';
import type { Verdict } from '../results/verdict.ts';
import { heldBy, planGiveBack } from './plan-give-back.ts';
import { type PlannedResolution, type ResolutionOrder, refuse } from './planned-resolution.ts';
import { approvalBehind, openUndoingsOf, roleOf } from './role.ts';

/** Decides what a resolution changes, given the payment as it is under lock. Pure. */
export function planResolution(
  order: ResolutionOrder,
  payment: LockedPayment,
  context: PlanContext,
): PlannedResolution {
  const { resolution, finding } = order;
  const { attempts } = payment;
  const attempt = attempts.find(({ id }) => id === order.attemptId);
  if (!attempt) throw new Error(`there is no attempt ${order.attemptId} of the exception`);
  const undoing = otherUndoing(attempt, attempts);
  if (undoing !== undefined) return refuse(beingGivenBack(undoing));
  if (finding !== null && hasMoved(attempts, finding.asked)) {
    return refuse('the attempt has moved on while the PG was asked; look at it again');
  }
  switch (resolution) {
    case 'write-off':
      return planWriteOff(order, attempt, payment, context);
    case 'approve':
      return planApproval(order, attempt, payment, context);
    case 'cancel':
      return planCancel(order, attempt, payment, context);
    default:
      return resolution satisfies never;
  }
}

/** What is under way to undo what the exception is about, besides its own attempt. */
function otherUndoing(
  attempt: LockedAttempt,
  attempts: readonly LockedAttempt[],
): LockedAttempt | undefined {
  const approval = approvalBehind(attempt, attempts);
  if (approval === null) return undefined;
  return openUndoingsOf(approval, attempts).find(({ id }) => id !== attempt.id);
}

function beingGivenBack({ operation, number, state }: LockedAttempt): string {
  const where = state === 'UNKNOWN' ? '; resolve its own exception if it has one' : '';
  return `the capture is being given back by ${operation} ${number} (${state})${where}`;
}

/** What ends an attempt, and with it what its payment or its cancel waits for. */
const ENDS: ReadonlySet<Decision['kind']> = new Set([
  'DECLINE',
  'GIVE_UP',
  'UNDONE',
  'NOTHING_TO_UNDO',
  'CANCELLED',
  'DEPOSIT_CANCELLED',
]);

/**
 * Where the PG surely says how it ended, that is recorded, so that nobody waits for ever. A
 * reversal that was not done is only left, since the capture is what is written off.
 */
function planWriteOff(
  { finding }: ResolutionOrder,
  attempt: LockedAttempt,
  payment: LockedPayment,
  context: PlanContext,
): PlannedResolution {
  const decided = finding?.verdict.decision.kind;
  const isLeft = decided === 'GIVE_UP' && roleOf(attempt) === 'REVERSAL';
  if (finding === null || decided === undefined || !ENDS.has(decided) || isLeft) {
    return { kind: 'DONE', plan: null, closes: true, takes: null };
  }
  const planned = planAsUsual(finding.verdict, payment, context);
  if (attempt.operation !== 'APPROVE' || planned.kind === 'REFUSED') return planned;
  return planned.plan?.outcome?.kind === 'FAILED'
    ? planned
    : refuse('the payment gets no outcome by it yet; look at it again');
}

function planApproval(
  order: ResolutionOrder,
  attempt: LockedAttempt,
  payment: LockedPayment,
  context: PlanContext,
): PlannedResolution {
  const { finding } = order;
  if (payment.hasOutcome) return refuse('the payment has its outcome already');
  if (attempt.operation !== 'APPROVE') {
    const what = `${attempt.operation} ${attempt.number}`;
    return refuse(`${what} of it may have left and still undo it: have it given back instead`);
  }
  if (attempt.state !== 'UNKNOWN') {
    return refuse(`the attempt is no approval of unknown outcome: it is ${attempt.state}`);
  }
  const held = heldBy(order);
  if (typeof held === 'string') return refuse(held);
  if (finding?.verdict.decision.kind !== 'APPROVE') {
    return refuse(`the PG proves no capture of ours: ${finding?.said}`);
  }
  const planned = planAsUsual(finding.verdict, payment, context);
  if (planned.kind === 'REFUSED') return planned;
  if (planned.plan?.outcome?.kind !== 'APPROVED') {
    return refuse('a net-cancel of it may have left and still undo it: have it given back instead');
  }
  const { pgTransactionId } = finding.verdict.decision.payment;
  return { ...planned, takes: { attemptId: attempt.id, pgTransactionId } };
}

function planCancel(
  order: ResolutionOrder,
  attempt: LockedAttempt,
  payment: LockedPayment,
  context: PlanContext,
): PlannedResolution {
  const role = roleOf(attempt);
  const { finding } = order;
  const decided = finding?.verdict.decision.kind;
  const isOpen = attempt.state === 'UNKNOWN';
  switch (role) {
    case 'CANCEL':
    case 'REVERSAL':
    case 'DEPOSIT_CANCEL': {
      const goesOn = decided !== undefined && GOES_ON.has(decided);
      if (isOpen && finding !== null && goesOn) {
        return planAsUsual(finding.verdict, payment, context);
      }
      const isItsMoney = role === 'DEPOSIT_CANCEL' || (role === 'REVERSAL' && !isOpen);
      if (!isItsMoney) return refuse(whyNotAgain(order, attempt));
      break;
    }
    case 'NET_CANCEL':
      if (isOpen && finding !== null && (decided === 'UNDONE' || decided === 'NOTHING_TO_UNDO')) {
        return planAsUsual(finding.verdict, payment, context);
      }
      break;
    case 'APPROVAL':
      break;
    default:
      role satisfies never;
  }
  const approval = approvalBehind(attempt, payment.attempts);
  if (approval === null) return refuse('there is no approval behind it');
  return planGiveBack(order, { attempt, approval }, payment, context);
}

/** A cancel is found done, or made again by a further attempt. */
const GOES_ON: ReadonlySet<Decision['kind']> = new Set(['CANCELLED', 'DEPOSIT_CANCELLED', 'RETRY']);

function whyNotAgain({ finding }: ResolutionOrder, { number, state }: LockedAttempt): string {
  if (state !== 'UNKNOWN') {
    return `CANCEL ${number} is ${state}, so it is over: settle it with the PG, then write it off`;
  }
  if (finding === null) return 'the PG cannot be asked: its account is gone';
  return `the PG does not show CANCEL ${number} done, nor surely not done: ${finding.said}`;
}

function planAsUsual(
  verdict: Verdict,
  payment: LockedPayment,
  context: PlanContext,
): PlannedResolution {
  const { recorded, plan } = planVerdict(verdict, payment, context);
  if (recorded === 'APPLIED') return { kind: 'DONE', plan, closes: true, takes: null };
  return refuse('the attempt has moved on while the PG was asked; look at it again');
}

function hasMoved(attempts: readonly Attempt[], asked: Attempt): boolean {
  const now = attempts.find(({ id }) => id === asked.id);
  return (
    now?.state !== asked.state ||
    now.resendCount !== asked.resendCount ||
    now.inquiryCount !== asked.inquiryCount ||
    now.leaseOwner !== asked.leaseOwner
  );
}
