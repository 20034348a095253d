import { newId } from '@mini-pg/runtime';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Books, createBooks } from '../../test/support/books.ts';
import { completed, reversed } from '../../test/support/events.ts';

const CAPTURED = '2026-03-13T14:59:59.000Z';
const REVERSED = '2026-03-13T15:00:01.000Z';

let books: Books;
beforeAll(async () => {
  books = await createBooks();
});
afterAll(() => books.drop());
beforeEach(() => books.clear());

const reversal = (data: Partial<Parameters<typeof reversed>[0]> = {}) =>
  reversed({ merchantId: newId(), approvedAt: CAPTURED, reversedAt: REVERSED, ...data });

const POSTINGS = `
  select attempt_id, kind, amount, date, pg_transaction_id from suspense_posting order by kind`;

describe('a capture that nobody heard of and its reversal', () => {
  it('go to suspense and back, each on its own business date', async () => {
    const event = reversal({ amount: 30_000 });
    expect(await books.store(event)).toEqual({ facts: 0, merchants: 0, reversals: 1 });
    const { attemptId, pgTransactionId, reversalTransactionId } = event.data;
    expect(await books.rows(POSTINGS)).toEqual([
      {
        attempt_id: attemptId,
        kind: 'CAPTURE',
        amount: 30_000n,
        date: '2026-03-13',
        pg_transaction_id: pgTransactionId,
      },
      {
        attempt_id: attemptId,
        kind: 'REVERSAL',
        amount: -30_000n,
        date: '2026-03-14',
        pg_transaction_id: reversalTransactionId,
      },
    ]);
  });

  it('are never on a statement, not even beside sales of their merchant', async () => {
    const merchantId = await books.addMerchant();
    await books.store(
      reversal({ merchantId, amount: 30_000 }),
      completed({ merchantId, approvedAt: CAPTURED }),
    );
    await books.close('2026-03-14');
    expect(await books.rows('select kind, amount from settlement_item')).toEqual([
      { kind: 'PAYMENT', amount: 10_000n },
    ]);
    expect(await books.rows('select * from fact_open')).toEqual([]);
  });

  it('that are told again, in the same batch, later, or to two instances at once, change nothing', async () => {
    const events = Array.from({ length: 40 }, () => reversal());
    const stored = await Promise.all([
      books.store(...events, ...events),
      books.store(...events.toReversed()),
    ]);
    expect(stored.reduce((sum, { reversals }) => sum + reversals, 0)).toBe(40);
    const before = await books.rows('select p::text from suspense_posting p order by 1');
    expect(await books.store(...events)).toMatchObject({ reversals: 0 });
    expect(await books.rows('select p::text from suspense_posting p order by 1')).toEqual(before);
  });

  it.each([
    { amount: 9_999 },
    { currency: 'USD' as const },
    { livemode: false },
    { reversalTransactionId: 'another' },
    { reversedAt: '2026-04-01T00:00:00Z' },
  ])('that tell of other money under the same attempt are refused: %o', async (other) => {
    const event = reversal();
    await books.store(event);
    const changed = { ...event, data: { ...event.data, ...other } };
    await expect(books.store(changed)).rejects.toHaveProperty('name', 'PoisonError');
    expect(await books.rows(POSTINGS)).toHaveLength(2);
  });

  it('are posted once for a transaction of the PG', async () => {
    const event = reversal();
    await books.store(event);
    const again = { ...event, data: { ...event.data, attemptId: newId() } };
    await expect(books.store(again)).rejects.toHaveProperty('name', 'PoisonError');
    expect(await books.rows(POSTINGS)).toHaveLength(2);
  });
});

describe('suspense', () => {
  it('takes no posting that leaves something there', async () => {
    await books.store(reversal());
    const half = `
      insert into suspense_posting
      select (jsonb_populate_record(p, jsonb_build_object(
        'attempt_id', gen_random_uuid(), 'pg_transaction_id', 'half'))).*
      from suspense_posting p where kind = 'CAPTURE'`;
    await expect(books.rows(half)).rejects.toThrow('do not cancel each other out');
    const more = `update suspense_posting set amount = amount + 1 where kind = 'CAPTURE'`;
    await expect(books.rows(more)).rejects.toThrow('do not cancel each other out');
  });
});
