import { grouped, tableLines } from '../lib/table.ts';
import type { Checks } from './checks.ts';
import type { MerchantClient, Settlement } from './clients.ts';
import { until } from './concurrency.ts';
import { sumCsv } from './csv-sums.ts';
import type { Shop } from './plan.ts';
import type { Return, Sale } from './sales.ts';

const CLOSED_TIMEOUT_MS = 60_000;

export interface ShopStatement {
  readonly shop: Shop;
  readonly client: MerchantClient;
  readonly settlement: Settlement;
}

/** What the shops have sold, and what shoppers got back of it. */
export interface Day {
  readonly sales: readonly Sale[];
  readonly returns: readonly Return[];
}

/** The dates that a run touched: two when midnight in Seoul came in between. */
export interface DateRange {
  readonly from: string;
  readonly to: string;
}

/** Waits until the gateway shows each shop's statements as complete, over all that it sold. */
export async function awaitStatements(
  shops: readonly { readonly shop: Shop; readonly client: MerchantClient }[],
  { sales, returns }: Day,
  dates: DateRange,
): Promise<ShopStatement[]> {
  const statements = await Promise.all(
    shops.map(async ({ shop, client }) => {
      const closed = await until(`the statement of ${shop.name}`, CLOSED_TIMEOUT_MS, async () => {
        const found = await client.settlements(dates.from, dates.to);
        const stated = found.reduce((sum, { count }) => sum + count, 0);
        const isClosed = found.every(({ status }) => status === 'CLOSED');
        const lines = approvedOf(shop, sales).length + returnsOf(shop, returns).length;
        return isClosed && stated >= lines ? found : undefined;
      });
      return closed.map((settlement) => ({ shop, client, settlement }));
    }),
  );
  return statements.flat();
}

export function statementTable(statements: readonly ShopStatement[]): string[] {
  const columns = ['Merchant', 'Date', 'Lines', 'Gross', 'Fee', 'VAT', 'Net', 'Pays out'];
  return tableLines(
    columns.map((heading, index) => ({ heading, align: index < 2 ? 'left' : 'right' })),
    statements.map(({ shop, settlement }) => [
      shop.name,
      settlement.date,
      String(settlement.count),
      ...[settlement.gross, settlement.fee, settlement.vat, settlement.net].map((amount) =>
        grouped(BigInt(amount)),
      ),
      settlement.payoutDate,
    ]),
  );
}

/** Adds up each CSV to the won, and compares it with the statement and with what was sold. */
export async function checkStatements(
  statements: readonly ShopStatement[],
  { sales, returns }: Day,
  checks: Checks,
): Promise<void> {
  for (const { shop, client, settlement } of statements) {
    const sums = sumCsv(await client.itemsAsCsv(settlement.id));
    const { count, gross, fee, vat, net } = settlement;
    checks.that(
      `the CSV of ${shop.name} adds up to its statement, to the won`,
      sums.count === BigInt(count) &&
        sums.amount === BigInt(gross) &&
        sums.fee === BigInt(fee) &&
        sums.vat === BigInt(vat) &&
        sums.net === BigInt(net) &&
        sums.net === sums.amount - sums.fee - sums.vat,
      Object.entries(sums).map(([name, sum]) => `${name} ${sum}`),
    );
  }
  for (const shop of new Set(statements.map((statement) => statement.shop))) {
    const own = statements.filter((statement) => statement.shop === shop);
    const stated = own.reduce((sum, { settlement }) => sum + BigInt(settlement.gross), 0n);
    const sold = sumOf(approvedOf(shop, sales)) - sumOf(returnsOf(shop, returns));
    checks.that(
      `${shop.name} is stated all it sold less what was returned: ${grouped(sold)} won`,
      stated === sold,
      { stated: String(stated) },
    );
  }
}

function sumOf(amounts: readonly { readonly amount: number }[]): bigint {
  return amounts.reduce((sum, { amount }) => sum + BigInt(amount), 0n);
}

function returnsOf(shop: Shop, returns: readonly Return[]): Return[] {
  return returns.filter(({ sale }) => sale.shop === shop);
}

function approvedOf(shop: Shop, sales: readonly Sale[]): Sale[] {
  return sales.filter((sale) => sale.shop === shop && sale.end === 'APPROVED');
}
