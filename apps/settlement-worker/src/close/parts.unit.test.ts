import { hashItems } from '@mini-pg/domain';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutParts, type Line, type Part, type Statement } from './parts.ts';

const id = (group: string, n: number) =>
  `019a0000-0000-7000-${group}-${String(n).padStart(12, '0')}`;

function statementOf(merchant: number, count: number, partsPublished = 0): Statement {
  const merchantId = id('8aaa', merchant);
  return {
    id: id('8bbb', merchant),
    merchantId,
    livemode: true,
    currency: 'KRW',
    date: '2026-03-13',
    count: BigInt(count),
    gross: 0n,
    fee: 0n,
    vat: 0n,
    net: 0n,
    carryIn: 0n,
    payout: 0n,
    carryOut: 0n,
    payoutDate: '2026-03-17',
    partsPublished,
  };
}

async function* linesOf(statements: readonly Statement[]): AsyncGenerator<Line> {
  for (const { merchantId, count } of statements) {
    for (let n = 0; n < count; n += 1) {
      yield {
        id: id('8ccc', n),
        kind: 'PAYMENT',
        paymentId: id('8ddd', n),
        merchantId,
        orderId: 'order-1',
        currency: 'KRW',
        saleDate: '2026-03-13',
        amount: BigInt(n + 1),
        fee: 0n,
        vat: 0n,
        net: BigInt(n + 1),
      };
    }
  }
}

async function collect(parts: AsyncIterable<Part>): Promise<Part[]> {
  const collected: Part[] = [];
  for await (const part of parts) collected.push(part);
  return collected;
}

describe('the parts of statements', () => {
  it.each([
    [1, [1]],
    [499, [499]],
    [500, [500]],
    [501, [500, 1]],
    [1_500, [500, 500, 500]],
  ])('of %i lines hold %j', async (count, sizes) => {
    const statements = [statementOf(1, count)];
    const parts = await collect(cutParts(statements, linesOf(statements)));
    expect(parts.map((part) => part.items.length)).toEqual(sizes);
    expect(parts.map((part) => part.part)).toEqual(sizes.map((_, n) => n + 1));
    expect(parts.every((part) => part.parts === sizes.length)).toBe(true);
  });

  it('never mix two statements; the last of each carries the hash of all its lines', async () => {
    const counts = fc.array(fc.integer({ min: 1, max: 1_100 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(counts, async (sizes) => {
        const statements = sizes.map((size, n) => statementOf(n, size));
        const parts = await collect(cutParts(statements, linesOf(statements)));
        for (const statement of statements) {
          const own = parts.filter((part) => part.statement === statement);
          const lines = own.flatMap((part) => part.items);
          expect(lines).toHaveLength(Number(statement.count));
          expect(own.map((part) => part.itemsHash)).toEqual([
            ...own.slice(1).map(() => null),
            hashItems(lines),
          ]);
        }
      }),
      { numRuns: 20 },
    );
  });

  it('that are out already are not given again, but count for the hash', async () => {
    const whole = [statementOf(1, 1_200)];
    const rest = [statementOf(1, 1_200, 2)];
    const all = await collect(cutParts(whole, linesOf(whole)));
    const left = await collect(cutParts(rest, linesOf(rest)));
    expect(left.map((part) => part.part)).toEqual([3]);
    expect(left[0]?.items).toEqual(all[2]?.items);
    expect(left[0]?.itemsHash).toBe(all[2]?.itemsHash);
  });

  it.each([
    ['fewer lines than it counts', [statementOf(1, 3)], [statementOf(1, 2)], 'lacks lines'],
    ['no lines', [statementOf(1, 1), statementOf(2, 1)], [statementOf(1, 1)], 'lacks lines'],
    ['more lines than it counts', [statementOf(1, 2)], [statementOf(1, 3)], 'without a statement'],
    ['lines of another', [statementOf(1, 2)], [statementOf(2, 2)], 'does not belong'],
  ])('are refused for a statement with %s', async (_what, statements, lines, message) => {
    await expect(collect(cutParts(statements, linesOf(lines)))).rejects.toThrow(message);
  });
});
