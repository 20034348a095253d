const COLUMNS = ['amount', 'fee', 'vat', 'net'] as const;

/** What the lines of a statement add up to, in minor units. */
export interface LineSums {
  readonly count: bigint;
  readonly amount: bigint;
  readonly fee: bigint;
  readonly vat: bigint;
  readonly net: bigint;
}

/**
 * Adds up the lines of a CSV whose cells hold no commas, as those of a statement do not.
 *
 * @throws Error when a column is missing, SyntaxError when a cell is no integer.
 */
export function sumCsv(csv: string): LineSums {
  const [header = '', ...lines] = csv
    .replace(/^\uFEFF/, '')
    .trimEnd()
    .split('\r\n');
  const names = header.split(',');
  const sums = { count: 0n, amount: 0n, fee: 0n, vat: 0n, net: 0n };
  for (const line of lines) {
    const cells = line.split(',');
    sums.count += 1n;
    for (const column of COLUMNS) sums[column] += BigInt(cellOf(cells, names.indexOf(column)));
  }
  return sums;
}

function cellOf(cells: readonly string[], index: number): string {
  const cell = cells[index];
  if (cell === undefined || cell === '') throw new Error('the CSV lacks a column');
  return cell;
}
