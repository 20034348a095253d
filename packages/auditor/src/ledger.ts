import type { PostgresSession } from '@mini-pg/database';
import { z } from 'zod';
import { CannotAuditError } from './cannot-audit-error.ts';

const PAGE_ROWS = 5_000;
const PAGE_TIMEOUT_MS = 10_000;

const pageSchema = z.object({
  data: z.array(
    z.object({
      seq: z.int(),
      pg: z.string(),
      orderId: z.string(),
      pgPaymentId: z.string(),
      pgTransactionId: z.string(),
      kind: z.enum(['CAPTURE', 'CANCEL']),
      amount: z.int(),
      at: z.iso.datetime({ offset: true }),
    }),
  ),
  next: z.int().nullable(),
});

type Page = z.infer<typeof pageSchema>;

/**
 * Where the ledger stands while it is compared: in the database, so that every rule is a query and
 * the memory of this process does not grow with the ledger. `source_key` is what the processor
 * keeps of a source: the SHA-256 of its canonical id.
 */
const CREATE_TABLE = `
  create temporary table ledger_entry (
    seq bigint primary key,
    pg text not null,
    order_id text not null,
    pg_payment_id text not null,
    pg_transaction_id text not null,
    source_key text not null,
    kind text not null,
    amount bigint not null,
    at timestamptz not null
  )`;

const INSERT_PAGE = `
  insert into pg_temp.ledger_entry
    (seq, pg, order_id, pg_payment_id, pg_transaction_id, source_key, kind, amount, at)
  select seq, pg, "orderId", "pgPaymentId", "pgTransactionId",
         encode(sha256(convert_to("pgPaymentId", 'UTF8')), 'hex'), kind, amount, at
  from jsonb_to_recordset($1::jsonb) as entry (
    seq bigint, pg text, "orderId" text, "pgPaymentId" text, "pgTransactionId" text, kind text,
    amount bigint, at timestamptz
  )`;

/** Makes the table, before the snapshot: a transaction that only reads may fill but not make one. */
export async function createLedgerTable(session: PostgresSession): Promise<void> {
  await session.query('begin read write');
  await session.query(CREATE_TABLE);
  await session.query('commit');
}

/**
 * Reads the gateway's ledger by pages to its end and puts it beside the snapshot. It is read after
 * the snapshot was taken: an approval that the snapshot shows was captured before.
 *
 * @throws CannotAuditError when the simulator does not answer with its ledger.
 */
export async function loadLedger(
  session: PostgresSession,
  simulatorUrl: string,
  onPage: (rows: number) => void,
): Promise<number> {
  let rows = 0;
  for (let after: number | null = 0; after !== null; ) {
    const page: Page = await readPage(simulatorUrl, after);
    if (page.data.length > 0) await session.query(INSERT_PAGE, [JSON.stringify(page.data)]);
    rows += page.data.length;
    if (page.next !== null && page.next <= after) {
      throw new CannotAuditError(`the ledger at ${simulatorUrl} does not go on after ${after}`);
    }
    after = page.next;
    onPage(rows);
  }
  await session.query('analyze pg_temp.ledger_entry');
  return rows;
}

async function readPage(simulatorUrl: string, after: number): Promise<Page> {
  const url = new URL(`/_sim/ledger?after=${after}&limit=${PAGE_ROWS}`, simulatorUrl);
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PAGE_TIMEOUT_MS) });
    if (!response.ok) throw new Error(`it answers ${response.status}`);
    return pageSchema.parse(await response.json());
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : messageOf(cause);
    throw new CannotAuditError(
      `the ledger at ${url} cannot be read (${reason}): is that a running pg-simulator?`,
      { cause },
    );
  }
}

/** What fetch says of a refused connection stands in its cause. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
