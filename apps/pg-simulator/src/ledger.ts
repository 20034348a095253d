export const LEDGER_KINDS = ['CAPTURE', 'CANCEL'] as const;

/** One movement of money that a real PG would have made. */
export interface LedgerRow {
  /** Counts from 1 without gaps, in the order in which money moved. */
  readonly seq: number;
  readonly pg: string;
  readonly orderId: string;
  readonly pgPaymentId: string;
  readonly pgTransactionId: string;
  readonly kind: (typeof LEDGER_KINDS)[number];
  /** Minor units, positive for both kinds. */
  readonly amount: number;
  readonly atMs: number;
}

export interface LedgerQuery {
  readonly pg?: string | undefined;
  readonly orderId?: string | undefined;
  /** Rows with a larger `seq`. */
  readonly after: number;
  readonly limit: number;
}

/** The truth about money, append-only: what a PG would find in its own books. */
export class Ledger {
  readonly #rows: LedgerRow[] = [];

  get size(): number {
    return this.#rows.length;
  }

  /** The number that the next row carries. */
  get nextSeq(): number {
    return this.#rows.length + 1;
  }

  /** @throws Error when the row does not follow the last one. */
  add(row: LedgerRow): void {
    if (row.seq !== this.nextSeq) {
      throw new Error(`ledger: row ${row.seq} cannot follow row ${this.#rows.length}`);
    }
    this.#rows.push(row);
  }

  /** Up to `limit` rows in order of `seq`, and the `after` of the next page, null on the last. */
  page(query: LedgerQuery): { rows: LedgerRow[]; next: number | null } {
    const rows: LedgerRow[] = [];
    for (let index = query.after; index < this.#rows.length; index += 1) {
      const row = this.#rows[index];
      if (!row || !matches(row, query)) continue;
      if (rows.length === query.limit) return { rows, next: rows.at(-1)?.seq ?? null };
      rows.push(row);
    }
    return { rows, next: null };
  }
}

function matches(row: LedgerRow, query: LedgerQuery): boolean {
  if (query.pg !== undefined && row.pg !== query.pg) return false;
  return query.orderId === undefined || row.orderId === query.orderId;
}
