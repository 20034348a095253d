import { addDays, cancelLine, type EventOf, type FeePolicy, VAT_MODES } from '@mini-pg/domain';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Books, createBooks } from '../../test/support/books.ts';
import { cancelled, completed } from '../../test/support/events.ts';

const NOON = 'T03:00:00.000Z';
const D = '2026-03-13';

let books: Books;
beforeAll(async () => {
  books = await createBooks();
});
afterAll(() => books.drop());
beforeEach(() => books.clear());

const ITEMS_BY_DATE = `
  select amount, fee, vat, net from settlement_item order by sale_date, kind desc`;

/** The cancels that lower a payment along the given remainders, one a day from D on. */
function cancelsOf(
  payment: EventOf<'payment.completed'>,
  remainders: readonly number[],
): EventOf<'payment.cancelled'>[] {
  return remainders.map((remainingAfter, index) =>
    cancelled(payment, {
      remainingBefore: remainders[index - 1] ?? payment.data.amount,
      remainingAfter,
      cancelledAt: `${addDays(D, index + 1)}${NOON}`,
    }),
  );
}

describe('cancels of a payment whose day was closed', () => {
  it('leave its statement alone and are lines of their own days', async () => {
    const merchantId = await books.addMerchant();
    const payment = completed({ merchantId, amount: 33_333, approvedAt: `${D}${NOON}` });
    await books.store(payment);
    await books.close(D);
    const closed = 'select s::text from settlement s where date = $1';
    const before = await books.rows(closed, [D]);

    await books.store(...cancelsOf(payment, [22_222, 11_111, 0]));
    await books.close(addDays(D, 3));

    expect(await books.rows(closed, [D])).toEqual(before);
    expect(await books.rows(ITEMS_BY_DATE)).toEqual([
      { amount: 33_333n, fee: 1_099n, vat: 110n, net: 32_124n },
      { amount: -11_111n, fee: -366n, vat: -37n, net: -10_708n },
      { amount: -11_111n, fee: -367n, vat: -36n, net: -10_708n },
      { amount: -11_111n, fee: -366n, vat: -37n, net: -10_708n },
    ]);
  });

  it('give a statement that is negative, with the fields of any other', async () => {
    const merchantId = await books.addMerchant();
    const payment = completed({ merchantId, amount: 30_000, approvedAt: `${D}${NOON}` });
    await books.store(payment);
    await books.close(D);
    await books.store(...cancelsOf(payment, [0]));
    await books.close(addDays(D, 1));
    const statements = 'select count, gross, fee, vat, net from settlement order by date';
    expect(await books.rows(statements)).toEqual([
      { count: 1n, gross: 30_000n, fee: 990n, vat: 99n, net: 28_911n },
      { count: 1n, gross: -30_000n, fee: -990n, vat: -99n, net: -28_911n },
    ]);
  });
});

describe('a payment that is cancelled before its day is closed', () => {
  it('keeps both lines, which cancel each other out', async () => {
    const merchantId = await books.addMerchant();
    const payment = completed({ merchantId, amount: 30_000, approvedAt: `${D}${NOON}` });
    const cancelledAt = `${D}${NOON}`;
    const cancel = cancelled(payment, { remainingBefore: 30_000, remainingAfter: 0, cancelledAt });
    await books.store(payment, cancel);
    await books.close(D);
    expect(await books.rows('select count, gross, fee, vat, net from settlement')).toEqual([
      { count: 2n, gross: 0n, fee: 0n, vat: 0n, net: 0n },
    ]);
  });
});

interface Way {
  readonly amount: number;
  readonly cuts: readonly number[];
  readonly feePpm: number;
  readonly fixedFee: number;
  readonly vatMode: FeePolicy['vatMode'];
}

const ways: fc.Arbitrary<Way> = fc.record({
  amount: fc.integer({ min: 1, max: 10_000_000 }),
  cuts: fc.uniqueArray(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 6 }),
  feePpm: fc.integer({ min: 0, max: 200_000 }),
  fixedFee: fc.integer({ min: 0, max: 1_000 }),
  vatMode: fc.constantFrom(...VAT_MODES),
});

/** Strictly falling remainders that end at 0. */
function remaindersOf({ amount, cuts }: Way): number[] {
  const parts = cuts.map((cut) => Math.floor(cut * amount)).filter((rest) => rest < amount);
  return [...new Set([...parts, 0])].sort((a, b) => b - a);
}

describe('any sequence of partial cancels to nothing', () => {
  const WAYS = 300;

  it('returns exactly the fee and the VAT of the payment, line by line as the domain does', async () => {
    const sample = fc.sample(ways, WAYS);
    const expected = new Map<string, FeePolicy>();
    for (const way of sample) {
      const { feePpm, fixedFee, vatMode } = way;
      const merchantId = await books.addMerchant('2026-01-01', { feePpm, fixedFee, vatMode });
      const payment = completed({ merchantId, amount: way.amount, approvedAt: `${D}${NOON}` });
      await books.store(payment, ...cancelsOf(payment, remaindersOf(way)));
      const policy = { feePpm: BigInt(feePpm), fixedFee: BigInt(fixedFee), vatMode };
      expected.set(payment.data.paymentId, policy);
    }
    await books.close(addDays(D, 7));

    expect(
      await books.rows(
        `select payment_id from settlement_item group by payment_id
         having (sum(amount), sum(fee), sum(vat), sum(net)) is distinct from (0, 0, 0, 0)`,
      ),
    ).toEqual([]);
    const lines = await books.rows<CancelRow>(
      `select i.payment_id, i.amount, i.fee, i.vat, i.net, f.remaining_before, f.remaining_after
       from settlement_item i join fact f on f.id = i.id where i.kind = 'CANCEL'`,
    );
    expect(lines.length).toBeGreaterThanOrEqual(WAYS);
    for (const { payment_id, remaining_before, remaining_after, ...line } of lines) {
      const policy = expected.get(payment_id) as FeePolicy;
      expect(line).toEqual(cancelLine(remaining_before, remaining_after, policy));
    }
  });
});

interface CancelRow {
  readonly payment_id: string;
  readonly amount: bigint;
  readonly fee: bigint;
  readonly vat: bigint;
  readonly net: bigint;
  readonly remaining_before: bigint;
  readonly remaining_after: bigint;
}
