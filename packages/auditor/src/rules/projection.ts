import { type Rule, sqlRule } from '../rule.ts';

/** Statements whose every event has left the books. */
const PUBLISHED = `
  select s.*, r.closed_at
  from settlement.settlement s
  join settlement.settlement_run r on r.id = s.run_id
  where s.published_at is not null`;

export const PROJECTION_RULES: readonly Rule[] = [
  sqlRule({
    id: 'statement-reaches-merchant',
    scope: 'statement',
    statement:
      'The merchant sees every statement of the books, complete and to the won, and no other.',
    checked: `select count(*) from settlement.settlement where published_at is not null`,
    bounds: ['deliveryMs'],
    violations: `
      select coalesce(s.id, p.id) as "settlementId", s.net, p.net as "shownNet", s.count,
             p.count as "shownCount", p.complete_at as "completeAt"
      from (${PUBLISHED}) s
      full join payment.settlement p on p.id = s.id
      where (p.complete_at is null and s.published_at < now() - $1::interval)
        or (p.id is not null
            and (p.merchant_id, p.livemode, p.date, p.currency, p.count, p.gross, p.fee, p.vat,
                 p.net, p.carry_in, p.payout, p.payout_date, p.items_hash)
              is distinct from
                (s.merchant_id, s.livemode, s.date, s.currency, s.count, s.gross, s.fee, s.vat,
                 s.net, s.carry_in, s.payout, s.payout_date, s.items_hash)
            and not exists (select from settlement.settlement b
                            where b.id = p.id and b.published_at is null))`,
  }),
  sqlRule({
    id: 'lines-reach-merchant',
    scope: 'statement',
    statement: 'The lines of a complete statement are the items of the books, each once.',
    checked: `
      select count(*) from payment.settlement_item i
      join payment.settlement s on s.id = i.settlement_id where s.complete_at is not null`,
    violations: `
      with shown as (
        select i.* from payment.settlement_item i
        join payment.settlement s on s.id = i.settlement_id
        where s.complete_at is not null
      ), booked as (
        select s.id as settlement_id, i.*
        from settlement.settlement_item i
        join settlement.settlement s
          on (s.run_id, s.merchant_id, s.livemode, s.currency)
           = (i.run_id, i.merchant_id, i.livemode, i.currency)
        where s.id in (select id from payment.settlement where complete_at is not null)
      )
      select coalesce(b.settlement_id, p.settlement_id) as "settlementId",
             coalesce(b.id, p.id) as "itemId", b.amount, p.amount as "shownAmount", b.net,
             p.net as "shownNet"
      from booked b
      full join shown p on p.settlement_id = b.settlement_id and p.id = b.id
      where (b.kind, b.payment_id, b.order_id, b.sale_date, b.amount, b.fee, b.vat, b.net)
        is distinct from
          (p.kind, p.payment_id, p.order_id, p.sale_date, p.amount, p.fee, p.vat, p.net)`,
  }),
  sqlRule({
    id: 'settled-is-item',
    statement:
      'A payment shows SETTLED exactly if an item of it stands in a statement that is published.',
    checked: `select count(*) from payment.payment_fact where kind = 'SETTLED'`,
    bounds: ['deliveryMs'],
    violations: `
      with item as (
        select i.id, i.payment_id, s.published_at
        from settlement.settlement_item i
        left join settlement.settlement s
          on (s.run_id, s.merchant_id, s.livemode, s.currency)
           = (i.run_id, i.merchant_id, i.livemode, i.currency)
        where i.kind = 'PAYMENT'
      ), fact as (
        select payment_id, fact_key from payment.payment_fact where kind = 'SETTLED'
      )
      select coalesce(i.payment_id, f.payment_id) as "paymentId", i.id as "itemId",
             f.fact_key as "settledBy"
      from item i
      full join fact f on f.fact_key = i.id and f.payment_id = i.payment_id
      where i.id is null
        or (f.fact_key is null and i.published_at < now() - $1::interval)`,
  }),
];
