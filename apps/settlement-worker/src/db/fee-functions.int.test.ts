import { cancelLine, type FeePolicy, paymentLine, VAT_MODES } from '@mini-pg/domain';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Books, createBooks } from '../../test/support/books.ts';

/** Goal: the fee rule in SQL is the rule of packages/domain, over many random rows in one query. */
let books: Books;
beforeAll(async () => {
  books = await createBooks();
});
afterAll(() => books.drop());

const ROWS = 20_000;

interface Charge {
  readonly amount: bigint;
  readonly policy: FeePolicy;
}

async function chargeInSql(charges: readonly Charge[]): Promise<{ fee: bigint; vat: bigint }[]> {
  return books.rows(
    `select fee_supply(charged, vat_mode) as fee, fee_vat(charged, vat_mode) as vat
     from unnest($1::bigint[], $2::int[], $3::bigint[], $4::text[]) with ordinality
       as line (amount, fee_ppm, fixed_fee, vat_mode, position),
       lateral (select fee_charged(amount, fee_ppm, fixed_fee) as charged) as charge
     order by position`,
    [
      charges.map(({ amount }) => amount),
      charges.map(({ policy }) => policy.feePpm),
      charges.map(({ policy }) => policy.fixedFee),
      charges.map(({ policy }) => policy.vatMode),
    ],
  );
}

const charges = fc.record({
  amount: fc.oneof(fc.bigInt(0n, 10n ** 12n), fc.bigInt(0n, 1_000n)),
  policy: fc.record({
    feePpm: fc.bigInt(0n, 1_000_000n),
    fixedFee: fc.oneof(fc.constant(0n), fc.bigInt(0n, 1_000_000_000n)),
    vatMode: fc.constantFrom(...VAT_MODES),
  }),
});

describe('the fee in SQL', () => {
  it('is that of the domain for any amount and terms', async () => {
    const sample = fc.sample(charges, ROWS);
    const found = await chargeInSql(sample);
    const expected = sample.map(({ amount, policy }) => paymentLine(amount, policy));
    expect(found).toEqual(expected.map(({ fee, vat }) => ({ fee, vat })));
  });

  it('of what a cancel leaves gives back what the domain gives back', async () => {
    const sample = fc.sample(charges, ROWS).filter(({ amount }) => amount > 0n);
    const halves = sample.map(({ amount, policy }) => ({ amount: amount / 2n, policy }));
    const [before, after] = [await chargeInSql(sample), await chargeInSql(halves)];
    const found = before.map(({ fee, vat }, n) => ({
      fee: (after[n]?.fee ?? 0n) - fee,
      vat: (after[n]?.vat ?? 0n) - vat,
    }));
    const expected = sample.map(({ amount, policy }) => cancelLine(amount, amount / 2n, policy));
    expect(found).toEqual(expected.map(({ fee, vat }) => ({ fee, vat })));
  });

  it.each([
    [50_000n, 33_000n, 1_650n, 165n],
    [12_345n, 27_500n, 339n, 34n],
    [19_900n, 29_000n, 577n, 58n],
    [999_999n, 33_000n, 32_999n, 3_300n],
    [1_000n, 33_000n, 33n, 3n],
    [100n, 33_000n, 3n, 0n],
    [15n, 33_000n, 0n, 0n],
    [10_000n, 100_000n, 1_000n, 100n],
  ])('of %s at %s ppm is %s with VAT %s', async (amount, feePpm, fee, vat) => {
    const policy: FeePolicy = { feePpm, fixedFee: 0n, vatMode: 'EXCLUSIVE' };
    expect(await chargeInSql([{ amount, policy }])).toEqual([{ fee, vat }]);
  });

  it.each([
    [859_950n, 781_773n, 78_177n],
    [1_492n, 1_356n, 136n],
    [860n, 782n, 78n],
  ])('of %s with VAT included is %s and %s', async (gross, fee, vat) => {
    const policy: FeePolicy = { feePpm: 0n, fixedFee: gross, vatMode: 'INCLUSIVE' };
    expect(await chargeInSql([{ amount: 3_280_000n, policy }])).toEqual([{ fee, vat }]);
  });

  it('is none at all for a VAT mode that is not known, so that no row can be made of it', async () => {
    expect(
      await books.rows(`select fee_supply(100, 'OTHER') as fee, fee_vat(100, 'OTHER') as vat`),
    ).toEqual([{ fee: null, vat: null }]);
  });
});
