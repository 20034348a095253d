import type { PgAnswer, PgPayment } from '@mini-pg/pg-adapters';
import type { Expected } from '../decisions/decision.ts';
import { identityDifferencesOf, provenOf } from '../decisions/matching.ts';

/** What the PG proves to hold, or to have held, of the very payment that an attempt asked for. */
export interface Held {
  /**
   * Of any amount; `balanceAmount` is what is left of it. Its transaction is named while all of it
   * is left: some PGs show that of the last cancel afterwards.
   */
  readonly capture: PgPayment;
  readonly isGivenBack: boolean;
}

/**
 * A capture of the source, the order and the currency that were asked for. Its amount may be
 * another one: that is why it is not approved, and no reason to keep it. Null where nothing of that
 * is proven; what is found by an order number alone proves nothing.
 */
export function heldOf(answer: PgAnswer, expected: Expected): Held | null {
  if (answer.kind !== 'PAYMENT' || expected.pgPaymentId === null) return null;
  const { state, payment } = answer;
  const isOurs =
    identityDifferencesOf(payment, expected).length === 0 && payment.currency === expected.currency;
  if (!isOurs) return null;
  const isLeft =
    state === 'PARTIALLY_CANCELLED' || (state === 'PAID' && provenOf(payment) !== null);
  if (isLeft && payment.balanceAmount > 0n) return { capture: payment, isGivenBack: false };
  const isGone = state === 'CANCELLED' && payment.balanceAmount === 0n;
  return isGone ? { capture: payment, isGivenBack: true } : null;
}
