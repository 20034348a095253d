/**
 * Joins to `fact_open open` the fact of the payment that an open cancel gives back; all null for a
 * payment, and for a cancel whose payment is not known. By index for each row, at most one by
 * `fact_payment_once`. `offset 0` keeps the planner from a hash over every fact there is; `limit 1`
 * would do that too, but of a table that it knows little about it then expects to come across the
 * row early, and reads a whole index for each cancel.
 */
export const CANCELLED_PAYMENT = `
  left join lateral (
    select id, sale_date
    from fact
    where fact.payment_id = open.cancelled_payment_id and fact.livemode and fact.kind = 'PAYMENT'
    offset 0
  ) paid on true`;
