import { newId } from '@mini-pg/runtime';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Books, createBooks } from '../../test/support/books.ts';
import { cancelled, completed, merchantUpdated, termsFrom } from '../../test/support/events.ts';

const AT = '2026-03-31T14:59:59.999Z';

let books: Books;
beforeAll(async () => {
  books = await createBooks();
});
afterAll(() => books.drop());
beforeEach(() => books.clear());

const FACTS = 'select id, kind, amount, sale_date, terms_date from fact order by recorded_at, id';

describe('a completed payment', () => {
  it('is one fact with its business date, open until it is settled', async () => {
    const event = completed({ merchantId: newId(), approvedAt: AT });
    expect(await books.store(event)).toEqual({ facts: 1, merchants: 0, reversals: 0 });
    const { data } = event;
    expect(await books.rows('select * from fact')).toMatchObject([
      {
        id: data.attemptId,
        kind: 'PAYMENT',
        payment_id: data.paymentId,
        merchant_id: data.merchantId,
        livemode: true,
        order_id: data.orderId,
        currency: 'KRW',
        amount: 10_000n,
        tax_free_amount: 0n,
        remaining_before: null,
        remaining_after: null,
        pg: 'toss',
        pg_account_id: data.pgAccountId,
        pg_order_id: data.pgOrderId,
        pg_payment_id: data.pgPaymentId,
        pg_transaction_id: data.pgTransactionId,
        method_detail: data.methodDetail,
        occurred_at: new Date(AT),
        sale_date: '2026-03-31',
        terms_date: '2026-03-31',
        event_id: event.id,
      },
    ]);
    expect(await books.rows('select fact_id, sale_date from fact_open')).toEqual([
      { fact_id: data.attemptId, sale_date: '2026-03-31' },
    ]);
  });

  it.each([
    ['2026-03-31T14:59:59.999Z', '2026-03-31'],
    ['2026-03-31T15:00:00.000Z', '2026-04-01'],
    ['2025-12-31T15:00:00Z', '2026-01-01'],
  ])('at %s was sold on %s', async (approvedAt, saleDate) => {
    await books.store(completed({ merchantId: newId(), approvedAt }));
    expect(await books.rows('select sale_date from fact')).toEqual([{ sale_date: saleDate }]);
  });

  it('that is delivered again, in the same batch or later, changes nothing', async () => {
    const event = completed({ merchantId: newId(), approvedAt: AT });
    expect(await books.store(event, event)).toMatchObject({ facts: 1 });
    const before = await books.rows('select f::text from fact f');
    expect(await books.store(event)).toMatchObject({ facts: 0 });
    expect(await books.rows('select f::text from fact f')).toEqual(before);
    expect(await books.rows('select * from fact_open')).toHaveLength(1);
  });

  it('that is delivered again after its close does not open again', async () => {
    const merchantId = await books.addMerchant();
    const event = completed({ merchantId, approvedAt: AT });
    await books.store(event);
    await books.close('2026-03-31');
    await books.store(event);
    expect(await books.rows('select * from fact_open')).toEqual([]);
  });

  it.each([
    { amount: 9_999 },
    { currency: 'USD' as const },
    { paymentId: '019a0000-0000-7000-8000-000000000001' },
    { livemode: false },
    { approvedAt: '2026-04-01T00:00:00Z' },
  ])('that tells of other money under the same id is refused: %o', async (other) => {
    const event = completed({ merchantId: newId(), approvedAt: AT });
    await books.store(event);
    const changed = { ...event, data: { ...event.data, ...other } };
    await expect(books.store(changed)).rejects.toHaveProperty('name', 'PoisonError');
    expect(await books.rows(FACTS)).toHaveLength(1);
  });

  it('cannot be two facts: one per payment, one per capture at the PG', async () => {
    const event = completed({ merchantId: newId(), approvedAt: AT });
    await books.store(event);
    const again = { ...event.data, attemptId: newId() };
    for (const other of [{ pgTransactionId: 'other' }, { paymentId: newId() }]) {
      const second = books.store(completed({ ...again, ...other }));
      await expect(second).rejects.toHaveProperty('name', 'PoisonError');
    }
    expect(await books.rows(FACTS)).toHaveLength(1);
  });

  it('stored by two instances at once is one fact', async () => {
    const merchantId = newId();
    const events = Array.from({ length: 200 }, () => completed({ merchantId, approvedAt: AT }));
    const stored = await Promise.all([
      books.store(...events),
      books.store(...[...events].reverse()),
      books.store(...events.slice(50)),
    ]);
    expect(stored.reduce((sum, { facts }) => sum + facts, 0)).toBe(200);
  });
});

describe('a cancel', () => {
  it('is a fact of its own date under the terms of its payment, whichever comes first', async () => {
    const payment = completed({ merchantId: newId(), approvedAt: AT });
    const cancel = cancelled(payment, {
      remainingBefore: 10_000,
      remainingAfter: 4_000,
      cancelledAt: '2026-04-02T00:00:00Z',
    });
    await books.store(cancel);
    await books.store(payment, cancel);
    expect(await books.rows(FACTS)).toEqual([
      {
        id: cancel.data.cancelId,
        kind: 'CANCEL',
        amount: 6_000n,
        sale_date: '2026-04-02',
        terms_date: '2026-03-31',
      },
      {
        id: payment.data.attemptId,
        kind: 'PAYMENT',
        amount: 10_000n,
        sale_date: '2026-03-31',
        terms_date: '2026-03-31',
      },
    ]);
  });
});

describe('a merchant', () => {
  const TERMS = `
    select from_date, fee_ppm, fixed_fee, vat_mode, payout_days
    from merchant_terms order by from_date`;

  it('keeps the terms of its newest version, whatever order the versions come in', async () => {
    const id = newId();
    const first = merchantUpdated(id, [termsFrom('2026-01-01')], 1);
    const second = merchantUpdated(
      id,
      [termsFrom('2026-01-01'), termsFrom('2026-04-01', { feePpm: 29_000 })],
      2,
    );
    expect(await books.store(second, first)).toMatchObject({ merchants: 1 });
    expect(await books.store(first)).toMatchObject({ merchants: 0 });
    expect(await books.rows(TERMS)).toEqual([
      {
        from_date: '2026-01-01',
        fee_ppm: 33_000,
        fixed_fee: 0n,
        vat_mode: 'EXCLUSIVE',
        payout_days: 2,
      },
      {
        from_date: '2026-04-01',
        fee_ppm: 29_000,
        fixed_fee: 0n,
        vat_mode: 'EXCLUSIVE',
        payout_days: 2,
      },
    ]);
  });

  it('drops terms that were withdrawn and takes those that were changed', async () => {
    const id = newId();
    const [now, later] = [termsFrom('2026-01-01'), termsFrom('2026-04-01', { feePpm: 29_000 })];
    await books.store(merchantUpdated(id, [now, later], 1));
    await books.store(merchantUpdated(id, [now, termsFrom('2026-05-01')], 2));
    expect(await books.rows(TERMS)).toMatchObject([
      { from_date: '2026-01-01' },
      { from_date: '2026-05-01' },
    ]);
    await books.store(merchantUpdated(id, [now, termsFrom('2026-05-01', { payoutDays: 5 })], 3));
    expect(await books.rows(TERMS)).toMatchObject([{ payout_days: 2 }, { payout_days: 5 }]);
  });
});
