import type { PostgresSession } from '@mini-pg/database';
import { z } from 'zod';

/**
 * Idempotency keys in the order of their primary key, a page at a time. They have no index by
 * payment, so a slice of them begins with the keys and follows them to their payments.
 */
const FILL_PAGE = `
  insert into pg_temp.payment__idempotency_key
  select * from payment.idempotency_key
  where (merchant_id, livemode, scope, key) > ($1::uuid, $2::boolean, $3, $4)
  order by merchant_id, livemode, scope, key
  limit $5`;

const READ_LAST = `
  select merchant_id, livemode, scope, key from pg_temp.payment__idempotency_key
  order by merchant_id desc, livemode desc, scope desc, key desc
  limit 1`;

const positionSchema = z.tuple([z.uuid(), z.boolean(), z.string(), z.string()]);

/** Before every key there can be. */
export const FIRST_PAGE = JSON.stringify(['00000000-0000-0000-0000-000000000000', false, '', '']);

export interface KeyPage {
  readonly rows: number;
  /** Where the next page begins; {@link FIRST_PAGE} after the last one. */
  readonly next: string;
}

/** Fills the slice with the page of keys that begins after a position. */
export async function fillKeyPage(
  session: PostgresSession,
  after: string,
  rowsMax: number,
): Promise<KeyPage> {
  const position = positionSchema.parse(JSON.parse(after));
  const { rowCount } = await session.query(FILL_PAGE, [...position, rowsMax]);
  const rows = rowCount ?? 0;
  if (rows < rowsMax) return { rows, next: FIRST_PAGE };
  const { rows: last } = await session.query<{
    merchant_id: string;
    livemode: boolean;
    scope: string;
    key: string;
  }>(READ_LAST);
  const [row] = last;
  if (row === undefined) return { rows, next: FIRST_PAGE };
  return { rows, next: JSON.stringify([row.merchant_id, row.livemode, row.scope, row.key]) };
}
