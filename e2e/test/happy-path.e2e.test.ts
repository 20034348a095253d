import { addDays, businessDateOf, paymentLine } from '@mini-pg/domain';
import { type System, startSystem } from '@mini-pg/local-stack';
import { waitFor } from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkedBy, expectCleanAtRest } from '../support/at-rest.ts';
import { awaitOutcomes, startLoad } from '../support/load.ts';
import { Merchant, openWindow, paymentOf, type Settlement, TERMS } from '../support/merchant.ts';

const DECLINE_EVERY = 10;
const COUNT = 120;
const INCLUSIVE = { feePpm: 25_000, fixedFee: 100, vatMode: 'INCLUSIVE', payoutDays: 5 } as const;

describe('a day of two merchants', () => {
  let system: System;
  let books: Merchant;
  let market: Merchant;
  let today: string;

  beforeAll(async () => {
    system = await startSystem({ isolate: true });
    books = await Merchant.register(system, TERMS);
    market = await Merchant.register(system, INCLUSIVE);
  });

  afterAll(() => system?.stop());

  it('takes payments and brings each to its outcome', async () => {
    const scenarioOf = (index: number): string =>
      index % DECLINE_EVERY === 0 ? 'decline:REJECT_CARD_COMPANY' : 'approve';
    const load = startLoad(system, books, { name: 'books', count: COUNT, scenarioOf });
    const taken = await load.done;
    expect(taken.flatMap(({ statuses }) => statuses)).toEqual(Array(COUNT).fill(202));
    const payments = await awaitOutcomes(
      books,
      taken.map(({ paymentId }) => paymentId),
    );
    const failed = payments.filter(({ status }) => status === 'FAILED');
    expect(failed).toHaveLength(COUNT / DECLINE_EVERY);
    expect(new Set(failed.map(({ failure }) => failure?.code))).toEqual(new Set(['CARD_DECLINED']));
    const approved = payments.filter(({ status }) => status === 'APPROVED');
    expect(approved).toHaveLength(COUNT - COUNT / DECLINE_EVERY);
    expect(new Set(approved.map(({ pgTransactionId }) => pgTransactionId)).size).toBe(
      approved.length,
    );
  });

  it('answers a request that waits with its outcome, and its repeat with the same bytes', async () => {
    const body = await openWindow(system, { orderId: 'market-0001', amount: 64_601 });
    const first = await market.pay(body, 'key-market-0001', 10);
    expect(first.status).toBe(201);
    expect(paymentOf(first).status).toBe('APPROVED');
    const again = await market.pay(body, 'key-market-0001');
    expect(again.status).toBe(201);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(JSON.parse(again.text)).toEqual(JSON.parse(first.text));
  });

  it('lets a declined order be paid again, and a paid one not', async () => {
    const [declined] = await books.paymentsOf('books-00000');
    expect(declined?.status).toBe('FAILED');
    const second = await openWindow(system, { orderId: 'books-00000', amount: 5_000 });
    expect((await books.pay(second, 'key-second-try', 10)).status).toBe(201);
    const third = await openWindow(system, { orderId: 'books-00000', amount: 5_000 });
    const refused = await books.pay(third, 'key-third-try');
    expect([refused.status, JSON.parse(refused.text).code]).toEqual([409, 'ORDER_ALREADY_ACTIVE']);
  });

  it('takes payments of test mode, and shows them to no live key', async () => {
    const test = await books.inTestMode();
    const body = await openWindow(system, { orderId: 'test-0001', amount: 7_000 });
    const paid = await test.pay(body, 'key-test-0001', 10);
    expect(paid.status).toBe(201);
    expect(await books.paymentsOf('test-0001')).toEqual([]);
  });

  it('closes the day once, and no day that has not come', async () => {
    today = businessDateOf(new Date());
    const close = await system.run('settlement-worker', 'close', ['--date', today]);
    expect([close.code, close.output]).toEqual([0, expect.stringContaining(`${today} closed`)]);
    const again = await system.run('settlement-worker', 'close', ['--date', today]);
    expect(again.code).toBe(0);
    const future = await system.run('settlement-worker', 'close', ['--date', addDays(today, 1)]);
    expect(future.code).toBe(2);
  });

  it('gives each merchant a statement that adds up to the won, as pages and as a file', async () => {
    const statement = await awaitStatement(books);
    const items = await books.items(statement.id);
    expect(items).toHaveLength(COUNT - COUNT / DECLINE_EVERY + 1);
    expect(items.map(({ orderId }) => orderId)).not.toContain('test-0001');
    const policy = { feePpm: 29_000n, fixedFee: 0n, vatMode: 'EXCLUSIVE' } as const;
    for (const { amount, fee, vat, net } of items) {
      const due = paymentLine(BigInt(amount), policy);
      expect([fee, vat, net].map(BigInt)).toEqual([due.fee, due.vat, due.net]);
    }
    expect(sumOf(items)).toEqual(sumOf([{ ...statement, amount: statement.gross }]));

    const csv = await books.csv(statement.id);
    const [header, ...lines] = csv.text.trimEnd().split('\r\n');
    expect(header).toBe('\uFEFFid,kind,paymentId,orderId,saleDate,amount,fee,vat,net');
    const cells = lines.map((line) => line.split(','));
    const total = (column: number): bigint =>
      cells.reduce((sum, row) => sum + BigInt(row[column] ?? ''), 0n);
    const { gross, fee, vat, net } = statement;
    expect([5, 6, 7, 8].map(total)).toEqual([gross, fee, vat, net].map(BigInt));

    const { count, net: marketNet } = await awaitStatement(market);
    // 2.5 % of 64,601 is 1,615, with the fixed 100 it is 1,715, VAT included.
    expect([count, marketNet]).toEqual([1, 64_601 - 1_715]);
  });

  it('shows the payments as SETTLED, with every step of their way', async () => {
    const [paid] = await market.paymentsOf('market-0001');
    const settled = await waitFor(
      async () => {
        const payment = await market.payment(paid?.id ?? '');
        return payment.status === 'SETTLED' && payment;
      },
      { what: 'SETTLED' },
    );
    expect(settled.settledAt).not.toBeNull();
    expect(await market.timeline(settled.id)).toEqual(['REQUESTED', 'APPROVED', 'SETTLED']);
  });

  it('is clean', async () => {
    const report = await expectCleanAtRest(system);
    expect(checkedBy(report, 'capture-has-attempt')).toBe(COUNT - COUNT / DECLINE_EVERY + 3);
    expect(checkedBy(report, 'item-fee')).toBe(COUNT - COUNT / DECLINE_EVERY + 2);
  });

  function awaitStatement(merchant: Merchant): Promise<Settlement> {
    return waitFor(
      async () => (await merchant.settlements()).find(({ status }) => status === 'CLOSED'),
      { what: 'the statement' },
    );
  }
});

function sumOf(lines: readonly { amount: number; fee: number; vat: number; net: number }[]) {
  return lines.reduce(
    (sum, { amount, fee, vat, net }) => ({
      amount: sum.amount + BigInt(amount),
      fee: sum.fee + BigInt(fee),
      vat: sum.vat + BigInt(vat),
      net: sum.net + BigInt(net),
    }),
    { amount: 0n, fee: 0n, vat: 0n, net: 0n },
  );
}
