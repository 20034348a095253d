import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SettlementItem } from './events.ts';
import { createItemsHash, hashItems } from './settlement-items.ts';

const items: fc.Arbitrary<SettlementItem> = fc.record({
  id: fc.uuid(),
  kind: fc.constantFrom('PAYMENT' as const, 'CANCEL' as const),
  paymentId: fc.uuid(),
  orderId: fc.stringMatching(/^[A-Za-z0-9_-]{6,64}$/),
  saleDate: fc.constantFrom('2026-03-31', '2026-04-01'),
  amount: fc.maxSafeInteger(),
  fee: fc.maxSafeInteger(),
  vat: fc.maxSafeInteger(),
  net: fc.maxSafeInteger(),
});
const statements = fc.uniqueArray(items, { selector: (item) => item.id, minLength: 1 });

const line: SettlementItem = {
  id: '019a0000-0000-7000-8000-000000000001',
  kind: 'PAYMENT',
  paymentId: '019a0000-0000-7000-8000-0000000000aa',
  orderId: 'order-1',
  saleDate: '2026-03-31',
  amount: 50_000,
  fee: 1_650,
  vat: 165,
  net: 48_185,
};

describe('the hash of the lines of a statement', () => {
  it('is SHA-256 over each line as a JSON array and a line feed', () => {
    const text =
      '["019a0000-0000-7000-8000-000000000001","PAYMENT","019a0000-0000-7000-8000-0000000000aa",' +
      '"order-1","2026-03-31",50000,1650,165,48185]\n';
    expect(hashItems([line])).toBe(createHash('sha256').update(text).digest('hex'));
  });

  it('does not depend on the order in which lines arrived', () => {
    fc.assert(
      fc.property(statements, (statement) => {
        expect(hashItems([...statement].reverse())).toBe(hashItems(statement));
      }),
    );
  });

  it('is the same line by line', () => {
    fc.assert(
      fc.property(statements, (statement) => {
        const hasher = createItemsHash();
        const byId = [...statement].sort((a, b) => (a.id < b.id ? -1 : 1));
        for (const item of byId) hasher.add(item);
        expect(hasher.digest()).toBe(hashItems(statement));
      }),
    );
  });

  it.each([
    ['id', '019a0000-0000-7000-8000-000000000002'],
    ['kind', 'CANCEL'],
    ['paymentId', '019a0000-0000-7000-8000-0000000000ab'],
    ['orderId', 'order-2'],
    ['saleDate', '2026-04-01'],
    ['amount', 50_001],
    ['fee', 1_651],
    ['vat', 166],
    ['net', 48_186],
  ])('changes with %s', (field, value) => {
    expect(hashItems([{ ...line, [field]: value }])).not.toBe(hashItems([line]));
  });

  it('refuses lines out of order, and one line twice', () => {
    const hasher = createItemsHash();
    hasher.add(line);
    expect(() => hasher.add(line)).toThrow('in the order of their ids');
  });
});
