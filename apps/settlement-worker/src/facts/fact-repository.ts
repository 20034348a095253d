import type { Queryable } from '@mini-pg/database';
import type { Fact } from './fact.ts';

const COLUMNS = `
  id, kind, payment_id, merchant_id, livemode, order_id, currency, amount, tax_free_amount,
  remaining_before, remaining_after, pg, pg_account_id, pg_order_id, pg_payment_id,
  pg_transaction_id, method_detail, occurred_at, sale_date, terms_date, event_id`;

/**
 * Rows are inserted by id, so that two instances take their locks in one order. Every unique key
 * counts as a conflict: with one named, a row that another instance is inserting may break another
 * one first.
 */
const INSERT_FACTS = {
  name: 'insert-facts',
  text: `
    insert into fact (${COLUMNS})
    select ${COLUMNS}
    from unnest(
      $1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::boolean[], $6::text[], $7::text[],
      $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::text[], $13::text[],
      $14::text[], $15::text[], $16::text[], $17::jsonb[], $18::timestamptz[], $19::date[],
      $20::date[], $21::uuid[]
    ) as incoming (${COLUMNS})
    order by id
    on conflict do nothing
    returning id`,
};

/** What must be there, and the same, after a fact was told. */
const FIND_DIFFERENT = {
  name: 'find-different-facts',
  text: `
    select told.id
    from unnest(
      $1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::boolean[], $6::text[], $7::bigint[],
      $8::text[], $9::date[]
    ) as told (
      id, kind, payment_id, merchant_id, livemode, currency, amount, pg_transaction_id, sale_date
    )
    left join fact on fact.id = told.id
    where (
      fact.kind, fact.payment_id, fact.merchant_id, fact.livemode, fact.currency, fact.amount,
      fact.pg_transaction_id, fact.sale_date
    ) is distinct from (
      told.kind, told.payment_id, told.merchant_id, told.livemode, told.currency, told.amount,
      told.pg_transaction_id, told.sale_date
    )`,
};

/**
 * Stores facts in one statement and returns the ids that are new. A fact that is there already
 * stays as it is.
 */
export async function insertFacts(client: Queryable, facts: readonly Fact[]): Promise<string[]> {
  if (facts.length === 0) return [];
  const { rows } = await client.query<{ id: string }>({
    ...INSERT_FACTS,
    values: [
      facts.map((fact) => fact.id),
      facts.map((fact) => fact.kind),
      facts.map((fact) => fact.paymentId),
      facts.map((fact) => fact.merchantId),
      facts.map((fact) => fact.livemode),
      facts.map((fact) => fact.orderId),
      facts.map((fact) => fact.currency),
      facts.map((fact) => fact.amount),
      facts.map((fact) => fact.taxFreeAmount),
      facts.map((fact) => fact.remainingBefore),
      facts.map((fact) => fact.remainingAfter),
      facts.map((fact) => fact.pg),
      facts.map((fact) => fact.pgAccountId),
      facts.map((fact) => fact.pgOrderId),
      facts.map((fact) => fact.pgPaymentId),
      facts.map((fact) => fact.pgTransactionId),
      facts.map((fact) => JSON.stringify(fact.methodDetail)),
      facts.map((fact) => fact.occurredAt.toISOString()),
      facts.map((fact) => fact.saleDate),
      facts.map((fact) => fact.termsDate),
      facts.map((fact) => fact.eventId),
    ],
  });
  return rows.map((row) => row.id);
}

/**
 * The ids under which something else is stored than these facts say, or nothing, since another fact
 * has their payment, their capture or their balance.
 */
export async function findDifferentFacts(
  client: Queryable,
  facts: readonly Fact[],
): Promise<string[]> {
  if (facts.length === 0) return [];
  const { rows } = await client.query<{ id: string }>({
    ...FIND_DIFFERENT,
    values: [
      facts.map((fact) => fact.id),
      facts.map((fact) => fact.kind),
      facts.map((fact) => fact.paymentId),
      facts.map((fact) => fact.merchantId),
      facts.map((fact) => fact.livemode),
      facts.map((fact) => fact.currency),
      facts.map((fact) => fact.amount),
      facts.map((fact) => fact.pgTransactionId),
      facts.map((fact) => fact.saleDate),
    ],
  });
  return rows.map((row) => row.id);
}
