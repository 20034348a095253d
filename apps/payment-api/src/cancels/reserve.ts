import type { Queryable } from '@mini-pg/database';
import { reserveOf } from '@mini-pg/domain';
import { readPayments } from '../payments/repository.ts';
import { cancellableOf } from './cancel-view.ts';

/**
 * Holds the reserves of payments until the transaction ends, so that what cancels them comes one by
 * one. A payment that has none yet gets its row; an id that is no payment is passed over.
 */
export async function lockReserves(
  client: Queryable,
  paymentIds: readonly string[],
): Promise<void> {
  await client.query({
    name: 'create_reserves',
    text: `insert into payment_reserve (payment_id, amount, tax_free_amount)
           select id, amount, tax_free_amount from payment
           where id = any($1::uuid[]) order by id
           on conflict do nothing`,
    values: [paymentIds],
  });
  await client.query({
    name: 'lock_reserves',
    text: `select from payment_reserve where payment_id = any($1::uuid[])
           order by payment_id for update`,
    values: [paymentIds],
  });
}

/**
 * Sets reserves to what the facts of their payments come to. Told by facts and not counted up and
 * down, what a failed cancel held is given back once, however often its failure is heard of.
 */
export async function setReserves(client: Queryable, paymentIds: readonly string[]): Promise<void> {
  const reserves = (await readPayments(client, paymentIds)).map((payment) => ({
    paymentId: payment.id,
    ...reserveOf(cancellableOf(payment, payment.facts)),
  }));
  await client.query({
    name: 'set_reserves',
    text: `update payment_reserve r
           set reserved = v.reserved, tax_free_reserved = v.tax_free_reserved
           from unnest($1::uuid[], $2::bigint[], $3::bigint[])
             as v (payment_id, reserved, tax_free_reserved)
           where r.payment_id = v.payment_id`,
    values: [
      reserves.map((reserve) => reserve.paymentId),
      reserves.map((reserve) => reserve.amount),
      reserves.map((reserve) => reserve.taxFreeAmount),
    ],
  });
}
