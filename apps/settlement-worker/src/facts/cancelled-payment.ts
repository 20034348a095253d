/**
 * Joins to `fact_open open` the fact of the payment that an open cancel gives back; all null for a
 * payment, and for a cancel whose payment is not known. By index for each row: `exists` could be
 * planned as a hash over every fact there is.
 */
export const CANCELLED_PAYMENT = `
  left join lateral (
    select id, sale_date
    from fact
    where fact.payment_id = open.cancelled_payment_id and fact.livemode and fact.kind = 'PAYMENT'
    limit 1
  ) paid on true`;
