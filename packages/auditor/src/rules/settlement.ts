import { type Rule, sqlRule } from '../rule.ts';

const ITEMS = 'select count(*) from settlement.settlement_item';
const FACTS = 'select count(*) from settlement.fact';

export const SETTLEMENT_RULES: readonly Rule[] = [
  sqlRule({
    id: 'approval-is-fact',
    statement:
      'Every approval is one fact of the books, of the same money, merchant, mode, transaction ' +
      'and time of the gateway; and no such fact is without an approval.',
    checked: `select count(*) from processor.outcome where kind = 'APPROVED'`,
    bounds: ['deliveryMs'],
    violations: `
      with approval as (
        select o.committed_at, a.id, a.payment_id, a.merchant_id, a.livemode, a.order_id,
               a.currency, a.amount, a.tax_free_amount, a.pg, a.pg_account_id, a.pg_transaction_id,
               a.approved_at
        from processor.outcome o
        join processor.attempt a on a.id = o.attempt_id
        where o.kind = 'APPROVED'
      ), fact as (
        select * from settlement.fact where kind = 'PAYMENT'
      )
      select coalesce(a.payment_id, f.payment_id) as "paymentId", a.id as "attemptId",
             f.id as "factId", a.amount, f.amount as "factAmount"
      from approval a
      full join fact f on f.id = a.id
      where (f.id is null and a.committed_at < now() - $1::interval)
        or (f.id is not null
            and (a.id, a.payment_id, a.merchant_id, a.livemode, a.order_id, a.currency, a.amount,
                 a.tax_free_amount, a.pg, a.pg_account_id, a.pg_transaction_id, a.approved_at)
              is distinct from
                (f.id, f.payment_id, f.merchant_id, f.livemode, f.order_id, f.currency, f.amount,
                 f.tax_free_amount, f.pg, f.pg_account_id, f.pg_transaction_id, f.occurred_at))`,
  }),
  sqlRule({
    id: 'sale-date-of-fact',
    statement: 'The sale date of a fact is the date in Seoul of the time that the gateway gave.',
    checked: FACTS,
    violations: `
      select id as "factId", occurred_at as "occurredAt", sale_date as "saleDate"
      from settlement.fact
      where sale_date <> ((occurred_at at time zone 'UTC') + interval '9 hours')::date
      order by id`,
  }),
  sqlRule({
    id: 'items-of-run',
    statement:
      'Every fact is the item of the first close that saw it, with its terms and for a cancel ' +
      'with its payment, on or after its sale date; no item is without a fact, and no close left ' +
      'one out.',
    checked: FACTS,
    violations: `
      with due as (
        select f.id, f.payment_id, f.sale_date, first.id as run_id, first.date
        from settlement.fact f
        left join settlement.fact paid
          on f.kind = 'CANCEL' and paid.kind = 'PAYMENT'
            and paid.payment_id = f.payment_id and paid.livemode = f.livemode
        left join lateral (
          select r.id, r.date
          from settlement.settlement_run r
          where r.snapshot is not null and r.date >= f.sale_date
            and pg_visible_in_snapshot(f.xid, r.snapshot)
            and exists (
              select from settlement.merchant_terms t
              where t.merchant_id = f.merchant_id and t.from_date <= f.terms_date
                and pg_visible_in_snapshot(t.xid, r.snapshot))
            and (f.kind = 'PAYMENT'
                 or (paid.sale_date <= r.date and pg_visible_in_snapshot(paid.xid, r.snapshot)))
          order by r.date limit 1
        ) first on true
        where f.livemode
      )
      select coalesce(due.id, i.id) as "itemId",
             coalesce(due.payment_id, i.payment_id) as "paymentId",
             due.sale_date as "saleDate", due.run_id as "dueInRun", due.date as "dueOn",
             i.run_id as "inRun"
      from due
      full join settlement.settlement_item i on i.id = due.id
      where due.id is null or due.run_id is distinct from i.run_id`,
  }),
  sqlRule({
    id: 'item-tells-fact',
    scope: 'statement',
    statement:
      'An item carries what its fact has: payment, merchant, mode, order, currency, sale date ' +
      'and amount, negative for a cancel.',
    checked: ITEMS,
    violations: `
      select i.id as "itemId", i.payment_id as "paymentId", i.amount, f.amount as "factAmount"
      from settlement.settlement_item i
      left join settlement.fact f on f.id = i.id
      where (i.kind, i.payment_id, i.merchant_id, i.livemode, i.order_id, i.currency, i.sale_date,
             i.amount)
        is distinct from
          (f.kind, f.payment_id, f.merchant_id, f.livemode, f.order_id, f.currency, f.sale_date,
           case f.kind when 'CANCEL' then -f.amount else f.amount end)
      order by i.id`,
  }),
  sqlRule({
    id: 'item-terms-in-effect',
    scope: 'statement',
    statement: "An item was charged by the merchant's terms that held on its date.",
    checked: ITEMS,
    violations: `
      select i.id as "itemId", i.merchant_id as "merchantId", f.terms_date as "termsDate",
             i.fee_ppm as "feePpm", t.fee_ppm as "dueFeePpm", i.fixed_fee as "fixedFee",
             t.fixed_fee as "dueFixedFee", i.vat_mode as "vatMode", t.vat_mode as "dueVatMode"
      from settlement.settlement_item i
      join settlement.fact f on f.id = i.id
      left join lateral (
        select fee_ppm, fixed_fee, vat_mode
        from payment.merchant_terms m
        where m.merchant_id = i.merchant_id and m.from_date <= f.terms_date
        order by m.from_date desc limit 1
      ) t on true
      where (i.fee_ppm, i.fixed_fee, i.vat_mode)
        is distinct from (t.fee_ppm, t.fixed_fee, t.vat_mode)
      order by i.id`,
  }),
  sqlRule({
    id: 'open-facts-listed',
    statement: 'The facts that wait for a close are exactly the live ones without an item.',
    checked: FACTS,
    violations: `
      with without_item as (
        select f.id, f.sale_date from settlement.fact f
        where f.livemode
          and not exists (select from settlement.settlement_item i where i.id = f.id)
      )
      select coalesce(w.id, o.fact_id) as "factId", w.sale_date as "saleDate",
             o.sale_date as "listedUnder"
      from without_item w
      full join settlement.fact_open o on o.fact_id = w.id
      where w.sale_date is distinct from o.sale_date`,
  }),
  sqlRule({
    id: 'test-mode-never-settles',
    statement: 'Nothing that was paid in test mode is in an item or a statement.',
    checked: ITEMS,
    violations: `
      select 'item' as "in", i.id, i.payment_id as "paymentId"
      from settlement.settlement_item i
      left join payment.payment p on p.id = i.payment_id
      left join settlement.fact f on f.id = i.id
      where not (i.livemode and coalesce(p.livemode, true) and coalesce(f.livemode, true))
      union all
      select 'statement', id, null from settlement.settlement where not livemode
      union all
      select 'statement of the merchant', id, null from payment.settlement where not livemode`,
  }),
  sqlRule({
    id: 'terms-agree',
    statement: 'The books know the terms of every merchant as the merchant was given them.',
    checked: 'select count(*) from payment.merchant_terms',
    bounds: ['deliveryMs'],
    violations: `
      select coalesce(p.merchant_id, s.merchant_id) as "merchantId",
             coalesce(p.from_date, s.from_date) as "from",
             to_jsonb(p) - 'created_at' - 'created_by' as given, to_jsonb(s) - 'xid' as known
      from payment.merchant_terms p
      full join settlement.merchant_terms s
        on s.merchant_id = p.merchant_id and s.from_date = p.from_date
      left join payment.merchant m on m.id = coalesce(p.merchant_id, s.merchant_id)
      where (p.fee_ppm, p.fixed_fee, p.vat_mode, p.payout_days)
          is distinct from (s.fee_ppm, s.fixed_fee, s.vat_mode, s.payout_days)
        and (m.id is null or m.updated_at < now() - $1::interval)`,
  }),
];
