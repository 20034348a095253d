import {
  addDays,
  cancelLine,
  type DataOf,
  type EventOf,
  type FeePolicy,
  VAT_MODES,
} from '@mini-pg/domain';
import { newId } from '@mini-pg/runtime';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Books, createBooks } from '../../test/support/books.ts';
import { cancelled, completed } from '../../test/support/events.ts';
import { listHeldFacts } from '../facts/held-facts.ts';

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

describe('a cancel that arrives before its payment', () => {
  const MONDAY = '2026-03-16';

  it('waits, dated as it is, until a close that finds its payment', async () => {
    const merchantId = await books.addMerchant();
    const payment = completed({ merchantId, amount: 30_000, approvedAt: `${D}${NOON}` });
    const [cancel] = cancelsOf(payment, [10_000]);
    await books.store(cancel as EventOf<'payment.cancelled'>);

    expect(await books.close('2026-03-14')).toMatchObject({
      days: [{ date: '2026-03-14', statements: 0, factsHeld: 1n }],
    });
    expect(await listHeldFacts(books.pool, { after: undefined, limit: 10 })).toMatchObject([
      { id: cancel?.data.cancelId, reason: 'NO_PAYMENT', saleDate: '2026-03-14', amount: 20_000n },
    ]);

    await books.store(payment);
    expect(await books.close('2026-03-15')).toMatchObject({ days: [{ factsHeld: 0n }] });
    expect(await books.rows(ITEMS_BY_DATE)).toEqual([
      { amount: 30_000n, fee: 990n, vat: 99n, net: 28_911n },
      { amount: -20_000n, fee: -660n, vat: -66n, net: -19_274n },
    ]);
    expect(await listHeldFacts(books.pool, { after: undefined, limit: 10 })).toEqual([]);
  });

  it('is not closed before its payment, whatever the times that the PG gave', async () => {
    const merchantId = await books.addMerchant();
    const payment = completed({ merchantId, amount: 30_000, approvedAt: `${MONDAY}${NOON}` });
    const cancelledAt = `${MONDAY}${NOON}`;
    const cancel = cancelled(payment, { remainingBefore: 30_000, remainingAfter: 0, cancelledAt });
    await books.store({ ...cancel, data: { ...cancel.data, approvedAt: `${D}${NOON}` } });
    await books.store(payment);
    await books.rows(`update fact set occurred_at = $2, sale_date = $3 where id = $1`, [
      cancel.data.cancelId,
      `${D}${NOON}`,
      D,
    ]);
    await books.rows(`update fact_open set sale_date = $2 where fact_id = $1`, [
      cancel.data.cancelId,
      D,
    ]);
    expect(await books.close(D)).toMatchObject({ days: [{ statements: 0, factsHeld: 1n }] });
    await books.close(MONDAY);
    expect(await books.rows('select date, count, net from settlement')).toEqual([
      { date: MONDAY, count: 2n, net: 0n },
    ]);
  });

  it('in test mode neither waits nor is the payment of a live one', async () => {
    const merchantId = await books.addMerchant();
    const payment = completed({ merchantId, livemode: false, approvedAt: `${D}${NOON}` });
    const [cancel] = cancelsOf(payment, [0]);
    const live = { ...cancel?.data, livemode: true, cancelId: newId() };
    await books.store(payment, cancel as EventOf<'payment.cancelled'>, {
      ...(cancel as EventOf<'payment.cancelled'>),
      data: live as DataOf<'payment.cancelled'>,
    });
    expect(await books.close('2026-03-14')).toMatchObject({ days: [{ factsHeld: 1n }] });
    expect(await listHeldFacts(books.pool, { after: undefined, limit: 10 })).toMatchObject([
      { id: live.cancelId, reason: 'NO_PAYMENT' },
    ]);
  });
});

describe('a cancel of a payment that has a line', () => {
  it('is charged back by the terms on that line, whatever became of the terms since', async () => {
    const merchantId = await books.addMerchant();
    const payment = completed({ merchantId, amount: 33_333, approvedAt: `${D}${NOON}` });
    await books.store(payment);
    await books.close(D);
    await books.rows('update merchant_terms set fee_ppm = 1, fixed_fee = 7');
    await books.store(...cancelsOf(payment, [22_222, 0]));
    await books.close('2026-03-15');
    expect(
      await books.rows('select sum(fee)::int8 as fee, sum(vat)::int8 as vat from settlement_item'),
    ).toEqual([{ fee: 0n, vat: 0n }]);
  });
});

describe('a payment and its two cancels', () => {
  it.each(permutationsOf(['payment', 'first', 'second'] as const))(
    'stored as %s, %s, %s with a close after each give the same lines in total',
    async (...order) => {
      const merchantId = await books.addMerchant();
      const payment = completed({ merchantId, amount: 33_333, approvedAt: `${D}${NOON}` });
      const [first, second] = cancelsOf(payment, [22_222, 11_111]);
      const told = { payment, first, second };
      let day = '2026-03-15';
      for (const name of order) {
        const event = told[name] as EventOf<'payment.cancelled' | 'payment.completed'>;
        await books.store(event, event);
        await books.close(day);
        await books.store(event);
        day = addDays(day, 1);
      }
      expect(await books.rows(ITEMS_BY_DATE)).toEqual([
        { amount: 33_333n, fee: 1_099n, vat: 110n, net: 32_124n },
        { amount: -11_111n, fee: -366n, vat: -37n, net: -10_708n },
        { amount: -11_111n, fee: -367n, vat: -36n, net: -10_708n },
      ]);
      expect(await books.rows('select * from fact_open')).toEqual([]);
    },
  );

  it('stored by two instances at once, each in its own order, are three lines', async () => {
    const merchantId = await books.addMerchant();
    const payments = Array.from({ length: 50 }, () =>
      completed({ merchantId, amount: 33_333, approvedAt: `${D}${NOON}` }),
    );
    const events = payments.flatMap((payment) => [payment, ...cancelsOf(payment, [22_222, 0])]);
    await Promise.all([
      books.store(...events),
      books.store(...events.toReversed()),
      ...chunksOf(events, 7).map((chunk) => books.store(...chunk)),
    ]);
    await books.close('2026-03-15');
    expect(
      await books.rows(
        'select count(*), sum(amount)::int8 as amount, sum(fee)::int8 as fee from settlement_item',
      ),
    ).toEqual([{ count: 150n, amount: 0n, fee: 0n }]);
  });

  it('cannot both be taken from the same balance', async () => {
    const payment = completed({ merchantId: newId(), amount: 30_000, approvedAt: `${D}${NOON}` });
    await books.store(payment, ...cancelsOf(payment, [20_000]));
    const second = books.store(...cancelsOf(payment, [10_000]));
    await expect(second).rejects.toHaveProperty('name', 'PoisonError');
  });
});

/** Every order of three. */
function permutationsOf<T>([a, b, c]: readonly [T, T, T]): [T, T, T][] {
  return [
    [a, b, c],
    [a, c, b],
    [b, a, c],
    [b, c, a],
    [c, a, b],
    [c, b, a],
  ];
}

function chunksOf<T>(items: readonly T[], size: number): T[][] {
  return items.flatMap((_, index) =>
    index % size === 0 ? [items.slice(index, index + size)] : [],
  );
}

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
