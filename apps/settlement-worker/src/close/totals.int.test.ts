import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Books, createBooks, only } from '../../test/support/books.ts';
import { completed } from '../../test/support/events.ts';

const D = '2026-03-13';
const AT = `${D}T03:00:00.000Z`;

let books: Books;
beforeAll(async () => {
  books = await createBooks();
});
afterAll(() => books.drop());

beforeEach(async () => {
  await books.clear();
  const one = await books.addMerchant();
  const other = await books.addMerchant();
  await books.store(
    completed({ merchantId: one, amount: 20_000, approvedAt: AT }),
    completed({ merchantId: one, amount: 10_000, approvedAt: AT }),
    completed({ merchantId: other, amount: 10_000, approvedAt: AT }),
  );
});

/** Each leaves the database in a state that the rows' own constraints allow. */
const TAMPERINGS = [
  {
    what: 'an item is missing',
    damage: `delete from settlement_item where amount = 20000`,
    problem: 'KRW differ: facts 3 lines of 40000, items 2 lines of 20000, statements 3 lines',
  },
  {
    what: 'an item has another amount than its fact, and its statement follows',
    damage: `
      with item as (
        update settlement_item set amount = amount + 1, net = net + 1 where amount = 20000
        returning run_id, merchant_id
      )
      update settlement set gross = gross + 1, net = net + 1
      from item where (settlement.run_id, settlement.merchant_id) = (item.run_id, item.merchant_id)`,
    problem: 'KRW differ: facts 3 lines of 40000, items 3 lines of 40001',
  },
  {
    what: 'two items have swapped their facts',
    damage: `
      update settlement_item set payment_id = '00000000-0000-7000-8000-000000000000'
      where amount = 20000`,
    problem: '1 items differ from their facts',
  },
  {
    what: 'money has moved from one statement to another',
    damage: `
      update settlement set gross = gross + d, net = net + d
      from (values (30000, -7), (10000, 7)) as moved (was, d) where gross = was`,
    problem: '2 statements differ from their items',
  },
  {
    what: 'a statement has another fee',
    damage: 'update settlement set fee = fee + 1, net = net - 1 where gross = 30000',
    problem: 'totals of KRW differ',
  },
  {
    what: 'a statement pays off a debt that is none',
    damage: 'update settlement set carry_in = -1 where gross = 30000',
    problem: '1 statements carry in what none before them carried out',
  },
  {
    what: 'a statement is missing',
    damage: 'delete from settlement where gross = 10000',
    problem: 'statements 2 lines of 30000',
  },
];

describe('a run of which', () => {
  it.each(TAMPERINGS)('$what publishes nothing', async ({ damage, problem }) => {
    const close = books.close(D, {
      reach: async (point) => {
        if (point === 'stated') await books.rows(damage);
      },
    });

    await expect(close).rejects.toThrow(problem);
    expect(await books.outbox()).toEqual([]);
    expect(await books.rows('select status, closed_at from settlement_run')).toEqual([
      { status: 'FAILED', closed_at: null },
    ]);
  });
});

describe('a failed run', () => {
  it('fails again while nothing changed, keeps later days waiting, and goes on once repaired', async () => {
    await expect(
      books.close(D, {
        reach: async (point) => {
          if (point !== 'stated') return;
          await books.rows('update settlement set fee = fee + 1, net = net - 1');
        },
      }),
    ).rejects.toThrow('2 statements differ from their items');
    await expect(books.close(D)).rejects.toThrow('2 statements differ from their items');
    await expect(books.close('2026-03-14')).rejects.toThrow(`the close of ${D} failed`);
    expect(await books.rows('select date from settlement_run')).toEqual([{ date: D }]);

    await books.rows('update settlement set fee = fee - 1, net = net + 1');
    await books.close(D);

    expect(await books.rows('select status, failure, tries from settlement_run')).toEqual([
      { status: 'CLOSED', failure: null, tries: 4 },
    ]);
    expect(only(await books.outbox(), 'settlement.closed')).toHaveLength(2);
  });
});
