import type { Queryable } from '@mini-pg/database';
import { cancelOfWaitId, cancelWaitId } from '../cancels/wait-id.ts';
import type { FactRow, PaymentRow } from './facts.ts';

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

/** Those of the payments and cancels that requests wait for which have an outcome. */
export async function readDecided(
  database: Queryable,
  waitIds: readonly string[],
): Promise<string[]> {
  const cancels = waitIds.flatMap((id) => cancelOfWaitId(id) ?? []);
  const payments = waitIds.filter((id) => cancelOfWaitId(id) === null);
  const decided = await Promise.all([
    payments.length === 0 ? [] : readDecidedPayments(database, payments),
    cancels.length === 0 ? [] : readDecidedCancels(database, cancels),
  ]);
  return decided.flat();
}

async function readDecidedPayments(database: Queryable, ids: readonly string[]): Promise<string[]> {
  const { rows } = await database.query<{ payment_id: string }>({
    name: 'read_decided',
    text: `select distinct payment_id from payment_fact
           where payment_id = any($1::uuid[]) and kind in ('APPROVED', 'FAILED')`,
    values: [ids],
  });
  return rows.map((row) => row.payment_id);
}

/** As `cancelOutcome` has it. */
async function readDecidedCancels(
  database: Queryable,
  cancels: readonly { readonly paymentId: string; readonly cancelId: string }[],
): Promise<string[]> {
  const { rows } = await database.query<{ payment_id: string; cancel_id: string }>({
    name: 'read_decided_cancels',
    text: `select distinct w.payment_id, w.cancel_id
           from unnest($1::uuid[], $2::uuid[]) as w (payment_id, cancel_id)
           join payment_fact f on f.payment_id = w.payment_id
           where (f.kind in ('CANCELLED', 'CANCEL_FAILED') and f.fact_key = w.cancel_id)
              or (f.kind = 'FAILED'
                  and f.data -> 'failure' ->> 'code' = 'CANCELLED_BEFORE_APPROVAL')`,
    values: [cancels.map((cancel) => cancel.paymentId), cancels.map((cancel) => cancel.cancelId)],
  });
  return rows.map((row) => cancelWaitId(row.payment_id, row.cancel_id));
}
