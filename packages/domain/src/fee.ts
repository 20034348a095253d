import type { VAT_MODES } from './merchant.ts';

const PPM = 1_000_000n;

/** How a line's fee is computed: a snapshot of the merchant's terms. Amounts in minor units. */
export interface FeePolicy {
  readonly feePpm: bigint;
  readonly fixedFee: bigint;
  readonly vatMode: (typeof VAT_MODES)[number];
}

/** A line of a statement: `net = amount - fee - vat`. */
export interface FeeLine {
  readonly amount: bigint;
  readonly fee: bigint;
  readonly vat: bigint;
  readonly net: bigint;
}

/**
 * Fee and VAT of one payment (docs/reference/settlement-rules.md): the fee is floored, the VAT
 * rounded half up; in INCLUSIVE mode the rate covers both and the fee is what the VAT leaves.
 *
 * @throws RangeError on a negative amount: cancels use {@link cancelLine}.
 */
export function paymentLine(amount: bigint, policy: FeePolicy): FeeLine {
  if (amount < 0n) throw new RangeError('a fee is computed on an amount of 0 or more');
  const { fee, vat } = feeOf(amount, policy);
  return { amount, fee, vat, net: amount - fee - vat };
}

/**
 * The line of a cancel by the remaining basis (docs/reference/settlement-rules.md): what the fee
 * of the remainder falls by is returned, so any sequence of cancels returns exactly the original fee.
 */
export function cancelLine(
  remainingBefore: bigint,
  remainingAfter: bigint,
  policy: FeePolicy,
): FeeLine {
  if (remainingAfter < 0n || remainingAfter >= remainingBefore) {
    throw new RangeError('a cancel lowers what remains, to 0 at the least');
  }
  const before = feeOf(remainingBefore, policy);
  const after = feeOf(remainingAfter, policy);
  const amount = remainingAfter - remainingBefore;
  const fee = after.fee - before.fee;
  const vat = after.vat - before.vat;
  return { amount, fee, vat, net: amount - fee - vat };
}

function feeOf(base: bigint, policy: FeePolicy): { fee: bigint; vat: bigint } {
  if (base === 0n) return { fee: 0n, vat: 0n };
  const charged = (base * policy.feePpm) / PPM + policy.fixedFee;
  if (policy.vatMode === 'EXCLUSIVE') {
    return { fee: charged, vat: (2n * charged + 10n) / 20n };
  }
  const vat = (2n * charged + 11n) / 22n;
  return { fee: charged - vat, vat };
}
