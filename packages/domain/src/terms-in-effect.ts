import type { BusinessDate } from './business-date.ts';
import type { FeePolicy } from './fee.ts';
import type { Terms } from './merchant.ts';

/**
 * The terms that hold on a business date: those with the latest `from` that is not after it.
 * Undefined when all begin later: that is for the caller to hold or refuse, never a fee of zero
 * (docs/reference/settlement-rules.md).
 */
export function termsInEffect(terms: readonly Terms[], date: BusinessDate): Terms | undefined {
  let latest: Terms | undefined;
  for (const candidate of terms) {
    if (candidate.from > date) continue;
    if (latest === undefined || candidate.from > latest.from) latest = candidate;
  }
  return latest;
}

/** The fee policy that a line keeps as its snapshot of the terms. */
export function feePolicyOf(terms: Terms): FeePolicy {
  return {
    feePpm: BigInt(terms.feePpm),
    fixedFee: BigInt(terms.fixedFee),
    vatMode: terms.vatMode,
  };
}
