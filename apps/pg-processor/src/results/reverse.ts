import type { PgPayment } from '@mini-pg/pg-adapters';
import type { Attempt } from '../attempts/attempt.ts';
import type { ProvenPayment } from '../decisions/decision.ts';
import type { AttemptPatch, Plan } from './plan.ts';

const REVERSAL_REASON = 'The payment had failed before it was approved';

/**
 * A capture of a closed attempt. A person is told, and where nobody was told that the payment is
 * approved the money is given back by an attempt of its own; the source is claimed for as long, so
 * that it is not what another payment captures with it.
 */
export function reverse(attempt: Attempt, capture: ProvenPayment, plan: Plan): void {
  const { pgTransactionId } = capture;
  if (isReversedByAnother(attempt, pgTransactionId, plan)) return;
  plan.open(attempt, 'LATE_CAPTURE', `captured by ${pgTransactionId} after it was closed`);
  if (!mayReverse(attempt, plan)) return;
  plan.reclaimed.push(attempt);
  startReversal(attempt, capture, plan, {});
}

/** Keeps the proof of the capture with its attempt, and asks for a call that gives it back. */
export function startReversal(
  attempt: Attempt,
  capture: PgPayment,
  plan: Plan,
  changes: Partial<AttemptPatch>,
): void {
  const { pgPaymentId, methodDetail, approvedAt } = capture;
  const pgTransactionId = capture.pgTransactionId ?? attempt.pgTransactionId;
  const proof = { pgPaymentId, pgTransactionId, methodDetail, approvedAt };
  plan.patch(attempt, null, { ...proof, ...changes });
  giveBack(attempt, pgPaymentId, REVERSAL_REASON, plan, {
    captured: capture.amount,
    balance: capture.balanceAmount,
  });
}

/** Amounts of a capture at the PG, in minor units. */
interface HeldMoney {
  readonly captured: bigint;
  /** What is left of it. */
  readonly balance: bigint;
}

/** An attempt of its own cancels all that is left of a capture that nobody was told of. */
export function giveBack(
  attempt: Attempt,
  pgPaymentId: string,
  cancelReason: string,
  plan: Plan,
  { captured, balance }: HeldMoney = { captured: attempt.amount, balance: attempt.amount },
): void {
  plan.reversals.push('STARTED');
  const reversesId = attempt.id;
  const taxFreeAmount = attempt.taxFreeAmount < balance ? attempt.taxFreeAmount : balance;
  const cancels = plan.payment.attempts.filter(
    ({ operation, cancelId }) => operation === 'CANCEL' && cancelId === null,
  );
  plan.further.push({
    id: plan.newId(),
    of: attempt.id,
    operation: 'CANCEL',
    number: cancels.length + 1,
    cancelReason,
    pgPaymentId,
    cancel: {
      cancelId: null,
      reversesId,
      amount: balance,
      taxFreeAmount,
      remainingBefore: balance,
    },
    ...(captured === attempt.amount ? {} : { captured }),
  });
}

/** Attempts of one payment share their source, so each of them is shown the same capture. */
export function isReversedByAnother(
  { id }: Attempt,
  pgTransactionId: string,
  { payment }: Plan,
): boolean {
  const reversed = new Set(payment.attempts.map(({ reversesId }) => reversesId));
  return payment.attempts.some(
    (other) =>
      other.id !== id && other.pgTransactionId === pgTransactionId && reversed.has(other.id),
  );
}

/** Only what was never reported, and once: what the PG refused to give back is for a person. */
function mayReverse({ id }: Attempt, { payment }: Plan): boolean {
  const isReported = payment.attempts.some(
    ({ operation, state }) => operation === 'APPROVE' && state === 'APPROVED',
  );
  // A net-cancel that found nothing to undo leaves the capture to be given back.
  const isTried = payment.attempts.some(
    ({ reversesId, operation, state }) =>
      reversesId === id && (operation === 'CANCEL' || state === 'APPROVED'),
  );
  return payment.hasOutcome && !isReported && !isTried;
}
