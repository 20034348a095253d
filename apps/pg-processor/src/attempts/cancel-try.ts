import type { Attempt } from './attempt.ts';

/** What the attempts of one cancel, or of one reversal, have in common. Amounts are minor units. */
export interface CancelTry {
  /** The cancel that it is of; null for a reversal. */
  readonly cancelId: string | null;
  /** The approval that it gives back; null for a cancel. */
  readonly reversesId: string | null;
  readonly amount: bigint;
  readonly taxFreeAmount: bigint;
  readonly remainingBefore: bigint;
}

/** Null for approvals, and for cancels that refuse a deposit: those name no amount. */
export function cancelTryOf(attempt: Attempt): CancelTry | null {
  const { cancelId, reversesId, cancelAmount, cancelRemainingBefore } = attempt;
  if (cancelAmount === null || cancelRemainingBefore === null) return null;
  return {
    cancelId,
    reversesId,
    amount: cancelAmount,
    taxFreeAmount: attempt.cancelTaxFreeAmount ?? 0n,
    remainingBefore: cancelRemainingBefore,
  };
}
