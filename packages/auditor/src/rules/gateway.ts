import { type Rule, sqlRule } from '../rule.ts';
import { CAPTURES_DECIDED, CAPTURES_WRITTEN_OFF, hasOpenException, IS_OPEN } from './exceptions.ts';

/** An attempt that the gateway's own books must know. */
const PAID = `a.operation = 'APPROVE' and a.state in ('APPROVED', 'REVERSED')`;

const CAPTURES = `select count(*) from pg_temp.ledger_entry where kind = 'CAPTURE'`;

/** Paid attempts, each with its capture. */
const CAPTURED_ATTEMPTS = `
  from processor.attempt a
  join pg_temp.ledger_entry c
    on c.kind = 'CAPTURE' and c.pg = a.pg and c.pg_transaction_id = a.pg_transaction_id
      and ${PAID}`;

/** What the gateway holds of each of its payments: captures less cancels. */
const HELD = `
  select pg, pg_payment_id, source_key,
         min(pg_transaction_id) filter (where kind = 'CAPTURE') as pg_transaction_id,
         count(*) filter (where kind = 'CAPTURE') as captures,
         max(at) filter (where kind = 'CAPTURE') as captured_at,
         coalesce(sum(amount) filter (where kind = 'CAPTURE'), 0) as captured,
         coalesce(sum(amount) filter (where kind = 'CANCEL'), 0) as cancelled
  from pg_temp.ledger_entry
  group by pg, pg_payment_id, source_key`;

/**
 * Sources whose captures somebody still looks for: a call is open, an inquiry is due, what is to
 * undo it is under way, or a person has it on the desk or has decided. Nobody looks any more for
 * what was UNKNOWN when it was written off, so what is captured later is a violation.
 */
const LOOKED_AFTER = `
  select a.pg, a.source_key, 'infinity'::timestamptz as until
  from processor.attempt a
  where a.operation = 'APPROVE' and a.source_key is not null
    and (a.state = 'CALLING' or a.next_inquiry_at is not null or a.next_follow_up_at is not null
         or exists (select from processor.exception e where e.attempt_id = a.id and ${IS_OPEN})
         or (a.state = 'UNKNOWN'
             and exists (select from processor.attempt undoing
                         where undoing.payment_id = a.payment_id
                           and undoing.operation <> 'APPROVE'
                           and (undoing.state in ('READY', 'CALLING')
                                or undoing.next_inquiry_at is not null
                                or undoing.next_follow_up_at is not null
                                or exists (select from processor.exception e
                                           where e.attempt_id = undoing.id and ${IS_OPEN})))))
  union all ${CAPTURES_DECIDED}`;

export const GATEWAY_RULES: readonly Rule[] = [
  sqlRule({
    id: 'capture-has-attempt',
    statement:
      'Every capture of a gateway belongs to exactly one attempt, approved or reversed, of the ' +
      'same amount, order and payment id, or somebody still looks for it or has decided on it.',
    needsLedger: true,
    checked: CAPTURES,
    bounds: ['captureMs'],
    violations: `
      with matched as (
        select c.seq, count(a.id) as attempts,
               count(*) filter (where a.amount = c.amount and a.pg_order_id = c.order_id
                                  and a.pg_payment_id = c.pg_payment_id) as equal
        from pg_temp.ledger_entry c
        left join processor.attempt a
          on a.pg = c.pg and a.pg_transaction_id = c.pg_transaction_id and ${PAID}
        where c.kind = 'CAPTURE'
        group by c.seq
      ), looked_after as materialized (${LOOKED_AFTER})
      select c.seq, c.pg, c.order_id as "orderId", c.pg_transaction_id as "pgTransactionId",
             c.amount, c.at, m.attempts, m.equal
      from matched m join pg_temp.ledger_entry c using (seq)
      where (m.attempts <> 1 or m.equal <> 1)
        and not (m.attempts = 0 and (
          c.at > now() - $1::interval
          or exists (select from looked_after l
                     where l.pg = c.pg and l.source_key = c.source_key and c.at <= l.until)))
      order by c.seq`,
  }),
  sqlRule({
    id: 'attempt-has-capture',
    statement:
      'Every attempt that is approved or reversed has its capture at the gateway, of the same ' +
      'amount, order and payment id.',
    needsLedger: true,
    checked: `select count(*) from processor.attempt a where ${PAID}`,
    violations: `
      select a.id as "attemptId", a.payment_id as "paymentId", a.state,
             a.pg_transaction_id as "pgTransactionId", a.amount, c.seq as "ledgerSeq",
             c.amount as "capturedAmount", c.order_id as "capturedOrderId"
      from processor.attempt a
      left join pg_temp.ledger_entry c
        on c.kind = 'CAPTURE' and c.pg = a.pg and c.pg_transaction_id = a.pg_transaction_id
      where ${PAID}
        and (c.seq is null or c.amount <> a.amount or c.order_id <> a.pg_order_id
             or c.pg_payment_id is distinct from a.pg_payment_id)
      order by a.id`,
  }),
  sqlRule({
    id: 'gateway-charged-once',
    statement: 'No gateway captured one of its payments twice, or gave back more than it captured.',
    needsLedger: true,
    checked: `select count(*) from (${HELD}) held`,
    violations: `
      select pg, pg_transaction_id as "pgTransactionId", captures, captured, cancelled
      from (${HELD}) held
      where captures > 1 or cancelled > captured`,
  }),
  sqlRule({
    id: 'payment-charged-once',
    statement:
      'A payment is captured at most once net of cancels, and each capture is of its amount.',
    needsLedger: true,
    checked: `select count(distinct a.payment_id) ${CAPTURED_ATTEMPTS}`,
    violations: `
      with cancelled as (
        select pg, pg_payment_id, sum(amount) as amount
        from pg_temp.ledger_entry where kind = 'CANCEL' group by pg, pg_payment_id
      )
      select a.payment_id as "paymentId", p.amount,
             array_agg(c.amount order by c.seq) as captured,
             array_agg(coalesce(b.amount, 0) order by c.seq) as cancelled
      ${CAPTURED_ATTEMPTS}
      left join cancelled b on b.pg = c.pg and b.pg_payment_id = c.pg_payment_id
      left join payment.payment p on p.id = a.payment_id
      group by a.payment_id, p.amount
      having count(*) filter (where c.amount > coalesce(b.amount, 0)) > 1
        or bool_or(c.amount is distinct from p.amount)`,
  }),
  sqlRule({
    id: 'failed-holds-no-money',
    statement:
      'Of a failed payment, or of an attempt that is reversed, the gateway holds nothing, or ' +
      'somebody still looks after it, or has written off what it held then.',
    needsLedger: true,
    checked: `
      select (select count(*) from processor.outcome where kind = 'FAILED')
           + (select count(*) from processor.attempt where state = 'REVERSED')`,
    violations: `
      select a.payment_id as "paymentId", a.id as "attemptId", a.state,
             h.pg_transaction_id as "pgTransactionId", h.captured, h.cancelled
      from processor.attempt a
      join (${HELD}) h on h.pg = a.pg and h.source_key = a.source_key
      left join processor.outcome o on o.payment_id = a.payment_id
      where a.operation = 'APPROVE' and a.called_at is not null
        and (o.kind = 'FAILED' or a.state = 'REVERSED')
        and h.captured > h.cancelled
        and a.next_follow_up_at is null
        and not ${hasOpenException('a.payment_id')}
        and not exists (select from (${CAPTURES_WRITTEN_OFF}) w
                        where w.pg = h.pg and w.source_key = h.source_key
                          and h.captured_at <= w.until)
        and not exists (select from processor.attempt other
                        where other.state = 'APPROVED' and other.pg = h.pg
                          and other.pg_transaction_id = h.pg_transaction_id)
      order by a.payment_id`,
  }),
];
