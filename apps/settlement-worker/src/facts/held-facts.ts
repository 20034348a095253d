import type { Queryable } from '@mini-pg/database';
import { CANCELLED_PAYMENT } from './cancelled-payment.ts';

/**
 * Why an open fact is left out of a close: its merchant is not known, or has no terms that early, or
 * it is a cancel whose payment is not known.
 */
export type HeldReason = 'NO_MERCHANT' | 'NO_TERMS' | 'NO_PAYMENT';

export interface HeldFact {
  readonly id: string;
  readonly kind: string;
  readonly reason: HeldReason;
  readonly paymentId: string;
  readonly merchantId: string;
  readonly orderId: string;
  readonly currency: string;
  readonly amount: bigint;
  readonly saleDate: string;
  readonly recordedAt: Date;
}

/** Terms are in effect on a date exactly when the first of them is not after it. */
const FIRST_TERMS = `
  left join (
    select merchant_id, min(from_date) as from_date from merchant_terms group by merchant_id
  ) first using (merchant_id)`;
/** Null where a close may take the fact. */
const REASON = `
  case
    when first.from_date is null then 'NO_MERCHANT'
    when first.from_date > open.terms_date then 'NO_TERMS'
    when open.cancelled_payment_id is not null and paid.id is null then 'NO_PAYMENT'
  end`;
const HELD = `
  select open.sale_date, open.fact_id, reason.reason
  from fact_open open ${FIRST_TERMS} ${CANCELLED_PAYMENT}
  cross join lateral (select ${REASON} as reason) reason
  where reason.reason is not null`;

/** A page of the held facts, oldest sale date first. */
export async function listHeldFacts(
  client: Queryable,
  page: { after: { saleDate: string; id: string } | undefined; limit: number },
): Promise<HeldFact[]> {
  const { rows } = await client.query<HeldFact>(
    `select fact.id, fact.kind, held.reason, fact.payment_id as "paymentId",
       fact.merchant_id as "merchantId", fact.order_id as "orderId", fact.currency, fact.amount,
       fact.sale_date as "saleDate", fact.recorded_at as "recordedAt"
     from (
       ${HELD} and (open.sale_date, open.fact_id) > ($1::date, $2::uuid)
       order by open.sale_date, open.fact_id
       limit $3
     ) held
     join fact on fact.id = held.fact_id
     order by held.sale_date, held.fact_id`,
    [
      page.after?.saleDate ?? '-infinity',
      page.after?.id ?? '00000000-0000-0000-0000-000000000000',
      page.limit,
    ],
  );
  return rows;
}

/** How many facts are held, by reason, and for how long the oldest of each has been. */
export async function countHeldFacts(
  client: Queryable,
): Promise<{ reason: HeldReason; count: number; oldestSeconds: number }[]> {
  const { rows } = await client.query<{
    reason: HeldReason;
    count: number;
    oldestSeconds: number;
  }>(
    `select held.reason, count(*)::int as count,
       extract(epoch from clock_timestamp() - min(fact.recorded_at))::float8 as "oldestSeconds"
     from (${HELD}) held
     join fact on fact.id = held.fact_id
     group by held.reason`,
  );
  return rows;
}
