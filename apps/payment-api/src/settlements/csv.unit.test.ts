import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvCell, csvLine, writeCsv } from './csv.ts';

const ITEM = {
  id: '01a1fda0-0000-7000-8000-000000000001',
  kind: 'PAYMENT',
  paymentId: '01a1fda0-0000-7000-8000-000000000002',
  orderId: 'order-000001',
  saleDate: '2026-03-31',
  amount: 19_900,
  fee: 577,
  vat: 58,
  net: 19_265,
} as const;

describe('a cell', () => {
  it.each([
    ['plain', 'plain'],
    ['=1+1', '"\'=1+1"'],
    ['+cmd', '"\'+cmd"'],
    ['-abc-1', '"\'-abc-1"'],
    ['@SUM(A1)', '"\'@SUM(A1)"'],
    ['\tx', '"\'\tx"'],
    ['\rx', '"\'\rx"'],
    ['-1000', '-1000'],
    ['+12.5', '+12.5'],
    [-1000, '-1000'],
    [0, '0'],
    ['a,b', '"a,b"'],
    ['a"b', '"a""b"'],
    ['a\nb', '"a\nb"'],
    ['-1-1', '"\'-1-1"'],
  ])('of %j is %s', (value, expected) => {
    expect(csvCell(value)).toBe(expected);
  });

  it('never begins with what a spreadsheet runs, unless it is a number', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const [shown] = parseLine(csvLine([text]));
        const runs = /^[=+\-@\t\r]/.test(shown ?? '');
        expect(runs && !/^[+-]?\d+(\.\d+)?$/.test(shown ?? '')).toBe(false);
      }),
    );
  });
});

describe('a line', () => {
  it('reads back as the cells that it was written of', () => {
    const harmless = fc.string().filter((text) => !/^[=+\-@\t\r]/.test(text));
    fc.assert(
      fc.property(fc.array(harmless, { minLength: 1 }), (cells) => {
        expect(parseLine(csvLine(cells))).toEqual(cells);
      }),
    );
  });
});

describe('the file', () => {
  it('begins with the byte order mark and has the names of the fields as its header', async () => {
    const text = await fileOf([[ITEM], [{ ...ITEM, kind: 'CANCEL', amount: -19_900 }]]);
    expect(text).toBe(
      '\uFEFFid,kind,paymentId,orderId,saleDate,amount,fee,vat,net\r\n' +
        `${ITEM.id},PAYMENT,${ITEM.paymentId},order-000001,2026-03-31,19900,577,58,19265\r\n` +
        `${ITEM.id},CANCEL,${ITEM.paymentId},order-000001,2026-03-31,-19900,577,58,19265\r\n`,
    );
  });

  it('escapes an order id that reads as a formula', async () => {
    const text = await fileOf([[{ ...ITEM, orderId: '-cmd-order' }]]);
    expect(text).toContain(',"\'-cmd-order",');
  });
});

async function fileOf(
  pages: Parameters<typeof writeCsv>[0] extends AsyncIterable<infer P> ? P[] : never,
) {
  let text = '';
  for await (const chunk of writeCsv(fromArray(pages))) text += chunk;
  return text;
}

async function* fromArray<T>(values: readonly T[]): AsyncGenerator<T> {
  yield* values;
}

/** A reader of RFC 4180, written apart from the writer. */
function parseLine(line: string): string[] {
  const cells: string[] = [];
  let at = 0;
  while (at < line.length) {
    let cell = '';
    if (line[at] === '"') {
      at += 1;
      while (line[at] !== '"' || line[at + 1] === '"') {
        if (line[at] === '"') at += 1;
        cell += line[at];
        at += 1;
      }
      at += 1;
    } else {
      while (line[at] !== ',' && line[at] !== '\r') {
        cell += line[at];
        at += 1;
      }
    }
    cells.push(cell);
    if (line[at] === '\r') return cells;
    at += 1;
  }
  return cells;
}
