import type { PostgresClient } from '@mini-pg/database';
import type { DataOf } from '@mini-pg/domain';
import { PoisonError } from '@mini-pg/messaging';
import type { Delivered } from './delivered.ts';

/** The cancels that were asked for here, with the amount that was reserved for each, by cancel. */
export type AskedCancels = ReadonlyMap<string, number>;

/** The payments whose reserve a batch of events may change, in the order in which they are locked. */
export function reservesIn(delivered: readonly Delivered[]): string[] {
  const ids = cancelOutcomes(delivered).map((data) => data.paymentId);
  return [...new Set(ids)].sort();
}

export async function readAsked(
  client: PostgresClient,
  delivered: readonly Delivered[],
): Promise<AskedCancels> {
  const outcomes = cancelOutcomes(delivered);
  if (outcomes.length === 0) return new Map();
  const { rows } = await client.query<{ cancel_id: string; amount: number }>({
    name: 'projection_asked_cancels',
    text: `select f.fact_key as cancel_id, (f.data ->> 'amount')::float8 as amount
           from unnest($1::uuid[], $2::uuid[]) as o (payment_id, cancel_id)
           join payment_fact f
             on f.payment_id = o.payment_id and f.kind = 'CANCEL_REQUESTED'
                and f.fact_key = o.cancel_id`,
    values: [outcomes.map((data) => data.paymentId), outcomes.map((data) => data.cancelId)],
  });
  return new Map(rows.map((row) => [row.cancel_id, row.amount]));
}

/** Another amount than the one reserved, or sums that do not add up: a person must look at it. */
export function assertCancel(data: DataOf<'payment.cancelled'>, asked: AskedCancels): void {
  const { cancelId, cancelAmount, remainingBefore, remainingAfter } = data;
  const reserved = asked.get(cancelId) ?? cancelAmount;
  if (cancelAmount !== reserved) {
    throw new PoisonError(`cancelled ${cancelAmount} where ${reserved} was asked for`);
  }
  if (remainingBefore - cancelAmount !== remainingAfter) {
    throw new PoisonError(
      `a cancel of ${cancelAmount} out of ${remainingBefore} cannot leave ${remainingAfter}`,
    );
  }
}

/** Takes cancels that have an outcome off the list of those asked for again. */
export async function closeOpenCancels(
  client: PostgresClient,
  delivered: readonly Delivered[],
): Promise<void> {
  const cancelIds = cancelOutcomes(delivered).map((data) => data.cancelId);
  const paymentIds = delivered.flatMap(({ event }) =>
    event.type === 'payment.failed' && event.data.failure.code === 'CANCELLED_BEFORE_APPROVAL'
      ? [event.data.paymentId]
      : [],
  );
  if (cancelIds.length + paymentIds.length === 0) return;
  await client.query({
    name: 'projection_close_open_cancels',
    text: `with gone as (
             select cancel_id from cancel_open
             where cancel_id = any($1::uuid[]) or payment_id = any($2::uuid[])
             order by cancel_id for update
           )
           delete from cancel_open using gone where cancel_open.cancel_id = gone.cancel_id`,
    values: [cancelIds, paymentIds],
  });
}

type CancelOutcome = DataOf<'payment.cancelled'> | DataOf<'payment.cancel-failed'>;

function cancelOutcomes(delivered: readonly Delivered[]): CancelOutcome[] {
  return delivered.flatMap(({ event }) =>
    event.type === 'payment.cancelled' || event.type === 'payment.cancel-failed'
      ? [event.data]
      : [],
  );
}
