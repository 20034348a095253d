import type { Queryable } from '@mini-pg/database';
import type { FactRow, PaymentRow } from './view.ts';

export interface StoredPayment extends PaymentRow {
  /** In the order in which they were stored. */
  readonly facts: readonly FactRow[];
}

/** Payment and facts come from one statement, so that the count of facts belongs to what is read. */
const READ = `
  select p.id, p.merchant_id, p.livemode, p.order_id, p.order_name, p.amount, p.tax_free_amount,
         p.currency, p.pg, p.metadata, p.requested_at, p.expires_at,
         coalesce(
           (select jsonb_agg(jsonb_build_object('kind', f.kind, 'data', f.data) order by f.seq)
            from payment_fact f where f.payment_id = p.id),
           '[]') as facts
  from payment p
  where p.id = any($1::uuid[])`;

export async function readPayments(
  database: Queryable,
  ids: readonly string[],
): Promise<StoredPayment[]> {
  const { rows } = await database.query<StoredPayment>({
    name: 'read_payments',
    text: READ,
    values: [ids],
  });
  return rows;
}

export async function readPayment(database: Queryable, id: string): Promise<StoredPayment | null> {
  return (await readPayments(database, [id]))[0] ?? null;
}

/** Those of the payments that have an outcome. */
export async function readDecided(database: Queryable, ids: readonly string[]): Promise<string[]> {
  const { rows } = await database.query<{ payment_id: string }>({
    name: 'read_decided',
    text: `select distinct payment_id from payment_fact
           where payment_id = any($1::uuid[]) and kind in ('APPROVED', 'FAILED')`,
    values: [ids],
  });
  return rows.map((row) => row.payment_id);
}
