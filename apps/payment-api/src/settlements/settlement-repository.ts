import type { Queryable } from '@mini-pg/database';
import { type SettlementItem, toJsonInteger } from '@mini-pg/domain';
import type { Principal } from '../principal.ts';
import type { SettlementView } from './settlement-schemas.ts';

interface SettlementRow {
  readonly id: string;
  readonly merchant_id: string;
  readonly livemode: boolean;
  readonly date: string;
  readonly currency: string;
  readonly count: bigint;
  readonly gross: bigint;
  readonly fee: bigint;
  readonly vat: bigint;
  readonly net: bigint;
  readonly carry_in: bigint;
  readonly payout: bigint;
  readonly carry_out: bigint;
  readonly payout_date: string;
  readonly closed_at: Date;
  readonly complete_at: Date | null;
}

const COLUMNS = `id, merchant_id, livemode, date, currency, count, gross, fee, vat, net,
                 carry_in, payout, carry_out, payout_date, closed_at, complete_at`;

/** A settlement of this merchant and mode, or null. */
export async function findSettlement(
  database: Queryable,
  { merchantId, livemode }: Principal,
  id: string,
): Promise<SettlementView | null> {
  const { rows } = await database.query<SettlementRow>(
    `select ${COLUMNS} from settlement where id = $1 and merchant_id = $2 and livemode = $3`,
    [id, merchantId, livemode],
  );
  return rows[0] === undefined ? null : viewOf(rows[0]);
}

export interface SettlementRange {
  /** Business dates, both inclusive; null: no bound. */
  readonly from: string | null;
  readonly to: string | null;
  /** Date and id of the settlement that the page before ended with. */
  readonly after: readonly [string, string] | null;
  readonly limit: number;
}

/** The newest date first. */
export async function findSettlements(
  database: Queryable,
  { merchantId, livemode }: Principal,
  range: SettlementRange,
): Promise<SettlementView[]> {
  const { rows } = await database.query<SettlementRow>(
    `select ${COLUMNS} from settlement
     where merchant_id = $1 and livemode = $2
       and ($3::date is null or date >= $3) and ($4::date is null or date <= $4)
       and ($5::date is null or (date, id) < ($5, $6::uuid))
     order by date desc, id desc limit $7`,
    [
      merchantId,
      livemode,
      range.from,
      range.to,
      range.after?.[0] ?? null,
      range.after?.[1] ?? null,
      range.limit,
    ],
  );
  return rows.map(viewOf);
}

interface ItemRow {
  readonly id: string;
  readonly kind: SettlementItem['kind'];
  readonly payment_id: string;
  readonly order_id: string;
  readonly sale_date: string;
  readonly amount: bigint;
  readonly fee: bigint;
  readonly vat: bigint;
  readonly net: bigint;
}

/** Before every id of a line. */
const ID_MIN = '00000000-0000-0000-0000-000000000000';

/** Items in the order of their ids, those after `afterId`. */
export async function findItems(
  database: Queryable,
  settlementId: string,
  afterId: string | null,
  limit: number,
): Promise<SettlementItem[]> {
  const { rows } = await database.query<ItemRow>({
    name: 'find_settlement_items',
    text: `select id, kind, payment_id, order_id, sale_date, amount, fee, vat, net
           from settlement_item
           where settlement_id = $1 and id > $2 order by id limit $3`,
    values: [settlementId, afterId ?? ID_MIN, limit],
  });
  return rows.map(itemOf);
}

const PAGE_SIZE = 1_000;

/** All items in the order of their ids, a page at a time: a statement may hold millions. */
export async function* readItems(
  database: Queryable,
  settlementId: string,
): AsyncGenerator<SettlementItem[]> {
  let afterId: string | null = null;
  for (;;) {
    const page: SettlementItem[] = await findItems(database, settlementId, afterId, PAGE_SIZE);
    if (page.length > 0) yield page;
    if (page.length < PAGE_SIZE) return;
    afterId = page.at(-1)?.id ?? null;
  }
}

function viewOf(row: SettlementRow): SettlementView {
  return {
    id: row.id,
    merchantId: row.merchant_id,
    livemode: row.livemode,
    date: row.date,
    currency: row.currency as SettlementView['currency'],
    count: toJsonInteger(row.count),
    gross: toJsonInteger(row.gross),
    fee: toJsonInteger(row.fee),
    vat: toJsonInteger(row.vat),
    net: toJsonInteger(row.net),
    carryIn: toJsonInteger(row.carry_in),
    payout: toJsonInteger(row.payout),
    carryOut: toJsonInteger(row.carry_out),
    payoutDate: row.payout_date,
    status: row.complete_at === null ? 'RECEIVING' : 'CLOSED',
    closedAt: row.closed_at.toISOString(),
  };
}

function itemOf(row: ItemRow): SettlementItem {
  return {
    id: row.id,
    kind: row.kind,
    paymentId: row.payment_id,
    orderId: row.order_id,
    saleDate: row.sale_date,
    amount: toJsonInteger(row.amount),
    fee: toJsonInteger(row.fee),
    vat: toJsonInteger(row.vat),
    net: toJsonInteger(row.net),
  };
}
