import { addDays, type EventOf, hashItems, paymentLine } from '@mini-pg/domain';
import { newId } from '@mini-pg/runtime';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Books, createBooks, only } from '../../test/support/books.ts';
import { cancelled, completed, merchantUpdated, termsFrom } from '../../test/support/events.ts';
import { eventIdOf } from './event-id.ts';

const NOON = 'T03:00:00.000Z';
const D = '2026-03-13';

let books: Books;
beforeAll(async () => {
  books = await createBooks();
});
afterAll(() => books.drop());
beforeEach(() => books.clear());

const ITEMS = `
  select id, kind, payment_id, merchant_id, order_id, currency, sale_date, amount, fee, vat, net
  from settlement_item order by id`;
const STATEMENTS = `
  select merchant_id, currency, date, count, gross, fee, vat, net, payout_date
  from settlement order by date, gross`;

describe('a day with payments', () => {
  it('is known to the planner when its items are made, though nobody analyzed it', async () => {
    const merchantId = await books.addMerchant();
    const facts = [1, 2, 3].map(() => completed({ merchantId, approvedAt: `${D}${NOON}` }));
    await books.store(...facts);

    await books.close(D);

    const known = `select reltuples::int as rows from pg_class where oid = 'fact'::regclass`;
    expect(await books.rows(known)).toEqual([{ rows: facts.length }]);
  });

  it('gives one item for each fact, and sums of lines as the statement', async () => {
    const merchantId = await books.addMerchant();
    const amounts = [50_000, 12_345, 1_000];
    const payments = amounts.map((amount) =>
      completed({ merchantId, amount, approvedAt: `${D}${NOON}` }),
    );
    await books.store(...payments);

    const result = await books.close(D);

    const items = await books.rows(ITEMS);
    expect(items).toEqual(
      payments
        .map(({ data }) => {
          const policy = { feePpm: 33_000n, fixedFee: 0n, vatMode: 'EXCLUSIVE' } as const;
          return {
            id: data.attemptId,
            kind: 'PAYMENT',
            payment_id: data.paymentId,
            merchant_id: merchantId,
            order_id: 'order-1',
            currency: 'KRW',
            sale_date: D,
            ...paymentLine(BigInt(data.amount), policy),
          };
        })
        .sort((a, b) => (a.id < b.id ? -1 : 1)),
    );
    const totals = { count: 3n, gross: 63_345n, fee: 2_090n, vat: 209n, net: 61_046n };
    expect(await books.rows(STATEMENTS)).toEqual([
      { merchant_id: merchantId, currency: 'KRW', date: D, ...totals, payout_date: '2026-03-17' },
    ]);
    expect(result).toEqual({
      outcome: 'closed',
      days: [
        {
          date: D,
          tries: 1,
          statements: 1,
          factsHeld: 0n,
          totals: [{ currency: 'KRW', ...totals }],
        },
      ],
    });
  });

  it('makes a statement for each merchant and currency', async () => {
    const one = await books.addMerchant();
    const other = await books.addMerchant('2026-01-01', { feePpm: 29_000 });
    await books.store(
      completed({ merchantId: one, amount: 50_000, approvedAt: `${D}${NOON}` }),
      completed({ merchantId: one, amount: 999, currency: 'USD', approvedAt: `${D}${NOON}` }),
      completed({ merchantId: other, amount: 19_900, approvedAt: `${D}${NOON}` }),
    );

    await books.close(D);

    expect(await books.rows(STATEMENTS)).toMatchObject([
      { merchant_id: one, currency: 'USD', gross: 999n, fee: 32n, vat: 3n, net: 964n },
      { merchant_id: other, currency: 'KRW', gross: 19_900n, fee: 577n, vat: 58n, net: 19_265n },
      { merchant_id: one, currency: 'KRW', gross: 50_000n, fee: 1_650n, vat: 165n, net: 48_185n },
    ]);
  });

  it('tells the world: lines, each payment, and the statement with the hash of its lines', async () => {
    const merchantId = await books.addMerchant();
    const payments = Array.from({ length: 1_001 }, (_, n) =>
      completed({ merchantId, amount: 1_000 + n, approvedAt: `${D}${NOON}` }),
    );
    await books.store(...payments);

    await books.close(D);

    const events = await books.outbox();
    const [closed, ...others] = only(events, 'settlement.closed');
    const parts = only(events, 'settlement.items');
    const lines = parts.flatMap((part) => part.data.items);
    expect(others).toEqual([]);
    expect(parts.map(({ data }) => [data.part, data.parts, data.items.length])).toEqual([
      [1, 3, 500],
      [2, 3, 500],
      [3, 3, 1],
    ]);
    expect(closed?.data).toMatchObject({ merchantId, livemode: true, date: D, count: 1_001 });
    expect(closed?.data.itemsHash).toBe(hashItems(lines));
    expect(closed?.data.gross).toBe(lines.reduce((sum, line) => sum + line.amount, 0));
    const settled = only(events, 'payment.settled');
    expect(settled.map(({ data }) => data.paymentId).sort()).toEqual(
      payments.map(({ data }) => data.paymentId).sort(),
    );
    expect(new Set(settled.map(({ data }) => data.settlementId))).toEqual(
      new Set([closed?.data.settlementId]),
    );
    expect(settled.every(({ data }) => data.settledAt === closed?.data.closedAt)).toBe(true);
  });

  it('names its events by what they tell of', async () => {
    const merchantId = await books.addMerchant();
    await books.store(
      completed({ merchantId, approvedAt: `${D}${NOON}` }),
      completed({ merchantId, approvedAt: `${D}${NOON}` }),
    );
    await books.close(D);
    const names = (await books.outbox()).map((event) => {
      const { id, type, data } = event as EventOf<'payment.settled' | 'settlement.items'>;
      if ('itemId' in data) return [id, eventIdOf(type, data.itemId)];
      if ('part' in data) return [id, eventIdOf(type, data.settlementId, data.part)];
      return [id, eventIdOf(type, (data as { settlementId: string }).settlementId)];
    });
    expect(names).toHaveLength(4);
    for (const [id, name] of names) expect(id).toBe(name);
  });

  it('keys payments by payment and statements by merchant', async () => {
    const merchantId = await books.addMerchant();
    const payment = completed({ merchantId, approvedAt: `${D}${NOON}` });
    await books.store(payment);
    await books.close(D);
    expect(await books.rows('select topic, key from outbox order by seq')).toEqual([
      { topic: 'settlement.items', key: merchantId },
      { topic: 'payment.settled', key: payment.data.paymentId },
      { topic: 'settlement.closed', key: merchantId },
    ]);
  });

  it('takes a cancel as a line of its own day, charged back as its payment was charged', async () => {
    const merchantId = newId();
    await books.store(
      merchantUpdated(merchantId, [
        termsFrom('2026-01-01', { feePpm: 33_000 }),
        termsFrom('2026-03-11', { feePpm: 10_000 }),
      ]),
    );
    const payment = completed({ merchantId, amount: 30_000, approvedAt: `2026-03-10${NOON}` });
    const cancel = cancelled(payment, {
      remainingBefore: 30_000,
      remainingAfter: 20_000,
      cancelledAt: `${D}${NOON}`,
    });
    await books.store(cancel, payment);

    await books.close(D);

    expect(await books.rows(STATEMENTS)).toMatchObject([
      { date: '2026-03-10', gross: 30_000n, fee: 990n, vat: 99n, net: 28_911n },
      { date: D, gross: -10_000n, fee: -330n, vat: -33n, net: -9_637n },
    ]);
    const events = await books.outbox();
    expect(only(events, 'payment.settled')).toHaveLength(1);
    expect(only(events, 'settlement.items').at(-1)?.data.items).toMatchObject([
      { id: cancel.data.cancelId, kind: 'CANCEL', amount: -10_000, saleDate: D },
    ]);
  });

  it('never makes an item of a test fact', async () => {
    const merchantId = await books.addMerchant();
    await books.store(completed({ merchantId, livemode: false, approvedAt: `${D}${NOON}` }));
    await books.close(D);
    expect(await books.rows('select livemode from fact')).toEqual([{ livemode: false }]);
    expect(await books.rows(ITEMS)).toEqual([]);
    expect(await books.rows('select * from fact_open')).toEqual([]);
    expect(await books.outbox()).toEqual([]);
  });
});

describe('terms', () => {
  it('hold from their day on, whatever order they arrived in', async () => {
    const merchantId = newId();
    await books.store(
      completed({ merchantId, amount: 10_000, approvedAt: '2026-03-12T14:59:59.999Z' }),
      completed({ merchantId, amount: 10_000, approvedAt: '2026-03-12T15:00:00.000Z' }),
    );
    await books.store(
      merchantUpdated(merchantId, [
        termsFrom(D, { feePpm: 10_000, vatMode: 'INCLUSIVE', fixedFee: 10 }),
        termsFrom('2026-01-01', { feePpm: 33_000 }),
      ]),
    );

    await books.close(D);

    expect(
      await books.rows(
        `select sale_date, fee, vat, fee_ppm, fixed_fee, vat_mode
         from settlement_item order by sale_date`,
      ),
    ).toEqual([
      {
        sale_date: '2026-03-12',
        fee: 330n,
        vat: 33n,
        fee_ppm: 33_000,
        fixed_fee: 0n,
        vat_mode: 'EXCLUSIVE',
      },
      { sale_date: D, fee: 100n, vat: 10n, fee_ppm: 10_000, fixed_fee: 10n, vat_mode: 'INCLUSIVE' },
    ]);
  });

  it('of an unknown merchant keep its facts waiting; a later close takes them, dated as they were', async () => {
    const unknown = newId();
    const known = await books.addMerchant();
    const waiting = completed({ merchantId: unknown, approvedAt: `${D}${NOON}` });
    await books.store(waiting, completed({ merchantId: known, approvedAt: `${D}${NOON}` }));

    const first = await books.close(D);
    expect(first).toMatchObject({ days: [{ statements: 1, factsHeld: 1n }] });

    await books.store(merchantUpdated(unknown, [termsFrom('2026-01-01')]));
    const second = await books.close(addDays(D, 1));
    expect(second).toMatchObject({ days: [{ statements: 1, factsHeld: 0n }] });
    expect(
      await books.rows(
        `select item.id, item.sale_date, run.date
         from settlement_item item join settlement_run run on run.id = item.run_id
         where merchant_id = $1`,
        [unknown],
      ),
    ).toEqual([{ id: waiting.data.attemptId, sale_date: D, date: '2026-03-14' }]);
  });

  it('that begin after the sale hold its fact back, never settle it free of charge', async () => {
    const merchantId = await books.addMerchant('2026-03-14');
    await books.store(completed({ merchantId, approvedAt: `${D}${NOON}` }));
    expect(await books.close('2026-03-14')).toMatchObject({
      days: [{ factsHeld: 1n }, { factsHeld: 1n }],
    });
    expect(await books.rows(ITEMS)).toEqual([]);
  });
});

describe('the payout date of a statement', () => {
  it.each([
    ['2026-02-13', 1, '2026-02-19'],
    ['2026-02-13', 2, '2026-02-20'],
    ['2026-04-30', 2, '2026-05-06'],
    ['2026-07-16', 1, '2026-07-20'],
    ['2026-12-31', 1, '2027-01-04'],
    ['2026-03-14', 2, '2026-03-18'],
  ])('of %s with %i days is %s', async (date, payoutDays, payoutDate) => {
    const merchantId = await books.addMerchant('2026-01-01', { payoutDays });
    await books.store(completed({ merchantId, approvedAt: `${date}${NOON}` }));
    await books.close(date);
    expect(await books.rows(STATEMENTS)).toMatchObject([{ date, payout_date: payoutDate }]);
  });

  it('stops the close in a year without a calendar; once it is loaded the close goes on', async () => {
    const date = '2027-12-30';
    const merchantId = await books.addMerchant();
    await books.store(completed({ merchantId, approvedAt: `${date}${NOON}` }));

    await expect(books.close(date)).rejects.toThrow('no data for 2028');
    expect(await books.outbox()).toEqual([]);

    await books.rows(`insert into business_calendar_year values (2028, 'test', '1')`);
    await books.close(date);
    await books.rows('delete from business_calendar_year where year = 2028');
    expect(await books.rows(STATEMENTS)).toMatchObject([{ date, payout_date: '2028-01-03' }]);
  });
});

describe('a fact that comes late', () => {
  it('falls into the next open day with its own sale date', async () => {
    const merchantId = await books.addMerchant();
    await books.store(completed({ merchantId, approvedAt: `${D}${NOON}` }));
    await books.close(D);
    const late = completed({ merchantId, amount: 777, approvedAt: `${D}${NOON}` });
    await books.store(late);
    await books.close('2026-03-14');
    expect(await books.rows(STATEMENTS)).toMatchObject([
      { date: D, count: 1n, gross: 10_000n },
      { date: '2026-03-14', count: 1n, gross: 777n },
    ]);
    expect(await books.rows('select sale_date from settlement_item')).toEqual([
      { sale_date: D },
      { sale_date: D },
    ]);
  });

  it.each(['facts-counted', 'items-written'] as const)(
    'at %s is not among the items, and the run keeps the proof',
    async (moment) => {
      const merchantId = await books.addMerchant();
      const early = completed({ merchantId, approvedAt: `${D}${NOON}` });
      const late = completed({ merchantId, approvedAt: `${D}${NOON}` });
      await books.store(early);

      await books.close(D, {
        reach: async (point) => {
          if (point === moment) await books.store(late);
        },
      });

      expect(
        await books.rows(
          `select fact.id, pg_visible_in_snapshot(fact.xid, run.snapshot) as seen,
           exists (select from settlement_item item where item.id = fact.id) as taken
         from fact cross join settlement_run run order by fact.recorded_at`,
        ),
      ).toEqual([
        { id: early.data.attemptId, seen: true, taken: true },
        { id: late.data.attemptId, seen: false, taken: false },
      ]);
      await books.close('2026-03-14');
      expect(await books.rows(ITEMS)).toHaveLength(2);
    },
  );
});

describe('days', () => {
  it('are closed in order, the open ones before the one asked for', async () => {
    const merchantId = await books.addMerchant();
    await books.store(
      completed({ merchantId, amount: 2_000, approvedAt: `2026-03-11${NOON}` }),
      completed({ merchantId, amount: 1_000, approvedAt: `${D}${NOON}` }),
      completed({ merchantId, amount: 5_000, approvedAt: `2026-03-14${NOON}` }),
    );
    const result = await books.close(D);
    expect(result).toMatchObject({
      days: [{ date: '2026-03-11' }, { date: '2026-03-12', statements: 0 }, { date: D }],
    });
    expect(await books.rows(STATEMENTS)).toMatchObject([
      { date: '2026-03-11', gross: 2_000n },
      { date: D, gross: 1_000n },
    ]);
    expect(await books.rows('select sale_date from fact_open')).toEqual([
      { sale_date: '2026-03-14' },
    ]);
  });

  it('that are closed stay as they are, and so do the days before', async () => {
    const merchantId = await books.addMerchant();
    await books.store(completed({ merchantId, approvedAt: `${D}${NOON}` }));
    await books.close(D);
    const before = await everything();
    for (const date of [D, '2026-03-12', '2020-01-01']) {
      expect(await books.close(date)).toEqual({ outcome: 'already-closed', lastClosed: D });
    }
    expect(await everything()).toEqual(before);
  });

  it('in the future are refused; today may be closed early', async () => {
    const clock = { now: () => new Date('2026-03-13T14:59:59Z') };
    await expect(books.close('2026-03-14', { clock })).rejects.toThrow(
      '2026-03-14 is in the future: today is 2026-03-13',
    );
    expect(await books.rows('select * from settlement_run')).toEqual([]);
    expect(await books.close(D, { clock })).toMatchObject({ outcome: 'closed' });
  });

  it('without facts are closed as well, and tell nothing', async () => {
    expect(await books.close(D)).toMatchObject({ days: [{ date: D, statements: 0, totals: [] }] });
    expect(await books.outbox()).toEqual([]);
  });

  it('more than a year back are refused as one close', async () => {
    const merchantId = await books.addMerchant();
    await books.store(completed({ merchantId, approvedAt: `2025-01-01${NOON}` }));
    await expect(books.close(D)).rejects.toThrow('more than 366 days are open since 2025-01-01');
    expect(await books.rows('select * from settlement_run')).toEqual([]);
  });
});

describe('two closes at once', () => {
  it('make one run', async () => {
    const merchantId = await books.addMerchant();
    await books.store(completed({ merchantId, approvedAt: `${D}${NOON}` }));
    const results = await Promise.all([books.close(D), books.close(D)]);
    expect(results.map((result) => result.outcome).sort()).toEqual(['already-closed', 'closed']);
    expect(await books.rows('select date, tries from settlement_run')).toEqual([
      { date: D, tries: 1 },
    ]);
    expect(only(await books.outbox(), 'settlement.closed')).toHaveLength(1);
  });

  it('let the second give up when it may not wait', async () => {
    let refused: unknown;
    await books.close(D, {
      reach: async (point) => {
        if (point !== 'itemized') return;
        refused = await books.close(D, { lockWaitMaxMs: 0 }).catch((error: unknown) => error);
      },
    });
    expect(refused).toHaveProperty('name', 'CloseBusyError');
  });
});

/** All that a close writes, as text. */
async function everything(): Promise<unknown> {
  const tables = [
    'settlement_run',
    'settlement_control',
    'settlement_item',
    'settlement',
    'outbox',
  ];
  return Promise.all(
    tables.map((table) => books.rows(`select t::text as row from ${table} t order by 1`)),
  );
}
