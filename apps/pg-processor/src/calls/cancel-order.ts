import { cancelTryOf } from '../attempts/cancel-try.ts';
import type { CancelOrder } from '../decisions/decide-cancel.ts';
import type { OpenedAttempt } from './pg-calls.ts';

/** What an attempt of a cancel asks for. @throws Error for an attempt of no cancel */
export function cancelOrderOf({ attempt, expected }: OpenedAttempt): CancelOrder {
  const { amount, remainingBefore } = cancelTryOf(attempt);
  return { expected, amount, remainingBefore };
}
