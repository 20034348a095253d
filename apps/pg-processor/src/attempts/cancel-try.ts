import type { Attempt } from './attempt.ts';

/** What the attempts of one cancel have in common. Amounts are minor units. */
export interface CancelTry {
  /** Of the cancel. */
  readonly id: string;
  readonly amount: bigint;
  readonly taxFreeAmount: bigint;
  readonly remainingBefore: bigint;
}

/** @throws Error for an attempt of no cancel; the database has none with a part of it only. */
export function cancelTryOf(attempt: Attempt): CancelTry {
  const { cancelId, cancelAmount, cancelTaxFreeAmount, cancelRemainingBefore } = attempt;
  if (cancelId === null || cancelAmount === null || cancelRemainingBefore === null) {
    throw new Error(`attempt ${attempt.id} is of no cancel`);
  }
  return {
    id: cancelId,
    amount: cancelAmount,
    taxFreeAmount: cancelTaxFreeAmount ?? 0n,
    remainingBefore: cancelRemainingBefore,
  };
}
