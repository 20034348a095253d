import type { Failure } from '@mini-pg/domain';
import type { Attempt } from '../attempts/attempt.ts';
import { failureOf } from '../decisions/decision.ts';
import { cancelFailedEvent, failedEvent } from '../results/events.ts';
import { type LockedPayment, Plan, type PlanContext } from '../results/plan.ts';
import type { Cancel } from './cancel.ts';

const CANCELLED_BEFORE_APPROVAL = failureOf(
  'CANCELLED_BEFORE_APPROVAL',
  'it was cancelled before the payment gateway was called',
);

const PAYMENT_FAILED = failureOf('PAYMENT_FAILED', 'the payment that was to be cancelled failed');

/**
 * Decides what the waiting cancels of a payment may do now, given the payment as it is under lock.
 * Pure. A payment whose approval was not called never will be; one without an outcome keeps them
 * waiting; after a failure they fail; after an approval they run one by one.
 */
export function planCancels(payment: LockedPayment, context: PlanContext): Plan {
  const plan = new Plan(payment, context);
  const waiting = payment.cancels.filter(({ state }) => state === 'WAITING');
  const [first] = waiting;
  if (!first) return plan;
  const approvals = payment.attempts.filter(({ operation }) => operation === 'APPROVE');
  const approved = approvals.find(({ state }) => state === 'APPROVED');
  const ready = approvals.find(({ state }) => state === 'READY');
  if (approved) {
    startNext(waiting, approved, plan);
  } else if (payment.hasOutcome) {
    for (const cancel of waiting) fail(cancel, PAYMENT_FAILED, plan);
  } else if (ready) {
    neverCall(ready, approvals, waiting, plan);
  }
  return plan;
}

/**
 * The approval is not called any more. If no earlier one of the payment reached the PG, the first
 * cancel is what became of it; else the payment fails of what the last one failed of.
 */
function neverCall(
  ready: Attempt,
  approvals: readonly Attempt[],
  waiting: readonly Cancel[],
  plan: Plan,
): void {
  const tried = approvals.filter(({ reached }) => reached);
  const last = tried.toSorted((one, other) => other.number - one.number)[0]?.failure;
  const failure = last ?? CANCELLED_BEFORE_APPROVAL;
  plan.patch(ready, null, { state: 'NOT_SENT', failure });
  plan.released.push(ready);
  plan.conclude(ready, 'FAILED', (context) => failedEvent(ready, failure, context));
  const [first, ...others] = waiting;
  const failing = last === undefined || last === null ? others : waiting;
  if (first && failing === others) plan.moveCancel(first, { state: 'DONE' }, null);
  for (const cancel of failing) fail(cancel, PAYMENT_FAILED, plan);
}

/** Starts the first cancel that fits the balance; what does not fit fails without a call. */
function startNext(waiting: readonly Cancel[], approval: Attempt, plan: Plan): void {
  if (plan.payment.cancels.some(({ state }) => state === 'STARTED')) return;
  const balance = balanceOf(approval, plan.payment.cancels);
  for (const cancel of waiting) {
    const amount = cancel.amount ?? balance;
    if (amount > 0n && amount <= balance) {
      start(cancel, approval, amount, balance, plan);
      return;
    }
    const reason = `${balance} is left of the payment, less than was to be cancelled`;
    fail(cancel, failureOf('AMOUNT_MISMATCH', reason), plan);
  }
}

/** What is left of an approval: the least that a cancel which was done has left. */
export function balanceOf({ amount }: Attempt, cancels: readonly Cancel[]): bigint {
  return cancels.reduce(
    (least, { remainingAfter }) =>
      remainingAfter !== null && remainingAfter < least ? remainingAfter : least,
    amount,
  );
}

function start(
  cancel: Cancel,
  approval: Attempt,
  amount: bigint,
  remainingBefore: bigint,
  plan: Plan,
): void {
  const { id, taxFreeAmount, reason } = cancel;
  plan.moveCancel(cancel, { state: 'STARTED', amount, remainingBefore }, null);
  plan.further.push({
    id: plan.newId(),
    of: approval.id,
    operation: 'CANCEL',
    number: 1,
    cancelReason: reason,
    pgPaymentId: approval.pgPaymentId,
    cancel: { cancelId: id, reversesId: null, amount, taxFreeAmount, remainingBefore },
  });
}

function fail(cancel: Cancel, failure: Failure, plan: Plan): void {
  plan.moveCancel(cancel, { state: 'FAILED' }, (context) =>
    cancelFailedEvent(cancel, failure, context),
  );
}
