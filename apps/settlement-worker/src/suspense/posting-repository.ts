import type { Queryable } from '@mini-pg/database';
import type { Posting } from './posting.ts';

const COLUMNS = `
  attempt_id, kind, payment_id, merchant_id, livemode, order_id, currency, amount, pg,
  pg_account_id, pg_payment_id, pg_transaction_id, occurred_at, date, event_id`;

/**
 * Rows are inserted by key, so that two instances take their locks in one order. Every unique key
 * counts as a conflict: with one named, a row that another instance is inserting may break the
 * other one first.
 */
const INSERT_POSTINGS = {
  name: 'insert-suspense-postings',
  text: `
    insert into suspense_posting (${COLUMNS})
    select ${COLUMNS}
    from unnest(
      $1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::boolean[], $6::text[], $7::text[],
      $8::bigint[], $9::text[], $10::text[], $11::text[], $12::text[], $13::timestamptz[],
      $14::date[], $15::uuid[]
    ) as incoming (${COLUMNS})
    order by attempt_id, kind
    on conflict do nothing
    returning attempt_id`,
};

/** What must be there, and the same, after a posting was told. */
const FIND_DIFFERENT = {
  name: 'find-different-suspense-postings',
  text: `
    select told.attempt_id as "attemptId"
    from unnest(
      $1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::boolean[], $6::text[], $7::bigint[],
      $8::text[], $9::date[]
    ) as told (
      attempt_id, kind, payment_id, merchant_id, livemode, currency, amount, pg_transaction_id,
      date
    )
    left join suspense_posting stored using (attempt_id, kind)
    where (
      stored.payment_id, stored.merchant_id, stored.livemode, stored.currency, stored.amount,
      stored.pg_transaction_id, stored.date
    ) is distinct from (
      told.payment_id, told.merchant_id, told.livemode, told.currency, told.amount,
      told.pg_transaction_id, told.date
    )`,
};

/** Stores postings in one statement and returns how many are new; what is there stays as it is. */
export async function insertPostings(
  client: Queryable,
  postings: readonly Posting[],
): Promise<number> {
  if (postings.length === 0) return 0;
  const { rows } = await client.query({
    ...INSERT_POSTINGS,
    values: [
      postings.map((posting) => posting.attemptId),
      postings.map((posting) => posting.kind),
      postings.map((posting) => posting.paymentId),
      postings.map((posting) => posting.merchantId),
      postings.map((posting) => posting.livemode),
      postings.map((posting) => posting.orderId),
      postings.map((posting) => posting.currency),
      postings.map((posting) => posting.amount),
      postings.map((posting) => posting.pg),
      postings.map((posting) => posting.pgAccountId),
      postings.map((posting) => posting.pgPaymentId),
      postings.map((posting) => posting.pgTransactionId),
      postings.map((posting) => posting.occurredAt.toISOString()),
      postings.map((posting) => posting.date),
      postings.map((posting) => posting.eventId),
    ],
  });
  return rows.length;
}

/**
 * The attempts under which something else is posted than these postings say, or nothing, since
 * another attempt has their transaction.
 */
export async function findDifferentPostings(
  client: Queryable,
  postings: readonly Posting[],
): Promise<string[]> {
  if (postings.length === 0) return [];
  const { rows } = await client.query<{ attemptId: string }>({
    ...FIND_DIFFERENT,
    values: [
      postings.map((posting) => posting.attemptId),
      postings.map((posting) => posting.kind),
      postings.map((posting) => posting.paymentId),
      postings.map((posting) => posting.merchantId),
      postings.map((posting) => posting.livemode),
      postings.map((posting) => posting.currency),
      postings.map((posting) => posting.amount),
      postings.map((posting) => posting.pgTransactionId),
      postings.map((posting) => posting.date),
    ],
  });
  return rows.map((row) => row.attemptId);
}
