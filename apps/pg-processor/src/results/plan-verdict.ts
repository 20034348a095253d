import type { Decision } from '../decisions/decision.ts';
import { applyCancelDecision } from './apply-cancel-decision.ts';
import { applyDecision } from './apply-decision.ts';
import { applyNetCancelDecision } from './apply-net-cancel-decision.ts';
import { applyReversalDecision } from './apply-reversal-decision.ts';
import { type LockedAttempt, type LockedPayment, Plan, type PlanContext } from './plan.ts';
import { reverse } from './reverse.ts';
import { approvalOf } from './start-net-cancel.ts';
import type { Recorded, Verdict, VerdictStep } from './verdict.ts';

export interface PlannedVerdict {
  readonly recorded: Recorded;
  readonly plan: Plan;
}

/**
 * Decides what a verdict changes, given the payment as it is under lock. Pure. A verdict that comes
 * late is applied only where it still says something true; one that contradicts what is recorded
 * becomes an exception, never a change.
 */
export function planVerdict(
  verdict: Verdict,
  payment: LockedPayment,
  context: PlanContext,
): PlannedVerdict {
  const plan = new Plan(payment, context);
  const attempt = payment.attempts.find(({ id }) => id === verdict.attemptId);
  if (!attempt) throw new Error(`there is no attempt ${verdict.attemptId} to record a result of`);
  const standing = standingOf(verdict, attempt);
  switch (standing) {
    case 'APPLIES':
      apply(verdict, attempt, plan);
      return { recorded: 'APPLIED', plan };
    case 'CLOSED':
      return { recorded: compareWithRecord(verdict.decision, attempt, plan), plan };
    case 'SUPERSEDED':
      keepAnswered(verdict, attempt, plan);
      return { recorded: 'SUPERSEDED', plan };
    default:
      return standing satisfies never;
  }
}

function apply(verdict: Verdict, attempt: LockedAttempt, plan: Plan): void {
  if (attempt.operation === 'NET_CANCEL') applyNetCancelDecision(verdict, attempt, plan);
  else if (attempt.cancelId !== null) applyCancelDecision(verdict, attempt, plan);
  else if (attempt.reversesId !== null) applyReversalDecision(verdict, attempt, plan);
  else applyDecision(verdict, attempt, plan);
}

/** Steps that learnt nothing from the PG: they only say that something did not happen. */
const WITHOUT_EVIDENCE: ReadonlySet<VerdictStep> = new Set([
  'LEASE_OVER',
  'NOT_CALLED',
  'OVERDUE',
  'NOT_ADMITTED',
]);

type Standing = 'APPLIES' | 'CLOSED' | 'SUPERSEDED';

/** Whether a verdict still meets the attempt in the state that it was made for. */
function standingOf(verdict: Verdict, attempt: LockedAttempt): Standing {
  switch (attempt.state) {
    case 'READY':
      return verdict.step === 'NOT_CALLED' && isStillTrue(verdict.decision, attempt)
        ? 'APPLIES'
        : 'SUPERSEDED';
    case 'CALLING':
      if (verdict.step === 'LEASE_OVER') {
        return (attempt.leaseLeftMs ?? 0) < 0 ? 'APPLIES' : 'SUPERSEDED';
      }
      return verdict.step === 'CALL' && verdict.owner === attempt.leaseOwner
        ? 'APPLIES'
        : 'SUPERSEDED';
    case 'UNKNOWN':
      return standingWhileUnknown(verdict, attempt);
    case 'APPROVED':
    case 'DECLINED':
    case 'NOT_SENT':
    case 'REVERSED':
      return WITHOUT_EVIDENCE.has(verdict.step) ? 'SUPERSEDED' : 'CLOSED';
    default:
      return attempt.state satisfies never;
  }
}

/** The reason for which an attempt was not to be called, read again under lock. */
function isStillTrue(decision: Decision, attempt: LockedAttempt): boolean {
  if (decision.kind !== 'GIVE_UP') return false;
  if (decision.failure.code === 'SOURCE_ALREADY_USED') return attempt.sourceTaken;
  return attempt.untilExpiryMs !== null && attempt.untilExpiryMs <= 0;
}

/** What the PG has shown stays true, however late it is told. */
const EVIDENCE: ReadonlySet<Decision['kind']> = new Set(['APPROVE', 'CANCELLED', 'UNDONE']);

/**
 * A call whose lease is over and an inquiry that another one overtook are still evidence of a
 * capture or a cancel, and of a refusal as long as no bytes were sent again in between.
 */
function standingWhileUnknown(verdict: Verdict, attempt: LockedAttempt): Standing {
  const { step, decision } = verdict;
  if (step === 'LEASE_OVER' || step === 'NOT_CALLED') return 'SUPERSEDED';
  if (step === 'FOLLOW_UP' || step === 'OVERDUE') return 'APPLIES';
  if (step === 'NOT_ADMITTED') return mayBeGivenUp(attempt) ? 'APPLIES' : 'SUPERSEDED';
  if (step !== 'CALL' && verdict.owner === attempt.leaseOwner) return 'APPLIES';
  if (EVIDENCE.has(decision.kind)) return 'APPLIES';
  const isLast = attempt.resendCount === 0 || step === 'INQUIRY';
  const isRefusal = decision.kind === 'DECLINE' || decision.kind === 'CANCEL_REFUSED';
  return isRefusal && isLast ? 'APPLIES' : 'SUPERSEDED';
}

/** Surely not executed, and nobody is about to find out more. */
function mayBeGivenUp({ notExecuted, leaseLeftMs }: LockedAttempt): boolean {
  return notExecuted && (leaseLeftMs ?? 0) <= 0;
}

/** An answer came after all, so the same bytes may not be sent again. */
function keepAnswered(verdict: Verdict, attempt: LockedAttempt, plan: Plan): void {
  if (attempt.state !== 'UNKNOWN' || attempt.answered || !verdict.answered) return;
  plan.answered.push(attempt.id);
}

function compareWithRecord(decision: Decision, attempt: LockedAttempt, plan: Plan): Recorded {
  switch (decision.kind) {
    case 'APPROVE': {
      const { pgTransactionId } = decision.payment;
      if (attempt.state !== 'APPROVED' && attempt.state !== 'REVERSED') {
        reverse(attempt, decision.payment, plan);
      } else if (attempt.pgTransactionId !== pgTransactionId) {
        plan.open(attempt, 'CONFLICTING_RESULT', `captured again, by ${pgTransactionId}`);
      }
      return 'ALREADY_APPLIED';
    }
    case 'DECLINE':
    case 'GIVE_UP':
    case 'RETRY':
      if (attempt.state === 'APPROVED' && attempt.operation === 'APPROVE') {
        const { code } = decision.failure;
        plan.open(attempt, 'CONFLICTING_RESULT', `${code} after it was recorded as approved`);
      }
      return 'ALREADY_APPLIED';
    case 'CANCELLED': {
      const { pgTransactionId } = decision.cancel;
      if (attempt.state !== 'APPROVED') {
        plan.open(
          attempt,
          'CANCELLED_AT_PG',
          `cancelled by ${pgTransactionId} after it was closed`,
        );
      } else if (attempt.pgTransactionId !== pgTransactionId) {
        plan.open(attempt, 'CONFLICTING_RESULT', `cancelled again, by ${pgTransactionId}`);
      }
      return 'ALREADY_APPLIED';
    }
    case 'CANCEL_REFUSED':
      if (attempt.state === 'APPROVED') {
        const { code } = decision.failure;
        plan.open(attempt, 'CONFLICTING_RESULT', `${code} after it was recorded as cancelled`);
      }
      return 'ALREADY_APPLIED';
    case 'ESCALATE':
      if (attempt.state !== 'APPROVED') plan.open(attempt, decision.exception, decision.reason);
      return 'ALREADY_APPLIED';
    case 'UNDONE':
      if (approvalOf(attempt, plan).state === 'APPROVED') {
        plan.open(attempt, 'CONFLICTING_RESULT', 'undone after it was recorded as approved');
      }
      return 'ALREADY_APPLIED';
    case 'WAIT':
    case 'RESEND':
    case 'NET_CANCEL':
    case 'NOTHING_TO_UNDO':
    case 'REVERSE':
    case 'REFUSE_DEPOSIT':
    case 'DEPOSIT_CANCELLED':
    case 'NOTHING':
      return 'ALREADY_APPLIED';
    default:
      return decision satisfies never;
  }
}
