import type { Attempt } from '../attempts/attempt.ts';
import {
  type Decision,
  type ExceptionKind,
  failureOf,
  type ProvenPayment,
} from '../decisions/decision.ts';
import { failedEvent } from '../results/events.ts';
import { type LockedAttempt, type LockedPayment, Plan, type PlanContext } from '../results/plan.ts';
import { planVerdict } from '../results/plan-verdict.ts';
import { isReversedByAnother, startReversal } from '../results/reverse.ts';
import type { Verdict } from '../results/verdict.ts';
import { type Resolution, TELL_OF_CAPTURE } from './resolution.ts';

/** What the PG has just said about the attempt of an exception. */
export interface Finding {
  /** The attempt as it was when the PG was asked. */
  readonly asked: Attempt;
  readonly verdict: Verdict;
  /** In words, for the operator. */
  readonly said: string;
}

export interface ResolutionOrder {
  readonly resolution: Resolution;
  readonly kind: string;
  readonly attemptId: string;
  /** The PG's transaction that the operator means; null for any. */
  readonly pgTransactionId: string | null;
  /** Null where the PG was not asked. */
  readonly finding: Finding | null;
}

export type PlannedResolution =
  | { readonly kind: 'REFUSED'; readonly reason: string }
  /** `plan` is null where nothing but the exception changes. */
  | { readonly kind: 'DONE'; readonly plan: Plan | null; readonly closes: boolean };

/** Decides what a resolution changes, given the payment as it is under lock. Pure. */
export function planResolution(
  order: ResolutionOrder,
  payment: LockedPayment,
  context: PlanContext,
): PlannedResolution {
  const attempt = payment.attempts.find(({ id }) => id === order.attemptId);
  if (!attempt) throw new Error(`there is no attempt ${order.attemptId} of the exception`);
  if (isBeingReversed(attempt, payment)) {
    return refuse('the capture is being given back; the exception closes when that is done');
  }
  if (order.finding !== null && hasMoved(attempt, order.finding.asked)) {
    return refuse('the attempt has moved on while the PG was asked; look at it again');
  }
  switch (order.resolution) {
    case 'write-off':
      return planWriteOff(order, attempt, payment, context);
    case 'approve':
      return planApproval(order, attempt, payment, context);
    case 'cancel':
      return planCancel(order, attempt, payment, context);
    default:
      return order.resolution satisfies never;
  }
}

/** Whether an approval waits for its outcome, so that what the PG says now may give it one. */
export function isUndecided(attempt: Attempt, hasOutcome: boolean): boolean {
  return attempt.operation === 'APPROVE' && attempt.state === 'UNKNOWN' && !hasOutcome;
}

/** Where the PG surely holds nothing, the payment gets the failure that it waits for. */
function planWriteOff(
  { finding }: ResolutionOrder,
  attempt: LockedAttempt,
  payment: LockedPayment,
  context: PlanContext,
): PlannedResolution {
  const decided = finding?.verdict.decision.kind;
  const isNothingHeld = decided === 'DECLINE' || decided === 'GIVE_UP';
  if (finding === null || !isNothingHeld || !isUndecided(attempt, payment.hasOutcome)) {
    return { kind: 'DONE', plan: null, closes: true };
  }
  const planned = planAsUsual(finding.verdict, payment, context);
  const isFailed = planned.kind === 'DONE' && planned.plan?.outcome?.kind === 'FAILED';
  if (planned.kind === 'REFUSED' || isFailed) return planned;
  return refuse('the payment gets no outcome by it yet; look at it again');
}

function planApproval(
  { finding, pgTransactionId }: ResolutionOrder,
  attempt: LockedAttempt,
  payment: LockedPayment,
  context: PlanContext,
): PlannedResolution {
  if (payment.hasOutcome) return refuse('the payment has its outcome already');
  if (!isUndecided(attempt, payment.hasOutcome)) {
    return refuse(`the attempt is no approval of unknown outcome: it is ${attempt.state}`);
  }
  const capture = captureOf(finding, pgTransactionId);
  if (typeof capture === 'string' || finding === null) return refuse(String(capture));
  const planned = planAsUsual(finding.verdict, payment, context);
  const isApproved = planned.kind === 'DONE' && planned.plan?.outcome?.kind === 'APPROVED';
  if (planned.kind === 'REFUSED' || isApproved) return planned;
  return refuse('a net-cancel of it may have left and still undo it: have it given back instead');
}

function planAsUsual(
  verdict: Verdict,
  payment: LockedPayment,
  context: PlanContext,
): PlannedResolution {
  const { recorded, plan } = planVerdict(verdict, payment, context);
  if (recorded === 'APPLIED') return { kind: 'DONE', plan, closes: true };
  return refuse('the attempt has moved on while the PG was asked; look at it again');
}

/**
 * The reversal of ADR 0020. A payment without an outcome fails first: of what is being given back
 * nobody is told that it is approved.
 */
function planCancel(
  { kind, finding, pgTransactionId }: ResolutionOrder,
  attempt: LockedAttempt,
  payment: LockedPayment,
  context: PlanContext,
): PlannedResolution {
  const reason = whyNoCancel(kind as ExceptionKind, attempt, payment);
  if (reason !== null) return refuse(reason);
  const capture = captureOf(finding, pgTransactionId);
  if (typeof capture === 'string') return refuse(capture);
  const plan = new Plan(payment, context);
  if (isReversedByAnother(attempt, capture.pgTransactionId, plan)) {
    return refuse(`${capture.pgTransactionId} is given back by another attempt of the payment`);
  }
  // The source of an open attempt is claimed still, and stays so until the money is back.
  const isOpen = attempt.state === 'UNKNOWN';
  if (!isOpen) plan.reclaimed.push(attempt);
  const changes = isOpen ? ({ state: 'NOT_SENT', failure: GIVEN_BACK } as const) : {};
  startReversal(attempt, capture, plan, changes);
  if (!payment.hasOutcome) {
    plan.conclude(attempt, 'FAILED', (event) => failedEvent(attempt, GIVEN_BACK, event));
  }
  return { kind: 'DONE', plan, closes: false };
}

const GIVEN_BACK = failureOf(
  'OUTCOME_UNKNOWN',
  'the outcome was not known in time; an operator has the capture given back',
);

function whyNoCancel(
  kind: ExceptionKind,
  attempt: LockedAttempt,
  { attempts, hasOutcome }: LockedPayment,
): string | null {
  const isApproved = attempts.some(
    ({ operation, state }) => operation === 'APPROVE' && state === 'APPROVED',
  );
  if (isApproved) {
    return 'the payment is approved: cancel it through payment-api, as an operator (origin OPERATOR)';
  }
  const tellsOfCapture = TELL_OF_CAPTURE.some((one) => one === kind);
  if (!tellsOfCapture || attempt.operation !== 'APPROVE') {
    return `${kind} of ${attempt.operation} ${attempt.number} tells of no capture of ours to give back`;
  }
  if (attempt.state === 'REVERSED') return 'the capture has been given back';
  if (attempt.state === 'READY' || attempt.state === 'CALLING') {
    return `the attempt is ${attempt.state}: its answer is on its way`;
  }
  if (!hasOutcome && attempt.state !== 'UNKNOWN') {
    return `the payment has no outcome and goes on by another attempt than this one (${attempt.state})`;
  }
  return null;
}

/** The capture that the PG proves; else why it proves none. */
function captureOf(finding: Finding | null, meant: string | null): ProvenPayment | string {
  if (finding === null) return 'the PG cannot be asked: its account or its seal key is gone';
  const { decision } = finding.verdict;
  if (decision.kind !== 'APPROVE') return `the PG proves no capture of ours: ${finding.said}`;
  const { pgTransactionId } = decision.payment;
  if (meant !== null && meant !== pgTransactionId) {
    return `the PG shows transaction ${pgTransactionId}, not ${meant}`;
  }
  return decision.payment;
}

/** In words what an answer was taken for. */
export function inWords(decision: Decision): string {
  if ('reason' in decision) return decision.reason;
  return 'failure' in decision ? `${decision.failure.code}, ${decision.failure.message}` : '';
}

function isBeingReversed({ id }: Attempt, { attempts }: LockedPayment): boolean {
  return attempts.some(
    ({ reversesId, state }) =>
      reversesId === id && (state === 'READY' || state === 'CALLING' || state === 'UNKNOWN'),
  );
}

function hasMoved(now: Attempt, asked: Attempt): boolean {
  return (
    now.state !== asked.state ||
    now.resendCount !== asked.resendCount ||
    now.inquiryCount !== asked.inquiryCount ||
    now.leaseOwner !== asked.leaseOwner
  );
}

function refuse(reason: string): PlannedResolution {
  return { kind: 'REFUSED', reason };
}
