import { z } from 'zod';
import { read, send } from '../support/http.ts';

const PAGE_ROWS = 10_000;

const pageSchema = z.object({
  data: z.array(
    z.object({ seq: z.int(), orderId: z.string(), kind: z.enum(['CAPTURE', 'CANCEL']) }),
  ),
  next: z.int().nullable(),
});

type LedgerRow = z.infer<typeof pageSchema>['data'][number];

/** How often the gateway captured each order number, in its own books after a row of them. */
export async function capturesOf(simulator: string, after: number): Promise<Map<string, number>> {
  const captures = new Map<string, number>();
  for (const { orderId, kind } of await rowsAfter(simulator, after)) {
    if (kind === 'CAPTURE') captures.set(orderId, (captures.get(orderId) ?? 0) + 1);
  }
  return captures;
}

/** The last row of the gateway's books; 0 while there is none. */
export async function ledgerEnd(simulator: string): Promise<number> {
  return (await rowsAfter(simulator, 0)).at(-1)?.seq ?? 0;
}

async function rowsAfter(simulator: string, after: number): Promise<LedgerRow[]> {
  const rows: LedgerRow[] = [];
  for (let from: number | null = after; from !== null; ) {
    const url: string = `${simulator}/_sim/ledger?after=${from}&limit=${PAGE_ROWS}`;
    const page: z.infer<typeof pageSchema> = read(await send(url), 200, pageSchema);
    rows.push(...page.data);
    from = page.next;
  }
  return rows;
}
