import { cancelTryOf } from '../attempts/cancel-try.ts';
import type { CancelOrder } from '../decisions/decide-cancel.ts';
import type { OpenedAttempt } from './pg-calls.ts';

/** What an attempt of a cancel or a reversal asks for; null for all other attempts. */
export function cancelOrderOf({ attempt, expected }: OpenedAttempt): CancelOrder | null {
  const asked = cancelTryOf(attempt);
  if (asked === null) return null;
  const { amount, remainingBefore } = asked;
  return { expected, amount, remainingBefore };
}
