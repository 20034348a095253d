import { type Rule, sqlRule } from '../rule.ts';
import { hasOpenException, IS_CANCEL_WRITTEN_OFF, REFUNDS_DECIDED } from './exceptions.ts';

/** Cancels that gave money back; one that came before the first call moved none. */
const REFUNDED = `c.state = 'DONE' and c.remaining_after is not null`;

const REFUNDS = `select count(*) from processor.cancel c where ${REFUNDED}`;

/** Each of them with the attempts that did it. */
const DONE_BY = `
  select c.id, c.payment_id, c.amount,
         count(a.id) as attempts, min(a.pg) as pg, min(a.pg_payment_id) as pg_payment_id,
         min(a.pg_transaction_id) as pg_transaction_id, min(a.cancel_amount) as cancelled
  from processor.cancel c
  left join processor.attempt a
    on a.cancel_id = c.id and a.operation = 'CANCEL' and a.state = 'APPROVED'
  where ${REFUNDED}
  group by c.id, c.payment_id, c.amount`;

/** Whatever gave money back on our behalf: cancels that are done, and reversals. */
const GAVE_BACK = `
  select d.id, d.pg, d.pg_transaction_id from (${DONE_BY}) d
  union all
  select a.id, a.pg, a.pg_transaction_id
  from processor.attempt a
  join processor.attempt r on r.id = a.reverses_id and r.state = 'REVERSED'
  where a.state = 'APPROVED'`;

/**
 * Sources of payments about whose cancels somebody is still to be told: a call is open, an inquiry
 * or a look at a closed one is due, or a person has it on the desk or has decided.
 */
const LOOKED_AFTER = `
  select a.pg, a.source_key, 'infinity'::timestamptz as until
  from processor.attempt a
  where a.operation = 'APPROVE' and a.source_key is not null
    and (exists (select from processor.attempt c
                 where c.payment_id = a.payment_id and c.operation <> 'APPROVE'
                   and (c.state = 'CALLING' or c.next_inquiry_at is not null
                        or c.next_follow_up_at is not null))
         or ${hasOpenException('a.payment_id')})
  union all ${REFUNDS_DECIDED}`;

/** What pg-processor and the gateway say of cancels. */
export const GATEWAY_CANCEL_RULES: readonly Rule[] = [
  sqlRule({
    id: 'cancel-has-refund',
    statement:
      'Every cancel that is done has exactly one attempt that did it, and its cancel transaction ' +
      'at the gateway, of the same amount and payment id.',
    needsLedger: true,
    checked: REFUNDS,
    violations: `
      select d.id as "cancelId", d.payment_id as "paymentId", d.amount, d.attempts,
             d.pg_transaction_id as "pgTransactionId", l.seq as "ledgerSeq",
             l.amount as "ledgerAmount"
      from (${DONE_BY}) d
      left join pg_temp.ledger_entry l
        on l.kind = 'CANCEL' and l.pg = d.pg and l.pg_transaction_id = d.pg_transaction_id
      where d.attempts <> 1 or d.cancelled <> d.amount
        or l.seq is null or l.amount <> d.amount or l.pg_payment_id <> d.pg_payment_id
      order by d.id`,
  }),
  sqlRule({
    id: 'refund-has-cancel',
    statement:
      'Every cancel of a gateway belongs to exactly one cancel that is done or one reversal, or ' +
      'somebody still looks after it or has decided on it.',
    needsLedger: true,
    checked: `select count(*) from pg_temp.ledger_entry where kind = 'CANCEL'`,
    bounds: ['captureMs'],
    violations: `
      with matched as (
        select l.seq, count(d.id) as cancels
        from pg_temp.ledger_entry l
        left join (${GAVE_BACK}) d on d.pg = l.pg and d.pg_transaction_id = l.pg_transaction_id
        where l.kind = 'CANCEL'
        group by l.seq
      ), looked_after as materialized (${LOOKED_AFTER})
      select l.seq, l.pg, l.order_id as "orderId", l.pg_transaction_id as "pgTransactionId",
             l.amount, l.at, m.cancels
      from matched m join pg_temp.ledger_entry l using (seq)
      where m.cancels <> 1
        and not (m.cancels = 0 and (
          l.at > now() - $1::interval
          or exists (select from looked_after s
                     where s.pg = l.pg and s.source_key = l.source_key and l.at <= s.until)))
      order by l.seq`,
  }),
  sqlRule({
    id: 'reversal-has-refund',
    statement:
      'Every attempt that is reversed has exactly one attempt that gave it back, and its cancel ' +
      'transaction at the gateway, of the whole amount.',
    needsLedger: true,
    checked: `select count(*) from processor.attempt where state = 'REVERSED'`,
    violations: `
      with reversed as (
        select r.id, r.payment_id, r.amount, count(a.id) as attempts,
               min(r.pg) as pg, min(a.pg_transaction_id) as pg_transaction_id
        from processor.attempt r
        left join processor.attempt a on a.reverses_id = r.id and a.state = 'APPROVED'
        where r.state = 'REVERSED'
        group by r.id
      )
      select r.id as "attemptId", r.payment_id as "paymentId", r.amount, r.attempts,
             r.pg_transaction_id as "pgTransactionId", l.amount as "ledgerAmount"
      from reversed r
      left join pg_temp.ledger_entry l
        on l.kind = 'CANCEL' and l.pg = r.pg and l.pg_transaction_id = r.pg_transaction_id
      where r.attempts <> 1 or l.amount is distinct from r.amount
      order by r.id`,
  }),
  sqlRule({
    id: 'cancels-within-amount',
    statement:
      'The cancels of a payment that are done come to no more than was approved, and each left ' +
      'what it says: no two counted on the same balance.',
    checked: `select count(distinct c.payment_id) from processor.cancel c where ${REFUNDED}`,
    violations: `
      with totals as (
        select c.payment_id, sum(c.amount) as cancelled, min(c.remaining_after) as remaining,
               count(*) - count(distinct c.remaining_after) as repeated
        from processor.cancel c where ${REFUNDED} group by c.payment_id
      )
      select t.payment_id as "paymentId", a.amount, t.cancelled, t.remaining, t.repeated
      from totals t
      left join processor.attempt a
        on a.payment_id = t.payment_id and a.operation = 'APPROVE' and a.state = 'APPROVED'
      where a.id is null or t.cancelled > a.amount or t.repeated > 0
        or a.amount - t.cancelled <> t.remaining
      order by t.payment_id`,
  }),
  sqlRule({
    id: 'cancel-tells-the-truth',
    statement:
      'The event of a cancel that is done carries what its attempt has: payment, amount, what is ' +
      'left, and the transaction.',
    checked: REFUNDS,
    violations: `
      select d.id as "cancelId", d.payment_id as "paymentId", d.amount,
             e.data ->> 'cancelAmount' as "toldAmount",
             e.data ->> 'cancelTransactionId' as "toldTransactionId"
      from (${DONE_BY}) d
      join processor.cancel c on c.id = d.id
      cross join lateral (select c.payload::jsonb -> 'data' as data) e
      where (d.id::text, d.payment_id::text, d.amount::text, c.remaining_before::text,
             c.remaining_after::text, d.pg_transaction_id, c.merchant_id::text, c.livemode::text)
        is distinct from
          (e.data ->> 'cancelId', e.data ->> 'paymentId', e.data ->> 'cancelAmount',
           e.data ->> 'remainingBefore', e.data ->> 'remainingAfter',
           e.data ->> 'cancelTransactionId', e.data ->> 'merchantId', e.data ->> 'livemode')
      order by d.id`,
  }),
  sqlRule({
    id: 'cancels-end-in-time',
    statement:
      'A cancel has its end in time, or was written off, or its payment has an open exception.',
    checked: 'select count(*) from processor.cancel',
    bounds: ['requestedMs'],
    violations: `
      select c.id as "cancelId", c.payment_id as "paymentId", c.state,
             c.requested_at as "requestedAt"
      from processor.cancel c
      where c.state in ('WAITING', 'STARTED') and c.created_at < now() - $1::interval
        and not ${hasOpenException('c.payment_id')}
        and not ${IS_CANCEL_WRITTEN_OFF}
      order by c.id`,
  }),
];
