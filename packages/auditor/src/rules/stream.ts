import type { AuditSession } from '../rule.ts';

const BATCH_ROWS = 2_000;

/**
 * The rows of a query, a batch at a time through a cursor of the audit's own transaction, so that
 * the memory of this process does not grow with the table.
 */
export async function* streamRows<Row extends object>(
  { session, slice = (whole) => whole }: AuditSession,
  query: string,
): AsyncGenerator<Row> {
  await session.query(`declare audited no scroll cursor for ${slice(query)}`);
  try {
    for (;;) {
      const { rows } = await session.query<Row>(`fetch ${BATCH_ROWS} from audited`);
      yield* rows;
      if (rows.length < BATCH_ROWS) return;
    }
  } finally {
    await session.query('close audited');
  }
}
