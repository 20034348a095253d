import { type Rule, sqlRule } from '../rule.ts';

const ATTEMPTS = 'select count(*) from processor.attempt';
const OUTCOMES = 'select count(*) from processor.outcome';

/** States of an approval in which its source belongs to it. */
const HOLDS_SOURCE = `a.operation = 'APPROVE' and a.state in ('CALLING', 'UNKNOWN', 'APPROVED')`;

export const ATTEMPT_RULES: readonly Rule[] = [
  sqlRule({
    id: 'attempt-of-payment',
    statement:
      'Every attempt belongs to a payment, and asks for what the payment says: merchant, mode, ' +
      'order, amount and currency.',
    checked: ATTEMPTS,
    violations: `
      select a.id as "attemptId", a.payment_id as "paymentId", a.amount,
             p.amount as "paymentAmount", a.currency, p.currency as "paymentCurrency"
      from processor.attempt a
      left join payment.payment p on p.id = a.payment_id
      where (a.merchant_id, a.livemode, a.pg, a.order_id, a.amount, a.tax_free_amount, a.currency)
        is distinct from
        (p.merchant_id, p.livemode, p.pg, p.order_id, p.amount, p.tax_free_amount, p.currency)
      order by a.id`,
  }),
  sqlRule({
    id: 'one-call-at-a-time',
    statement:
      'A payment has at most one attempt in a call, and at most one approval that is in a call, ' +
      'unknown or approved.',
    checked: 'select count(distinct payment_id) from processor.attempt',
    violations: `
      select a.payment_id as "paymentId",
             count(*) filter (where a.state = 'CALLING') as calling,
             count(*) filter (where ${HOLDS_SOURCE}) as "liveApprovals"
      from processor.attempt a
      group by a.payment_id
      having count(*) filter (where a.state = 'CALLING') > 1
        or count(*) filter (where ${HOLDS_SOURCE}) > 1`,
  }),
  sqlRule({
    id: 'transaction-once',
    statement: 'A transaction of a gateway belongs to one attempt.',
    checked: `
      select count(*) from processor.attempt
      where state in ('APPROVED', 'REVERSED') and pg_transaction_id is not null`,
    violations: `
      select pg, pg_account_id as "pgAccountId", pg_transaction_id as "pgTransactionId",
             count(*) as attempts, min(payment_id::text) as "paymentId"
      from processor.attempt
      where state in ('APPROVED', 'REVERSED') and pg_transaction_id is not null
      group by pg, pg_account_id, livemode, pg_transaction_id
      having count(*) > 1`,
  }),
  sqlRule({
    id: 'source-claimed-by-its-payment',
    statement:
      'What a shopper authenticated is claimed by the payment whose approval is in a call, ' +
      'unknown, approved or being reversed, and by no other; a claim without such a payment is ' +
      'gone.',
    checked: `
      select (select count(*) from processor.source_claim)
           + (select count(*) from processor.attempt a
              where ${HOLDS_SOURCE} and a.source_key is not null)`,
    violations: `
      with holder as (
        select a.id, a.payment_id, a.state, a.pg, a.pg_account_id, a.livemode, a.source_key
        from processor.attempt a
        where a.source_key is not null and ${HOLDS_SOURCE}
      )
      select c.payment_id as "claimedBy", c.attempt_id as "claimedByAttempt",
             h.payment_id as "heldBy", h.id as "heldByAttempt", h.state
      from processor.source_claim c
      full join holder h
        on (h.pg, h.pg_account_id, h.livemode, h.source_key)
         = (c.pg, c.pg_account_id, c.livemode, c.source_key)
      where c.payment_id is distinct from h.payment_id
        and not (h.id is null and exists (
          select from processor.attempt waiting
          where waiting.payment_id = c.payment_id
            and ((waiting.operation = 'APPROVE' and waiting.state = 'READY')
                 or (waiting.reverses_id is not null
                     and waiting.state in ('READY', 'CALLING', 'UNKNOWN')))))`,
  }),
  sqlRule({
    id: 'outcome-of-attempt',
    statement:
      'A payment is APPROVED exactly if it has one approved attempt, which its outcome names; a ' +
      'FAILED one has no approval that is ready, in a call, unknown or approved.',
    checked: OUTCOMES,
    violations: `
      with live as (
        select id, payment_id, state from processor.attempt
        where operation = 'APPROVE' and state in ('READY', 'CALLING', 'UNKNOWN', 'APPROVED')
      )
      select coalesce(o.payment_id, a.payment_id) as "paymentId", o.kind,
             o.attempt_id as "outcomeAttemptId", a.id as "attemptId", a.state
      from processor.outcome o
      full join live a on a.payment_id = o.payment_id
      where case
        when o.kind = 'APPROVED' then a.state is distinct from 'APPROVED' or a.id <> o.attempt_id
        when o.kind = 'FAILED' then a.id is not null
        else a.state = 'APPROVED'
      end`,
  }),
  sqlRule({
    id: 'outcome-tells-the-truth',
    statement:
      'The event of an approval carries what its attempt has: amount, currency, merchant, mode, ' +
      'order and the ids of the gateway.',
    checked: `select count(*) from processor.outcome where kind = 'APPROVED'`,
    violations: `
      select o.payment_id as "paymentId", a.id as "attemptId", a.amount,
             e.data ->> 'amount' as "toldAmount",
             e.data ->> 'pgTransactionId' as "toldTransactionId"
      from processor.outcome o
      cross join lateral (select o.payload::jsonb -> 'data' as data) e
      left join processor.attempt a on a.id = o.attempt_id
      where o.kind = 'APPROVED'
        and (a.payment_id::text, a.merchant_id::text, a.livemode::text, a.order_id,
             a.amount::text, a.currency, a.pg, a.pg_account_id, a.pg_order_id, a.pg_payment_id,
             a.pg_transaction_id, a.id::text)
          is distinct from
            (e.data ->> 'paymentId', e.data ->> 'merchantId', e.data ->> 'livemode',
             e.data ->> 'orderId', e.data ->> 'amount', e.data ->> 'currency', e.data ->> 'pg',
             e.data ->> 'pgAccountId', e.data ->> 'pgOrderId', e.data ->> 'pgPaymentId',
             e.data ->> 'pgTransactionId', e.data ->> 'attemptId')
      order by o.payment_id`,
  }),
];
