import { type Rule, sqlRule } from '../rule.ts';

/** Captures that were never reported to a merchant, as the books have them. */
const CAPTURES = `select * from settlement.suspense_posting where kind = 'CAPTURE'`;

export const SUSPENSE_RULES: readonly Rule[] = [
  sqlRule({
    id: 'suspense-returns-to-zero',
    statement:
      'What came into suspense has left it again: a capture and its reversal, of one amount, ' +
      'merchant and currency.',
    checked: 'select count(distinct attempt_id) from settlement.suspense_posting',
    violations: `
      select attempt_id as "attemptId", min(payment_id::text) as "paymentId",
             count(*) as postings, sum(amount) as "inSuspense"
      from settlement.suspense_posting
      group by attempt_id
      having count(*) <> 2 or sum(amount) <> 0
        or count(distinct (payment_id, merchant_id, livemode, order_id, currency, pg,
                           pg_account_id, pg_payment_id)) <> 1`,
  }),
  sqlRule({
    id: 'suspense-holds-reversals',
    statement:
      'A capture in suspense is that of an attempt that is reversed, of the same money, and of ' +
      'no fact of the books.',
    checked: `select count(*) from (${CAPTURES}) capture`,
    violations: `
      select s.attempt_id as "attemptId", s.payment_id as "paymentId", s.amount,
             a.id as "reversedAttemptId", a.amount as "attemptAmount", f.id as "factId"
      from (${CAPTURES}) s
      left join processor.attempt a
        on a.operation = 'APPROVE' and a.state = 'REVERSED' and a.livemode = s.livemode
          and (a.pg, a.pg_account_id, a.pg_transaction_id)
            = (s.pg, s.pg_account_id, s.pg_transaction_id)
      left join settlement.fact f
        on f.kind = 'PAYMENT' and f.livemode = s.livemode
          and (f.pg, f.pg_account_id, f.pg_transaction_id)
            = (s.pg, s.pg_account_id, s.pg_transaction_id)
      where f.id is not null
        or (a.payment_id, a.merchant_id, a.order_id, a.amount, a.currency)
          is distinct from (s.payment_id, s.merchant_id, s.order_id, s.amount, s.currency)
      order by s.attempt_id`,
  }),
];
