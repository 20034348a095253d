import { createRegistry, newId } from '@mini-pg/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Books, createBooks } from '../test/support/books.ts';
import { cancelled, completed, merchantUpdated, termsFrom } from '../test/support/events.ts';
import { createSettlementMetrics } from './metrics.ts';
import { watchBooks } from './watch-books.ts';

let books: Books;
beforeAll(async () => {
  books = await createBooks();
});
afterAll(() => books.drop());

async function gauges(dueDate: string): Promise<Record<string, number>> {
  const registry = createRegistry('test');
  await watchBooks(books.pool, createSettlementMetrics(registry), dueDate);
  const names = [
    'facts_without_merchant',
    'facts_without_terms',
    'facts_without_payment',
    'facts_held_oldest_seconds',
    'facts_open',
    'settlement_negative_balances',
    'settlement_negative_balance_oldest_days',
    'settlement_last_closed_timestamp_seconds',
    'settlement_days_overdue',
    'business_calendar_last_year',
  ];
  const values = await Promise.all(
    names.map(async (name) => {
      const metric = await registry.getSingleMetric(name)?.get();
      return [name, metric?.values[0]?.value ?? Number.NaN] as const;
    }),
  );
  return Object.fromEntries(values);
}

describe('the gauges of the books', () => {
  it('are quiet where nothing is', async () => {
    expect(await gauges('2026-03-13')).toEqual({
      facts_without_merchant: 0,
      facts_without_terms: 0,
      facts_without_payment: 0,
      facts_held_oldest_seconds: 0,
      facts_open: 0,
      settlement_negative_balances: 0,
      settlement_negative_balance_oldest_days: 0,
      settlement_last_closed_timestamp_seconds: 0,
      settlement_days_overdue: 0,
      business_calendar_last_year: 2027,
    });
  });

  it('tell of facts that wait, of days that are overdue, and calm down again', async () => {
    const [unknown, early] = [newId(), await books.addMerchant('2026-04-01')];
    const late = completed({
      merchantId: await books.addMerchant(),
      approvedAt: '2026-03-13T03:00:00Z',
    });
    const cancel = { remainingBefore: 10_000, remainingAfter: 0 };
    await books.store(
      cancelled(late, { ...cancel, cancelledAt: '2026-03-13T04:00:00Z' }),
      completed({ merchantId: unknown, approvedAt: '2026-03-13T03:00:00Z' }),
      completed({ merchantId: unknown, livemode: false, approvedAt: '2026-03-13T03:00:00Z' }),
      completed({ merchantId: early, approvedAt: '2026-03-13T03:00:00Z' }),
    );
    await books.rows(`update fact set recorded_at = now() - interval '2 hours'`);
    await books.close('2026-03-13');
    const waiting = await gauges('2026-03-15');
    expect(waiting).toMatchObject({
      facts_without_merchant: 1,
      facts_without_terms: 1,
      facts_without_payment: 1,
      facts_open: 3,
      settlement_last_closed_timestamp_seconds: Date.parse('2026-03-13T00:00:00Z') / 1_000,
      settlement_days_overdue: 2,
    });
    expect(waiting.facts_held_oldest_seconds).toBeGreaterThanOrEqual(7_200);

    await books.store(merchantUpdated(unknown, [termsFrom('2026-01-01')]), late);
    await books.close('2026-03-15');
    expect(await gauges('2026-03-15')).toMatchObject({
      facts_without_merchant: 0,
      facts_without_terms: 1,
      facts_without_payment: 0,
      facts_open: 1,
      settlement_days_overdue: 0,
    });
  });

  it('tell since when balances of merchants are negative, until they are paid off', async () => {
    await books.clear();
    const merchantId = await books.addMerchant();
    const pay = (amount: number, date: string) =>
      completed({ merchantId, amount, approvedAt: `${date}T03:00:00Z` });
    const old = pay(30_000, '2026-03-02');
    const cancel = (remainingBefore: number, remainingAfter: number, date: string) =>
      cancelled(old, { remainingBefore, remainingAfter, cancelledAt: `${date}T03:00:00Z` });
    await books.store(
      old,
      cancel(30_000, 20_000, '2026-03-04'),
      pay(10_000, '2026-03-05'),
      cancel(20_000, 10_000, '2026-03-10'),
      pay(1_000, '2026-03-12'),
    );
    await books.close('2026-03-12');
    expect(await gauges('2026-04-10')).toMatchObject({
      settlement_negative_balances: 1,
      settlement_negative_balance_oldest_days: 31,
    });

    await books.store(pay(20_000, '2026-03-13'));
    await books.close('2026-03-13');
    expect(await gauges('2026-04-10')).toMatchObject({
      settlement_negative_balances: 0,
      settlement_negative_balance_oldest_days: 0,
    });
  });
});
