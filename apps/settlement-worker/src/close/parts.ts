import {
  createItemsHash,
  SETTLEMENT_ITEMS_PER_MESSAGE_MAX,
  type SettlementItem,
  toJsonInteger,
} from '@mini-pg/domain';

/** A statement of which not every part is published. */
export interface Statement {
  readonly id: string;
  readonly merchantId: string;
  readonly livemode: boolean;
  readonly currency: string;
  readonly date: string;
  readonly count: bigint;
  readonly gross: bigint;
  readonly fee: bigint;
  readonly vat: bigint;
  readonly net: bigint;
  readonly carryIn: bigint;
  readonly payout: bigint;
  readonly carryOut: bigint;
  readonly payoutDate: string;
  readonly partsPublished: number;
}

/** A line as it is stored. */
export interface Line {
  readonly id: string;
  readonly kind: 'PAYMENT' | 'CANCEL';
  readonly paymentId: string;
  readonly merchantId: string;
  readonly orderId: string;
  readonly currency: string;
  readonly saleDate: string;
  readonly amount: bigint;
  readonly fee: bigint;
  readonly vat: bigint;
  readonly net: bigint;
}

/** At most 500 lines of a statement; the last part knows the hash over all of them. */
export interface Part {
  readonly statement: Statement;
  readonly part: number;
  readonly parts: number;
  readonly items: readonly SettlementItem[];
  readonly itemsHash: string | null;
}

/**
 * Cuts the lines of statements, which come in the same order, into parts. The cut depends on the
 * lines alone, so a second time gives the same parts; those that are out already are hashed but not
 * given again.
 *
 * @throws Error when a statement has more or fewer lines than it counts.
 */
export async function* cutParts(
  statements: readonly Statement[],
  lines: AsyncIterable<Line>,
): AsyncGenerator<Part> {
  const waiting = [...statements];
  let cut: Cut | undefined;
  for await (const line of lines) {
    cut ??= beginCut(waiting.shift());
    const part = takeLine(cut, line);
    if (part === undefined) continue;
    if (part.part > cut.statement.partsPublished) yield part;
    if (part.itemsHash !== null) cut = undefined;
  }
  const missing = cut?.statement ?? waiting[0];
  if (missing !== undefined) throw new Error(`statement ${missing.id} lacks lines`);
}

interface Cut {
  readonly statement: Statement;
  readonly hash: ReturnType<typeof createItemsHash>;
  readonly count: number;
  readonly parts: number;
  taken: number;
  items: SettlementItem[];
}

function beginCut(statement: Statement | undefined): Cut {
  if (statement === undefined) throw new Error('there are lines without a statement');
  const count = toJsonInteger(statement.count);
  const parts = Math.ceil(count / SETTLEMENT_ITEMS_PER_MESSAGE_MAX);
  return { statement, hash: createItemsHash(), count, parts, taken: 0, items: [] };
}

function takeLine(cut: Cut, line: Line): Part | undefined {
  const { statement, hash, count, parts } = cut;
  if (line.merchantId !== statement.merchantId || line.currency !== statement.currency) {
    throw new Error(`line ${line.id} does not belong to statement ${statement.id}`);
  }
  const item = itemOf(line);
  hash.add(item);
  cut.items.push(item);
  cut.taken += 1;
  const isLast = cut.taken === count;
  if (!isLast && cut.items.length < SETTLEMENT_ITEMS_PER_MESSAGE_MAX) return undefined;
  const items = cut.items;
  cut.items = [];
  const part = Math.ceil(cut.taken / SETTLEMENT_ITEMS_PER_MESSAGE_MAX);
  return { statement, part, parts, items, itemsHash: isLast ? hash.digest() : null };
}

function itemOf(line: Line): SettlementItem {
  return {
    id: line.id,
    kind: line.kind,
    paymentId: line.paymentId,
    orderId: line.orderId,
    saleDate: line.saleDate,
    amount: toJsonInteger(line.amount),
    fee: toJsonInteger(line.fee),
    vat: toJsonInteger(line.vat),
    net: toJsonInteger(line.net),
  };
}
