import { CANCELLED_PAYMENT } from '../facts/cancelled-payment.ts';
import type { CloseContext } from './context.ts';
import { lockRun, type Run } from './run.ts';
import { transact } from './session.ts';

/** One close runs at a time, so it may sort a day in memory. */
const SORT_MEMORY = '256MB';

/** Signed as in a statement: a cancel takes away. */
const SIGNED_AMOUNT = `case fact.kind when 'PAYMENT' then fact.amount else -fact.amount end`;

const HAS_TERMS = `
  exists (
    select from merchant_terms terms
    where terms.merchant_id = open.merchant_id and terms.from_date <= open.terms_date
  )`;

/** A cancel is charged back as its payment was charged, so no earlier close takes it. */
const hasPaymentBy = (date: '$1' | '$2') =>
  `coalesce(paid.sale_date <= ${date}, open.cancelled_payment_id is null)`;

const COUNT_FACTS = `
  insert into settlement_control (run_id, stage, currency, count, gross)
  select $1, 'FACTS', fact.currency, count(*), sum(${SIGNED_AMOUNT})
  from fact_open open
  join fact on fact.id = open.fact_id
  ${CANCELLED_PAYMENT}
  where open.sale_date <= $2 and ${HAS_TERMS} and ${hasPaymentBy('$2')}
  group by fact.currency`;

const COUNT_HELD = `
  select count(*) as held
  from fact_open open
  ${CANCELLED_PAYMENT}
  where open.sale_date <= $1 and not (${HAS_TERMS} and ${hasPaymentBy('$1')})`;

/**
 * The charge of a payment is computed on its amount; that of a cancel is what the charge of the
 * remainder falls by, under the terms on the payment's item where an earlier run made one. Terms
 * are looked up by index for each fact, which stays linear whatever the planner knows about a day
 * that was just written. Rows are written in the order in which statements are read.
 */
const MAKE_ITEMS = `
  with item as (
    insert into settlement_item (
      id, run_id, kind, payment_id, merchant_id, livemode, order_id, currency, sale_date,
      amount, fee, vat, net, fee_ppm, fixed_fee, vat_mode
    )
    select
      fact.id, $1, fact.kind, fact.payment_id, fact.merchant_id, fact.livemode, fact.order_id,
      fact.currency, fact.sale_date,
      line.amount, line.fee, line.vat, line.amount - line.fee - line.vat,
      terms.fee_ppm, terms.fixed_fee, terms.vat_mode
    from fact_open open
    join fact on fact.id = open.fact_id
    ${CANCELLED_PAYMENT}
    left join lateral (
      select fee_ppm, fixed_fee, vat_mode from settlement_item where id = paid.id limit 1
    ) snapshot on true
    cross join lateral (
      select
        coalesce(snapshot.fee_ppm, dated.fee_ppm) as fee_ppm,
        coalesce(snapshot.fixed_fee, dated.fixed_fee) as fixed_fee,
        coalesce(snapshot.vat_mode, dated.vat_mode) as vat_mode
      from merchant_terms dated
      where dated.merchant_id = open.merchant_id and dated.from_date <= open.terms_date
      order by dated.from_date desc
      limit 1
    ) terms
    cross join lateral (
      select
        fee_charged(coalesce(fact.remaining_before, fact.amount), terms.fee_ppm, terms.fixed_fee)
          as before,
        fee_charged(coalesce(fact.remaining_after, 0), terms.fee_ppm, terms.fixed_fee) as after,
        case fact.kind when 'PAYMENT' then 1 else -1 end as sign
    ) charged
    cross join lateral (
      select
        charged.sign * fact.amount as amount,
        charged.sign * (
          fee_supply(charged.before, terms.vat_mode) - fee_supply(charged.after, terms.vat_mode)
        ) as fee,
        charged.sign * (
          fee_vat(charged.before, terms.vat_mode) - fee_vat(charged.after, terms.vat_mode)
        ) as vat
    ) line
    where open.sale_date <= $2 and ${hasPaymentBy('$2')}
    order by fact.merchant_id, fact.currency, fact.id
    returning id, sale_date
  )
  delete from fact_open open using item
  where open.sale_date = item.sale_date and open.fact_id = item.id`;

/**
 * Tells the planner what the day has written, from a sample: after a restore, or before autovacuum
 * comes, it may else read a whole index for each cancel. Nothing is waited for: whoever holds a
 * table is maintaining it.
 */
const ANALYZE = 'analyze (skip_locked) fact_open, fact';

/**
 * Makes the items of a run: one for each open live fact up to its date whose merchant has terms,
 * and whose payment is known if it is a cancel.
 * One snapshot serves the count of the facts, the items, and the snapshot that the run keeps, so
 * that anybody can tell later which facts the run must have taken.
 */
export async function makeItems({ session, reach }: CloseContext, run: Run): Promise<void> {
  await session.query(ANALYZE);
  await transact(session, 'repeatable read', async () => {
    await session.query(`set local work_mem = '${SORT_MEMORY}'`);
    await lockRun(session, run);
    await session.query(COUNT_FACTS, [run.id, run.date]);
    const { rows } = await session.query<{ held: bigint }>(COUNT_HELD, [run.date]);
    await reach('facts-counted');
    await session.query(MAKE_ITEMS, [run.id, run.date]);
    await reach('items-written');
    await session.query(
      `update settlement_run
       set status = 'ITEMIZED', snapshot = pg_current_snapshot(), facts_held = $2,
         itemized_at = clock_timestamp()
       where id = $1`,
      [run.id, rows[0]?.held],
    );
  });
  await reach('itemized');
}
