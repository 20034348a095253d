import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cancelLine, type FeeLine, type FeePolicy, paymentLine } from './fee.ts';
import { VAT_MODES } from './merchant.ts';

const exclusive = (feePpm: bigint, fixedFee = 0n): FeePolicy => ({
  feePpm,
  fixedFee,
  vatMode: 'EXCLUSIVE',
});

/** A fee that covers its own VAT: what is charged is `gross`, whatever the amount. */
const inclusiveOf = (gross: bigint): FeePolicy => ({
  feePpm: 0n,
  fixedFee: gross,
  vatMode: 'INCLUSIVE',
});

const AMOUNT_MAX = 10n ** 12n;
const policies = fc.record({
  feePpm: fc.bigInt(0n, 1_000_000n),
  fixedFee: fc.bigInt(0n, 1_000_000_000n),
  vatMode: fc.constantFrom(...VAT_MODES),
});
const amounts = fc.bigInt(1n, AMOUNT_MAX);

describe('the line of a payment', () => {
  it.each([
    [50_000n, 33_000n, 1_650n, 165n, 48_185n],
    [12_345n, 27_500n, 339n, 34n, 11_972n],
    [19_900n, 29_000n, 577n, 58n, 19_265n],
    [999_999n, 33_000n, 32_999n, 3_300n, 963_700n],
    [1_000n, 33_000n, 33n, 3n, 964n],
    [100n, 33_000n, 3n, 0n, 97n],
    [15n, 33_000n, 0n, 0n, 15n],
    [10_000n, 100_000n, 1_000n, 100n, 8_900n],
  ])('of %s at %s ppm has fee %s, VAT %s, net %s', (amount, feePpm, fee, vat, net) => {
    expect(paymentLine(amount, exclusive(feePpm))).toEqual({ amount, fee, vat, net });
  });

  it.each([
    [5n, 1n],
    [4n, 0n],
    [15n, 2n],
    [349n, 35n],
  ])('rounds the VAT of a fee of %s half up to %s', (fee, vat) => {
    expect(paymentLine(1_000n, exclusive(0n, fee))).toMatchObject({ fee, vat });
  });

  it.each([
    [3_280_000n, 859_950n, 781_773n, 78_177n, 2_420_050n],
    [64_601n, 1_492n, 1_356n, 136n, 63_109n],
    [34_000n, 860n, 782n, 78n, 33_140n],
  ])('of %s with %s, VAT included, splits into %s and %s', (amount, gross, fee, vat, net) => {
    expect(paymentLine(amount, inclusiveOf(gross))).toEqual({ amount, fee, vat, net });
  });

  it('finds the published inclusive fee by its rate', () => {
    const policy: FeePolicy = { feePpm: 23_100n, fixedFee: 0n, vatMode: 'INCLUSIVE' };
    expect(paymentLine(64_601n, policy)).toMatchObject({ fee: 1_356n, vat: 136n });
  });

  it('splits a sale of 15,000 into supply 13,636 and VAT 1,364', () => {
    expect(paymentLine(15_000n, inclusiveOf(15_000n))).toMatchObject({ fee: 13_636n, vat: 1_364n });
  });

  it.each([
    ['영세', 4_000n, 49n, 1_500n, 18n],
    ['중소1', 10_000n, 123n, 7_500n, 92n],
    ['중소2', 11_500n, 141n, 9_000n, 111n],
    ['중소3', 14_500n, 179n, 11_500n, 141n],
  ])('of 12,345 costs a merchant of tier %s its tier', (_tier, credit, fee, check, checkFee) => {
    expect(paymentLine(12_345n, exclusive(credit)).fee).toBe(fee);
    expect(paymentLine(12_345n, exclusive(check)).fee).toBe(checkFee);
  });

  it.each([
    ['the whole price', 50_000n, 1_650n, 165n],
    ['what the PG charged', 40_000n, 1_320n, 132n],
  ])('follows its base: %s', (_base, amount, fee, vat) => {
    expect(paymentLine(amount, exclusive(33_000n))).toMatchObject({ fee, vat });
  });

  it('adds the VAT of ten lines, which is not the VAT of their sum', () => {
    const lines = Array.from({ length: 10 }, () => paymentLine(1_000n, exclusive(33_000n)));
    expect(sum(lines)).toMatchObject({ fee: 330n, vat: 30n });
  });

  it('adds up to the one-day statement of the rules, a cancel among its lines', () => {
    const cancel = cancelLine(30_000n, 20_000n, exclusive(33_000n));
    expect(cancel).toEqual({ amount: -10_000n, fee: -330n, vat: -33n, net: -9_637n });
    const day = [
      paymentLine(50_000n, exclusive(33_000n)),
      paymentLine(12_345n, exclusive(33_000n)),
      paymentLine(19_900n, exclusive(29_000n)),
      paymentLine(1_000n, exclusive(33_000n)),
      cancel,
    ];
    expect(sum(day)).toEqual({ amount: 73_245n, fee: 2_337n, vat: 234n, net: 70_674n });
  });

  it('refuses a negative amount', () => {
    expect(() => paymentLine(-1n, exclusive(0n))).toThrow(RangeError);
  });

  it('always gives out exactly the amount', () => {
    fc.assert(
      fc.property(amounts, policies, (amount, policy) => {
        const line = paymentLine(amount, policy);
        expect(line.net + line.fee + line.vat).toBe(amount);
        expect(line.fee >= 0n && line.vat >= 0n).toBe(true);
      }),
    );
  });

  it('in INCLUSIVE mode charges the rate and no more', () => {
    fc.assert(
      fc.property(amounts, policies, (amount, policy) => {
        const line = paymentLine(amount, { ...policy, vatMode: 'INCLUSIVE' });
        expect(line.fee + line.vat).toBe((amount * policy.feePpm) / 1_000_000n + policy.fixedFee);
      }),
    );
  });
});

describe('the lines of partial cancels', () => {
  it('return fee and VAT by what remains, to the won', () => {
    const policy = exclusive(33_000n);
    expect(paymentLine(33_333n, policy)).toMatchObject({ fee: 1_099n, vat: 110n, net: 32_124n });
    const line = (before: bigint, after: bigint) => cancelLine(before, after, policy);
    expect(line(33_333n, 22_222n)).toEqual({
      amount: -11_111n,
      fee: -366n,
      vat: -37n,
      net: -10_708n,
    });
    expect(line(22_222n, 11_111n)).toMatchObject({ fee: -367n, vat: -36n, net: -10_708n });
    expect(line(11_111n, 0n)).toMatchObject({ fee: -366n, vat: -37n, net: -10_708n });
  });

  it('return a fixed fee with the last won only', () => {
    const policy = exclusive(0n, 300n);
    expect(cancelLine(10_000n, 1n, policy)).toMatchObject({ fee: 0n, vat: 0n });
    expect(cancelLine(1n, 0n, policy)).toMatchObject({ fee: -300n, vat: -30n });
  });

  it.each([
    [1_000n, 1_000n],
    [1_000n, 1_001n],
    [1_000n, -1n],
  ])('refuse to go from %s to %s', (before, after) => {
    expect(() => cancelLine(before, after, exclusive(0n))).toThrow(RangeError);
  });

  it('sum to nothing with their payment, however it is cut', () => {
    const cuts = fc.array(fc.bigInt(1n, AMOUNT_MAX), { maxLength: 20 });
    fc.assert(
      fc.property(amounts, policies, cuts, (amount, policy, cutsOfAny) => {
        const remainders = [...new Set(cutsOfAny.map((cut) => cut % amount))];
        const descending = remainders.filter((r) => r > 0n).sort((a, b) => (a < b ? 1 : -1));
        let remaining = amount;
        const cancels = [...descending, 0n].map((after) => {
          const line = cancelLine(remaining, after, policy);
          remaining = after;
          return line;
        });
        const total = sum([paymentLine(amount, policy), ...cancels]);
        expect(total).toEqual({ amount: 0n, fee: 0n, vat: 0n, net: 0n });
        expect(cancels.every((line) => line.fee <= 0n && line.vat <= 0n)).toBe(true);
      }),
    );
  });
});

function sum(lines: readonly FeeLine[]): FeeLine {
  return lines.reduce((total, line) => ({
    amount: total.amount + line.amount,
    fee: total.fee + line.fee,
    vat: total.vat + line.vat,
    net: total.net + line.net,
  }));
}
