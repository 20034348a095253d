import { type Rule, sqlRule } from '../rule.ts';

const CANCELS = `select count(*) from settlement.fact where kind = 'CANCEL'`;

/** Cancels in the books, each with the fact of its payment. */
const CANCELS_OF_PAYMENTS = `
  from settlement.fact c
  left join settlement.fact p
    on p.kind = 'PAYMENT' and p.payment_id = c.payment_id and p.livemode = c.livemode
  where c.kind = 'CANCEL'`;

/** What the books make of cancels. */
export const CANCEL_RULES: readonly Rule[] = [
  sqlRule({
    id: 'cancel-is-fact',
    statement:
      'Every cancel that the merchant sees is one fact of the books, of the same money, and the ' +
      'reverse.',
    checked: `select count(*) from payment.payment_fact where kind = 'CANCELLED'`,
    bounds: ['deliveryMs'],
    violations: `
      with seen as (
        select fact_key as id, payment_id, recorded_at, data
        from payment.payment_fact where kind = 'CANCELLED'
      ), fact as (
        select * from settlement.fact where kind = 'CANCEL'
      )
      select coalesce(s.payment_id, f.payment_id) as "paymentId",
             coalesce(s.id, f.id) as "cancelId", s.data ->> 'cancelAmount' as amount,
             f.amount as "factAmount"
      from seen s
      full join fact f on f.id = s.id
      where (f.id is null and s.recorded_at < now() - $1::interval)
        or (s.id is null and f.recorded_at < now() - $1::interval)
        or (s.id is not null and f.id is not null
            and (s.payment_id::text, s.data ->> 'merchantId', s.data ->> 'livemode',
                 s.data ->> 'currency', s.data ->> 'cancelAmount', s.data ->> 'remainingAfter')
              is distinct from
                (f.payment_id::text, f.merchant_id::text, f.livemode::text, f.currency,
                 f.amount::text, f.remaining_after::text))`,
  }),
  sqlRule({
    id: 'cancel-has-payment',
    statement:
      'Every cancel in the books has its payment there, of the same merchant, order and ' +
      'currency, and is charged back by the terms of its date.',
    checked: CANCELS,
    bounds: ['deliveryMs'],
    violations: `
      select c.id as "cancelId", c.payment_id as "paymentId", p.id as "paymentFactId",
             c.terms_date as "termsDate", p.sale_date as "paymentSaleDate"
      ${CANCELS_OF_PAYMENTS}
        and ((p.id is null and c.recorded_at < now() - $1::interval)
             or (p.id is not null
                 and (c.merchant_id, c.order_id, c.currency, c.terms_date)
                   is distinct from (p.merchant_id, p.order_id, p.currency, p.sale_date)))
      order by c.id`,
  }),
  sqlRule({
    id: 'cancels-fit-payment',
    statement:
      'The cancels of a payment follow each other from its amount downwards: each begins with ' +
      'what the one before it left.',
    checked: CANCELS,
    bounds: ['deliveryMs'],
    violations: `
      select id as "cancelId", payment_id as "paymentId", amount, remaining_before as "before",
             due as "dueBefore"
      from (
        select c.id, c.payment_id, c.amount, c.remaining_before, c.recorded_at,
               coalesce(lag(c.remaining_after) over (
                 partition by c.payment_id, c.livemode
                 order by c.remaining_before desc, c.remaining_after desc), p.amount) as due
        ${CANCELS_OF_PAYMENTS}
      ) cancel
      where remaining_before > due
        or (remaining_before < due and recorded_at < now() - $1::interval)
      order by id`,
  }),
  sqlRule({
    id: 'cancel-charged-as-payment',
    statement:
      'A cancel is closed with its payment or later, and charged back by the terms on the line ' +
      'of its payment.',
    checked: `select count(*) from settlement.settlement_item where kind = 'CANCEL'`,
    violations: `
      with item as (
        select i.*, r.date
        from settlement.settlement_item i
        left join settlement.settlement_run r on r.id = i.run_id
      )
      select c.id as "cancelId", c.payment_id as "paymentId", c.date, p.date as "paymentDate",
             c.fee_ppm as "feePpm", p.fee_ppm as "paymentFeePpm",
             c.fixed_fee as "fixedFee", p.fixed_fee as "paymentFixedFee"
      from item c
      left join item p
        on p.kind = 'PAYMENT' and p.payment_id = c.payment_id and p.livemode = c.livemode
      where c.kind = 'CANCEL'
        and (p.id is null or p.date > c.date
             or (c.fee_ppm, c.fixed_fee, c.vat_mode)
               is distinct from (p.fee_ppm, p.fixed_fee, p.vat_mode))
      order by c.id`,
  }),
];
