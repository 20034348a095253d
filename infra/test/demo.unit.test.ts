import { describe, expect, it } from 'vitest';
import { Checks } from '../demo/checks.ts';
import { forEachAtOnce } from '../demo/concurrency.ts';
import { sumCsv } from '../demo/csv-sums.ts';
import { planDay, SHOPS } from '../demo/plan.ts';
import { grouped, tableLines } from '../lib/table.ts';

describe('the day that the demo plans', () => {
  it('is the same in every run', () => {
    expect(planDay()).toEqual(planDay());
  });

  it('has every order once, approvals and several declines of every shop', () => {
    const day = planDay();
    expect(new Set(day.map(({ orderId }) => orderId)).size).toBe(day.length);
    for (const shop of SHOPS) {
      const own = day.filter((payment) => payment.shop === shop);
      expect(own.filter(({ end }) => end === 'FAILED').length).toBeGreaterThanOrEqual(5);
      expect(own.filter(({ end }) => end === 'APPROVED').length).toBeGreaterThan(50);
    }
  });

  it('has orders and amounts that the API takes', () => {
    for (const { orderId, amount } of planDay()) {
      expect(orderId).toMatch(/^[A-Za-z0-9_-]{6,64}$/);
      expect(amount).toBeGreaterThanOrEqual(1_000);
    }
  });
});

describe('the sums of a statement as CSV', () => {
  const HEADER = 'id,kind,paymentId,orderId,saleDate,amount,fee,vat,net';

  it('are exact beyond what a double holds', () => {
    const line = 'a,PAYMENT,p,o,2026-03-13,9007199254740993,1,0,9007199254740992';
    const sums = sumCsv(`\uFEFF${HEADER}\r\n${line}\r\n${line}\r\n`);
    expect(sums).toEqual({
      count: 2n,
      amount: 18014398509481986n,
      fee: 2n,
      vat: 0n,
      net: 18014398509481984n,
    });
  });

  it('are refused when a column is missing', () => {
    expect(() => sumCsv('id,amount\r\na,1\r\n')).toThrow('lacks a column');
  });
});

describe('a table', () => {
  it('aligns its columns and groups its numbers', () => {
    const lines = tableLines(
      [
        { heading: 'Shop', align: 'left' },
        { heading: 'Net', align: 'right' },
      ],
      [
        ['Books', grouped(1_234_567n)],
        ['A market', grouped(-89n)],
      ],
    );
    expect(lines).toEqual([
      'Shop            Net',
      '--------  ---------',
      'Books     1,234,567',
      'A market        -89',
    ]);
  });
});

describe('checks', () => {
  it('count what holds and show what was found instead', () => {
    const lines: string[] = [];
    const checks = new Checks((line) => lines.push(line));
    checks.that('water is wet', true, 'unused');
    checks.that('fire is cold', false, { degrees: 800 });
    expect([checks.passed, checks.failed]).toEqual([1, 1]);
    expect(lines).toEqual([
      '  ok      water is wet',
      '  NOT OK  fire is cold: found {"degrees":800}',
    ]);
  });
});

describe('work that is done several at once', () => {
  it('keeps the order of its items and never does more at once', async () => {
    let running = 0;
    let most = 0;
    const results = await forEachAtOnce([1, 2, 3, 4, 5], 2, async (item) => {
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      running -= 1;
      return item * 10;
    });
    expect(results).toEqual([10, 20, 30, 40, 50]);
    expect(most).toBe(2);
  });

  it('fails when one of them does', async () => {
    const work = forEachAtOnce([1, 2], 2, (item) =>
      item === 2 ? Promise.reject(new Error('two')) : Promise.resolve(item),
    );
    await expect(work).rejects.toThrow('two');
  });
});
