import type { PostgresPool } from '@mini-pg/database';
import type { DataOf } from '@mini-pg/domain';
import type { ReceivedEvent } from '@mini-pg/messaging';
import { failpoint } from '@mini-pg/runtime';
import { createRowset } from '../db/rowset.ts';
import type { ProcessorMetrics } from '../metrics.ts';

export interface CancelIntakeOptions {
  readonly pool: PostgresPool;
  readonly metrics: ProcessorMetrics;
  readonly onCancelsStored: () => void;
}

interface RequestedCancel {
  readonly data: DataOf<'payment.cancel-requested'>;
  readonly traceparent: string | null;
}

const cancels = createRowset<RequestedCancel>([
  { name: 'id', type: 'uuid', of: ({ data }) => data.cancelId },
  { name: 'payment_id', type: 'uuid', of: ({ data }) => data.paymentId },
  { name: 'merchant_id', type: 'uuid', of: ({ data }) => data.merchantId },
  { name: 'livemode', type: 'boolean', of: ({ data }) => data.livemode },
  { name: 'amount', type: 'bigint', of: ({ data }) => data.amount },
  { name: 'tax_free_amount', type: 'bigint', of: ({ data }) => data.taxFreeAmount },
  { name: 'reason', type: 'text', of: ({ data }) => data.reason },
  { name: 'origin', type: 'text', of: ({ data }) => data.origin },
  { name: 'requested_at', type: 'timestamptz', of: ({ data }) => data.requestedAt },
  { name: 'traceparent', type: 'text', of: ({ traceparent }) => traceparent },
]);

/**
 * One statement for a batch: the cancels that are new; and, of those that have their outcome, the
 * event that told it once more under its first id. A cancel that was done before the PG was called
 * has no event of its own: its payment's failure told it.
 */
const STORE = {
  name: 'store-cancel-requests',
  text: `
    with fresh as (
      insert into cancel (${cancels.names}, state)
      select ${cancels.names}, 'WAITING' from ${cancels.from('c')} order by id
      on conflict (id) do nothing
      returning id
    ), told_before as (
      select payment_id, event_id, topic, payload, traceparent from cancel
      where id = any($1::uuid[]) and event_id is not null
      union
      select o.payment_id, o.event_id, o.topic, o.payload, o.traceparent
      from cancel c join outcome o on o.payment_id = c.payment_id
      where c.id = any($1::uuid[]) and c.state = 'DONE' and c.event_id is null
    ), told as (
      insert into outbox (event_id, topic, key, headers, payload)
      select event_id, topic, payment_id::text,
        jsonb_strip_nulls(jsonb_build_object('traceparent', traceparent)), payload
      from told_before order by payment_id
    )
    select (select count(*) from fresh)::int as fresh,
      (select count(*) from told_before)::int as told`,
};

/** Stores a batch of payment.cancel-requested events, in any order to their payments'. */
export async function storeCancelRequests(
  options: CancelIntakeOptions,
  events: readonly ReceivedEvent<'payment.cancel-requested'>[],
): Promise<void> {
  const byCancel = new Map(
    events.map(({ event: { data }, traceparent }): [string, RequestedCancel] => [
      data.cancelId,
      { data, traceparent: traceparent ?? null },
    ]),
  );
  failpoint('pg-processor.cancels.before-commit');
  const { rows } = await options.pool.query<{ fresh: number; told: number }>({
    ...STORE,
    values: cancels.values([...byCancel.values()]),
  });
  failpoint('pg-processor.cancels.after-commit');
  const { fresh, told } = rows[0] ?? { fresh: 0, told: 0 };
  options.metrics.cancelIntake.inc({ result: 'waiting' }, fresh);
  options.metrics.cancelIntake.inc({ result: 'told_again' }, told);
  options.metrics.cancelIntake.inc({ result: 'known' }, events.length - fresh - told);
  options.onCancelsStored();
}
