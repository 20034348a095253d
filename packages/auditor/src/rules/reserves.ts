import { type Rule, sqlRule } from '../rule.ts';

/** Every cancel by its facts: what it takes, and whether that is done, refused or under way. */
const CANCELS = `
  select f.payment_id, f.fact_key as cancel_id,
         bool_or(f.kind = 'CANCEL_REQUESTED') as asked,
         bool_or(f.kind = 'CANCELLED') as done,
         bool_or(f.kind = 'CANCEL_FAILED') as failed,
         coalesce(max((f.data ->> 'cancelAmount')::int8),
                  max((f.data ->> 'amount')::int8) filter (where f.kind = 'CANCEL_REQUESTED'),
                  0) as amount,
         min((f.data ->> 'remainingAfter')::int8) as remaining
  from payment.payment_fact f
  where f.kind in ('CANCEL_REQUESTED', 'CANCELLED', 'CANCEL_FAILED')
  group by f.payment_id, f.fact_key`;

const ASKED = `select count(*) from payment.payment_fact where kind = 'CANCEL_REQUESTED'`;

export const RESERVE_RULES: readonly Rule[] = [
  sqlRule({
    id: 'reserve-is-cancels',
    statement:
      'What is reserved of a payment is what its cancels took or may take yet, and never more than ' +
      'was paid.',
    checked: 'select count(*) from payment.payment_reserve',
    violations: `
      with held as (
        select payment_id, min(remaining) as remaining,
               coalesce(sum(amount) filter (where done), 0) as done,
               coalesce(sum(amount) filter (where not done and not failed), 0) as open
        from (${CANCELS}) cancels
        group by payment_id
      ), expected as (
        select p.id as payment_id,
               least(p.amount,
                     greatest(p.amount - coalesce(h.remaining, p.amount), h.done) + h.open)
                 as reserved
        from held h join payment.payment p on p.id = h.payment_id
      )
      select coalesce(r.payment_id, e.payment_id) as "paymentId", r.reserved,
             coalesce(e.reserved, 0) as expected
      from payment.payment_reserve r
      full join expected e on e.payment_id = r.payment_id
      where r.reserved is distinct from coalesce(e.reserved, 0)`,
  }),
  sqlRule({
    id: 'key-per-cancel',
    // Keys have no index by what they name, and one of a cancel does not name its payment.
    scope: 'audit',
    statement: 'Every cancel that was asked for has exactly one idempotency key, and the reverse.',
    checked: ASKED,
    violations: `
      with keys as (
        select resource, count(*) as keys from payment.idempotency_key
        where scope <> 'payment' group by resource
      ), asked as (
        select fact_key from payment.payment_fact where kind = 'CANCEL_REQUESTED'
      )
      select coalesce(a.fact_key, k.resource) as "cancelId", coalesce(k.keys, 0) as keys
      from asked a full join keys k on k.resource = a.fact_key
      where a.fact_key is null or k.keys is distinct from 1`,
  }),
  sqlRule({
    id: 'cancel-open-until-outcome',
    statement:
      'A cancel without an outcome, and no other, is on the list of those asked for again.',
    checked: ASKED,
    violations: `
      with waiting as (
        select c.cancel_id from (${CANCELS}) c
        where c.asked and not c.done and not c.failed
          and not exists (
            select from payment.payment_fact f
            where f.payment_id = c.payment_id and f.kind = 'FAILED'
              and f.data -> 'failure' ->> 'code' = 'CANCELLED_BEFORE_APPROVAL')
      )
      select coalesce(w.cancel_id, o.cancel_id) as "cancelId", o.cancel_id is not null as open
      from waiting w full join payment.cancel_open o on o.cancel_id = w.cancel_id
      where w.cancel_id is null or o.cancel_id is null`,
  }),
];
