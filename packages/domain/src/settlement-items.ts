import { createHash } from 'node:crypto';
import type { SettlementItem } from './events.ts';

/**
 * The hash of a statement's lines: SHA-256, hex, over their fields in a fixed order, sorted by id.
 * Producer and reader both use it, so a statement is complete when count and hash agree
 * (design, section 6).
 */
export function hashItems(items: readonly SettlementItem[]): string {
  const hash = createHash('sha256');
  const byId = [...items].sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  for (const item of byId) {
    const { id, kind, paymentId, orderId, saleDate, amount, fee, vat, net } = item;
    hash.update(
      `${JSON.stringify([id, kind, paymentId, orderId, saleDate, amount, fee, vat, net])}\n`,
    );
  }
  return hash.digest('hex');
}
