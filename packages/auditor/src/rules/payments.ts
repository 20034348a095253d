import { type Rule, sqlRule } from '../rule.ts';

const PAYMENTS = 'select count(*) from payment.payment';

/** Every payment, and whether it keeps its order from being paid again: by its facts alone. */
const LIVENESS = `
  select p.id, p.merchant_id, p.livemode, p.order_id,
         not coalesce(bool_or(f.kind = 'FAILED'), false)
           and coalesce(min((f.data ->> 'remainingAfter')::int8)
                          filter (where f.kind = 'CANCELLED'), 1) > 0 as live
  from payment.payment p
  left join payment.payment_fact f on f.payment_id = p.id
  group by p.id, p.merchant_id, p.livemode, p.order_id`;

export const PAYMENT_RULES: readonly Rule[] = [
  sqlRule({
    id: 'key-per-payment',
    scope: 'key',
    statement:
      'Every payment has exactly one idempotency key of its merchant and mode, and every key its ' +
      'payment.',
    checked: PAYMENTS,
    violations: `
      with keys as (
        select resource, count(*) as keys, min(merchant_id::text) as merchant_id,
               bool_and(livemode) as livemode
        from payment.idempotency_key
        where scope = 'payment'
        group by resource
      )
      select p.id as "paymentId", k.resource as "keyOf", coalesce(k.keys, 0) as keys
      from payment.payment p
      full join keys k on k.resource = p.id
      where k.keys is distinct from 1
        or (p.merchant_id::text, p.livemode) is distinct from (k.merchant_id, k.livemode)`,
  }),
  sqlRule({
    id: 'one-live-payment-per-order',
    statement: 'An order of a merchant has at most one payment that is not failed or cancelled.',
    checked: `
      select count(*) from (
        select distinct merchant_id, livemode, order_id from payment.payment) orders`,
    violations: `
      select merchant_id as "merchantId", livemode, order_id as "orderId",
             array_agg(id order by id) as "paymentIds"
      from (${LIVENESS}) payments
      where live
      group by merchant_id, livemode, order_id
      having count(*) > 1`,
  }),
  sqlRule({
    id: 'live-order-mark',
    scope: 'key',
    statement:
      'The key of a payment holds its order exactly as long as the payment is not failed or ' +
      'cancelled.',
    checked: `select count(*) from payment.idempotency_key where scope = 'payment'`,
    violations: `
      select p.id as "paymentId", p.live, p.order_id as "orderId",
             k.live_order_id as "liveOrderId"
      from (${LIVENESS}) p
      join payment.idempotency_key k on k.resource = p.id and k.scope = 'payment'
      where k.live_order_id is distinct from case when p.live then p.order_id end
      order by p.id`,
  }),
  sqlRule({
    id: 'one-outcome-per-payment',
    statement: 'A payment is approved or failed, once, and never both.',
    checked: `select count(*) from payment.payment_fact where kind in ('APPROVED', 'FAILED')`,
    violations: `
      select payment_id as "paymentId", array_agg(kind order by seq) as facts
      from payment.payment_fact
      where kind in ('APPROVED', 'FAILED')
      group by payment_id
      having count(*) > 1`,
  }),
  sqlRule({
    id: 'fact-is-outcome',
    statement:
      'The payment shows APPROVED or FAILED exactly if that is its outcome at the processor.',
    checked: 'select count(*) from processor.outcome',
    bounds: ['deliveryMs'],
    violations: `
      with fact as (
        select payment_id, kind, event_id from payment.payment_fact
        where kind in ('APPROVED', 'FAILED')
      )
      select coalesce(o.payment_id, f.payment_id) as "paymentId", o.kind as outcome,
             f.kind as fact
      from processor.outcome o
      full join fact f on f.payment_id = o.payment_id
      where (f.payment_id is null and o.committed_at < now() - $1::interval)
        or (f.payment_id is not null
            and (f.kind, f.event_id) is distinct from (o.kind, o.event_id))`,
  }),
  sqlRule({
    id: 'approved-as-requested',
    statement: 'What was approved is what was asked for: amount, currency, order, merchant, mode.',
    checked: `select count(*) from payment.payment_fact where kind = 'APPROVED'`,
    violations: `
      select p.id as "paymentId", p.amount, f.data ->> 'amount' as "approvedAmount",
             p.currency, f.data ->> 'currency' as "approvedCurrency"
      from payment.payment_fact f
      left join payment.payment p on p.id = f.payment_id
      where f.kind = 'APPROVED'
        and (p.amount::text, p.tax_free_amount::text, p.currency, p.order_id,
             p.merchant_id::text, p.livemode::text, p.pg)
          is distinct from
            (f.data ->> 'amount', f.data ->> 'taxFreeAmount', f.data ->> 'currency',
             f.data ->> 'orderId', f.data ->> 'merchantId', f.data ->> 'livemode', f.data ->> 'pg')
      order by p.id`,
  }),
  sqlRule({
    id: 'open-until-outcome',
    statement:
      'A payment without an outcome, and no other, is on the list of those announced again.',
    checked: PAYMENTS,
    violations: `
      with decided as (
        select distinct payment_id from payment.payment_fact where kind in ('APPROVED', 'FAILED')
      )
      select coalesce(p.id, o.payment_id) as "paymentId", d.payment_id is not null as decided,
             o.payment_id is not null as open
      from payment.payment p
      left join decided d on d.payment_id = p.id
      full join payment.payment_open o on o.payment_id = p.id
      where p.id is null or (d.payment_id is null) <> (o.payment_id is not null)`,
  }),
  sqlRule({
    id: 'request-arrives',
    statement: 'Every payment that was taken has arrived at the processor.',
    checked: PAYMENTS,
    bounds: ['deliveryMs'],
    violations: `
      select p.id as "paymentId", p.requested_at as "requestedAt"
      from payment.payment p
      where p.requested_at < now() - $1::interval
        and not exists (select from processor.attempt a where a.payment_id = p.id)
      order by p.id`,
  }),
];
