import { addDays, type EventOf } from '@mini-pg/domain';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Books, createBooks, only } from '../../test/support/books.ts';
import { cancelled, completed } from '../../test/support/events.ts';

const NOON = 'T03:00:00.000Z';
const D = '2026-03-13';

let books: Books;
beforeAll(async () => {
  books = await createBooks();
});
afterAll(() => books.drop());
beforeEach(() => books.clear());

const PAYOUTS = `
  select date, net, carry_in, payout, carry_out from settlement order by date, currency`;

const LAST = 'select payout, carry_out from settlement order by date desc limit 1';

const FREE = { feePpm: 0 };

/** A payment long ago, out of which the days of a test take cancels; its day is closed. */
async function payLongAgo(
  merchantId: string,
  amount: number,
): Promise<EventOf<'payment.completed'>> {
  const payment = completed({ merchantId, amount, approvedAt: `2026-03-02${NOON}` });
  await books.store(payment);
  await books.close('2026-03-02');
  return payment;
}

/** Moves `net` on a day: a payment of it, or a cancel of the payment of long ago. */
async function move(
  old: EventOf<'payment.completed'>,
  balance: number,
  net: number,
  date: string,
): Promise<number> {
  const { merchantId } = old.data;
  if (net >= 0) {
    await books.store(completed({ merchantId, amount: net, approvedAt: `${date}${NOON}` }));
    return balance;
  }
  const [remainingBefore, remainingAfter] = [balance, balance + net];
  const cancel = { remainingBefore, remainingAfter, cancelledAt: `${date}${NOON}` };
  await books.store(cancelled(old, cancel));
  return remainingAfter;
}

describe('a statement that is negative', () => {
  it('pays nothing and is paid off by the next ones: -32,000, +20,000, +50,000', async () => {
    const old = await payLongAgo(await books.addMerchant('2026-01-01', FREE), 32_000);
    for (const [index, net] of [-32_000, 20_000, 50_000].entries()) {
      const date = addDays(D, index);
      await move(old, 32_000, net, date);
      await books.close(date);
    }
    expect(await books.rows(PAYOUTS)).toEqual([
      { date: '2026-03-02', net: 32_000n, carry_in: 0n, payout: 32_000n, carry_out: 0n },
      { date: D, net: -32_000n, carry_in: 0n, payout: 0n, carry_out: -32_000n },
      { date: '2026-03-14', net: 20_000n, carry_in: -32_000n, payout: 0n, carry_out: -12_000n },
      { date: '2026-03-15', net: 50_000n, carry_in: -12_000n, payout: 38_000n, carry_out: 0n },
    ]);
  });

  it('is what a cancel of a payment that was paid out comes to: 40,000 less 15,000', async () => {
    const merchantId = await books.addMerchant();
    const payment = completed({ merchantId, amount: 40_000, approvedAt: `${D}${NOON}` });
    await books.store(payment);
    await books.close(D);
    const cancelledAt = `2026-03-16${NOON}`;
    const cancel = { remainingBefore: 40_000, remainingAfter: 25_000, cancelledAt };
    await books.store(cancelled(payment, cancel));
    await books.close('2026-03-16');
    expect(
      await books.rows('select gross, fee, vat, net, payout, carry_out from settlement'),
    ).toEqual([
      { gross: 40_000n, fee: 1_320n, vat: 132n, net: 38_548n, payout: 38_548n, carry_out: 0n },
      { gross: -15_000n, fee: -495n, vat: -49n, net: -14_456n, payout: 0n, carry_out: -14_456n },
    ]);
  });

  it('is told with what it carries on, and the one after it with what it pays off', async () => {
    const old = await payLongAgo(await books.addMerchant('2026-01-01', FREE), 32_000);
    await move(old, 32_000, -32_000, D);
    await books.close(D);
    await move(old, 0, 50_000, '2026-03-14');
    await books.close('2026-03-14');
    const told = only(await books.outbox(), 'settlement.closed').map(({ data }) => data);
    expect(told).toMatchObject([
      { net: 32_000, carryIn: 0, payout: 32_000, carryOut: 0, payoutDate: '2026-03-05' },
      { net: -32_000, carryIn: 0, payout: 0, carryOut: -32_000, payoutDate: '2026-03-17' },
      { net: 50_000, carryIn: -32_000, payout: 18_000, carryOut: 0, payoutDate: '2026-03-18' },
    ]);
  });

  it('waits over days without a statement, and for its own merchant and currency only', async () => {
    const merchantId = await books.addMerchant('2026-01-01', FREE);
    const old = await payLongAgo(merchantId, 5_000);
    const other = await books.addMerchant('2026-01-01', FREE);
    await move(old, 5_000, -5_000, D);
    await books.close('2026-03-15');
    const approvedAt = `2026-03-16${NOON}`;
    await books.store(
      completed({ merchantId: other, amount: 1_000, approvedAt }),
      completed({ merchantId, amount: 900, currency: 'USD', approvedAt }),
      completed({ merchantId, amount: 7_000, approvedAt }),
    );
    await books.close('2026-03-16');
    const last = `select merchant_id, currency, carry_in, payout from settlement
                  where date = '2026-03-16' order by payout`;
    expect(await books.rows(last)).toEqual([
      { merchant_id: merchantId, currency: 'USD', carry_in: 0n, payout: 900n },
      { merchant_id: other, currency: 'KRW', carry_in: 0n, payout: 1_000n },
      { merchant_id: merchantId, currency: 'KRW', carry_in: -5_000n, payout: 2_000n },
    ]);
  });

  it('of a payment whose fee is more than itself is carried like any other', async () => {
    const merchantId = await books.addMerchant('2026-01-01', { feePpm: 0, fixedFee: 1_000 });
    await books.store(completed({ merchantId, amount: 100, approvedAt: `${D}${NOON}` }));
    await books.close(D);
    await books.store(completed({ merchantId, amount: 3_000, approvedAt: `2026-03-14${NOON}` }));
    await books.close('2026-03-14');
    expect(await books.rows(PAYOUTS)).toMatchObject([
      { net: -1_000n, carry_in: 0n, payout: 0n, carry_out: -1_000n },
      { net: 1_900n, carry_in: -1_000n, payout: 900n, carry_out: 0n },
    ]);
  });
});

describe('a day that is cancelled to nothing before it is closed', () => {
  it('pays nothing and owes nothing', async () => {
    const merchantId = await books.addMerchant();
    const payment = completed({ merchantId, amount: 30_000, approvedAt: `${D}${NOON}` });
    const cancelledAt = `${D}${NOON}`;
    await books.store(
      payment,
      cancelled(payment, { remainingBefore: 30_000, remainingAfter: 0, cancelledAt }),
    );
    await books.close(D);
    expect(await books.rows(PAYOUTS)).toEqual([
      { date: D, net: 0n, carry_in: 0n, payout: 0n, carry_out: 0n },
    ]);
  });
});

describe('any sequence of days', () => {
  const NETS_MAX = 8;
  /** Up to 120 closes, each of them durable. */
  const PROPERTY_TIMEOUT_MS = 120_000;

  it(
    'pays out in total what it earns, less what is still owed, and never less than nothing',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(
            fc.integer({ min: -10_000, max: 10_000 }).filter((net) => net !== 0),
            {
              minLength: 1,
              maxLength: NETS_MAX,
            },
          ),
          async (nets) => {
            await books.clear();
            const earlier = 10_000 * NETS_MAX;
            const old = await payLongAgo(await books.addMerchant('2026-01-01', FREE), earlier);
            let balance = earlier;
            let owed = 0n;
            for (const [index, net] of nets.entries()) {
              const date = addDays(D, index);
              balance = await move(old, balance, net, date);
              await books.close(date);
              const due = owed + BigInt(net);
              owed = due < 0n ? due : 0n;
              expect(await books.rows(LAST)).toEqual([
                { payout: due > 0n ? due : 0n, carry_out: owed },
              ]);
            }
          },
        ),
        { numRuns: 15 },
      );
    },
    PROPERTY_TIMEOUT_MS,
  );
});
