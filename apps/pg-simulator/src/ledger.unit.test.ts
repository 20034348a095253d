import { describe, expect, it } from 'vitest';
import { Ledger } from './ledger.ts';

function filled(count: number): Ledger {
  const ledger = new Ledger();
  for (let seq = 1; seq <= count; seq += 1) {
    ledger.add({
      seq,
      pg: 'toss',
      orderId: seq % 2 === 0 ? 'even' : 'odd',
      pgPaymentId: `p${seq}`,
      pgTransactionId: `t${seq}`,
      kind: 'CAPTURE',
      amount: seq,
      atMs: 0,
    });
  }
  return ledger;
}

const seqs = (page: { rows: { seq: number }[] }) => page.rows.map(({ seq }) => seq);

describe('the ledger', () => {
  it('pages from after, in order, until next is null', () => {
    const ledger = filled(5);
    const first = ledger.page({ after: 0, limit: 2 });
    expect([seqs(first), first.next]).toEqual([[1, 2], 2]);
    const second = ledger.page({ after: 2, limit: 2 });
    expect([seqs(second), second.next]).toEqual([[3, 4], 4]);
    const last = ledger.page({ after: 4, limit: 2 });
    expect([seqs(last), last.next]).toEqual([[5], null]);
  });

  it('says null when the last row fills the page, and when there is nothing', () => {
    expect(filled(2).page({ after: 0, limit: 2 }).next).toBeNull();
    expect(filled(2).page({ after: 9, limit: 2 })).toEqual({ rows: [], next: null });
  });

  it('pages the rows of one order', () => {
    const page = filled(6).page({ orderId: 'even', after: 0, limit: 2 });
    expect([seqs(page), page.next]).toEqual([[2, 4], 4]);
    expect(seqs(filled(6).page({ orderId: 'even', after: 4, limit: 2 }))).toEqual([6]);
    expect(seqs(filled(6).page({ pg: 'stripe', after: 0, limit: 2 }))).toEqual([]);
  });

  it('takes no row that leaves a gap or comes twice', () => {
    const [row] = filled(1).page({ after: 0, limit: 1 }).rows;
    const ledger = filled(3);
    for (const seq of [3, 5]) {
      expect(() => ledger.add({ ...(row as NonNullable<typeof row>), seq })).toThrow(`row ${seq}`);
    }
  });
});
