import { createHash } from 'node:crypto';
import type { SettlementItem } from './events.ts';

/** The hash of a statement's lines while they are read; see {@link hashItems}. */
export interface ItemsHash {
  /** @throws RangeError unless the lines come in the order of their ids, each once. */
  add(item: SettlementItem): void;
  digest(): string;
}

/**
 * The hash of a statement's lines: SHA-256, hex, over their fields in a fixed order, sorted by id.
 * Producer and reader both use it, so a statement is complete when count and hash agree.
 */
export function hashItems(items: readonly SettlementItem[]): string {
  const hash = createItemsHash();
  const byId = [...items].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  for (const item of byId) hash.add(item);
  return hash.digest();
}

/** The same hash for lines that are read in the order of their ids, however many there are. */
export function createItemsHash(): ItemsHash {
  const hash = createHash('sha256');
  let lastId = '';
  return {
    add({ id, kind, paymentId, orderId, saleDate, amount, fee, vat, net }) {
      if (id <= lastId) throw new RangeError('lines are hashed in the order of their ids');
      lastId = id;
      hash.update(
        `${JSON.stringify([id, kind, paymentId, orderId, saleDate, amount, fee, vat, net])}\n`,
      );
    },
    digest: () => hash.digest('hex'),
  };
}
