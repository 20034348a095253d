import type { SettlementItem } from '@mini-pg/domain';

/** Without it a spreadsheet takes the file for the machine's old code page. */
const BYTE_ORDER_MARK = '\uFEFF';
const LINE_END = '\r\n';

/** The names of the fields are the header (docs/reference/http.md). */
const COLUMNS = [
  'id',
  'kind',
  'paymentId',
  'orderId',
  'saleDate',
  'amount',
  'fee',
  'vat',
  'net',
] as const satisfies readonly (keyof SettlementItem)[];

/** The chunks of a CSV file (RFC 4180, UTF-8 with BOM) of items that come page by page. */
export async function* writeCsv(
  pages: AsyncIterable<readonly SettlementItem[]>,
): AsyncGenerator<string> {
  yield BYTE_ORDER_MARK + COLUMNS.join(',') + LINE_END;
  for await (const page of pages) {
    yield page.map((item) => csvLine(COLUMNS.map((column) => item[column]))).join('');
  }
}

export function csvLine(cells: readonly (string | number)[]): string {
  return cells.map(csvCell).join(',') + LINE_END;
}

const FORMULA = /^[=+\-@\t\r]/;
const NUMERIC = /^[+-]?\d+(?:\.\d+)?$/;
const NEEDS_QUOTES = /[",\r\n\t']/;

/**
 * One cell. Text that a spreadsheet would run as a formula gets an apostrophe in front, so that it
 * is shown as it is; a number never does, or sums would break (docs/reference/settlement-rules.md).
 */
export function csvCell(value: string | number): string {
  const text = String(value);
  const safe = FORMULA.test(text) && !NUMERIC.test(text) ? `'${text}` : text;
  return NEEDS_QUOTES.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
