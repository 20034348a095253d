import type { PostgresPool } from '@mini-pg/database';
import {
  type DataOf,
  type Failure,
  type PaymentSource,
  paymentSourceSchema,
  type Sealed,
} from '@mini-pg/domain';
import { type OutboxRow, PoisonError, type ReceivedEvent, type Sealer } from '@mini-pg/messaging';
import { failpoint } from '@mini-pg/runtime';
import { hashSourceKey } from '../attempts/source-key.ts';
import type { Gateways } from '../calls/gateways.ts';
import { createRowset } from '../db/rowset.ts';
import { failureOf } from '../decisions/decision.ts';
import type { ProcessorMetrics } from '../metrics.ts';
import { failedEvent } from '../results/events.ts';

export interface IntakeOptions {
  readonly pool: PostgresPool;
  readonly gateways: Gateways;
  readonly sealer: Sealer;
  readonly metrics: ProcessorMetrics;
  readonly newId: () => string;
  readonly now: () => Date;
  readonly onStored: () => void;
}

/** What an event becomes: the payment's first attempt, or one that failed without a call. */
interface FirstAttempt {
  readonly id: string;
  readonly data: DataOf<'payment.requested'>;
  readonly pgAccountId: string | null;
  readonly sourceKey: string | null;
  readonly pgOrderId: string;
  readonly traceparent: string | null;
  readonly failure: Failure | null;
  readonly failed: OutboxRow | null;
}

const attempts = createRowset<FirstAttempt>([
  { name: 'id', type: 'uuid', of: (row) => row.id },
  { name: 'payment_id', type: 'uuid', of: ({ data }) => data.paymentId },
  { name: 'merchant_id', type: 'uuid', of: ({ data }) => data.merchantId },
  { name: 'livemode', type: 'boolean', of: ({ data }) => data.livemode },
  { name: 'state', type: 'text', of: (row) => (row.failure === null ? 'READY' : 'NOT_SENT') },
  { name: 'pg', type: 'text', of: ({ data }) => data.pg },
  { name: 'pg_account_id', type: 'text', of: (row) => row.pgAccountId },
  { name: 'source_key', type: 'text', of: (row) => row.sourceKey },
  { name: 'source', type: 'jsonb', of: ({ data }) => data.source satisfies Sealed },
  { name: 'customer', type: 'jsonb', of: ({ data }) => data.customer },
  { name: 'order_id', type: 'text', of: ({ data }) => data.orderId },
  { name: 'order_name', type: 'text', of: ({ data }) => data.orderName },
  { name: 'pg_order_id', type: 'text', of: (row) => row.pgOrderId },
  { name: 'idempotency_key', type: 'text', of: (row) => row.id },
  { name: 'amount', type: 'bigint', of: ({ data }) => data.amount },
  { name: 'tax_free_amount', type: 'bigint', of: ({ data }) => data.taxFreeAmount },
  { name: 'currency', type: 'text', of: ({ data }) => data.currency },
  { name: 'requested_at', type: 'timestamptz', of: ({ data }) => data.requestedAt },
  { name: 'expires_at', type: 'timestamptz', of: ({ data }) => data.expiresAt },
  { name: 'failure', type: 'jsonb', of: (row) => row.failure },
  { name: 'traceparent', type: 'text', of: (row) => row.traceparent },
]);

const failures = createRowset<FirstAttempt & { readonly failed: OutboxRow }>([
  { name: 'payment_id', type: 'uuid', of: ({ data }) => data.paymentId },
  { name: 'event_id', type: 'uuid', of: ({ failed }) => failed.eventId },
  { name: 'topic', type: 'text', of: ({ failed }) => failed.topic },
  { name: 'payload', type: 'text', of: ({ failed }) => failed.payload },
]);

/**
 * One statement for a batch: the first attempt of each payment that has none; the outcome of those
 * that cannot be called at all; and, for payments that have an outcome already, that outcome once
 * more under its original event id, so that one lost event heals.
 */
const STORE = {
  name: 'store-payment-requests',
  text: `
    with fresh as (
      insert into attempt (${attempts.names}, operation, number, closed_at)
      select ${attempts.names}, 'APPROVE', 1, case when state = 'NOT_SENT' then now() end
      from ${attempts.from('a')} order by payment_id
      on conflict on constraint attempt_number do nothing
      returning id, payment_id, merchant_id, livemode, state, traceparent
    ), counted as (
      insert into payment_result (payment_id, count)
      select payment_id, case when state = 'NOT_SENT' then 1 else 0 end from fresh
    ), failed as (
      insert into outcome (payment_id, merchant_id, livemode, kind, attempt_id, sequence, event_id,
        topic, payload, traceparent)
      select payment_id, merchant_id, livemode, 'FAILED', id, 1, f.event_id, f.topic, f.payload,
        traceparent
      from fresh join ${failures.from('f', 22)} using (payment_id)
      returning payment_id, event_id, topic, payload, traceparent
    ), told_before as (
      select o.payment_id, o.event_id, o.topic, o.payload, o.traceparent
      from outcome o where o.payment_id = any($2::uuid[])
    ), told as (
      insert into outbox (event_id, topic, key, headers, payload)
      select event_id, topic, payment_id::text,
        jsonb_strip_nulls(jsonb_build_object('traceparent', traceparent)), payload
      from (select * from failed union all select * from told_before) as tell
      order by payment_id
    )
    select (select count(*) from fresh)::int as fresh,
      (select count(*) from failed)::int as failed,
      (select count(*) from told_before)::int as told`,
};

/**
 * Stores what is to be done for a batch of payment.requested events; calls nobody.
 *
 * @throws PoisonError for an event whose source does not open or belongs to another PG
 */
export async function storePaymentRequests(
  options: IntakeOptions,
  events: readonly ReceivedEvent<'payment.requested'>[],
): Promise<void> {
  const byPayment = new Map(events.map((event) => [event.event.data.paymentId, event]));
  const rows = [...byPayment.values()].map((event) => firstAttemptOf(options, event));
  failpoint('pg-processor.intake.before-commit');
  const { rows: counts } = await options.pool.query<{
    fresh: number;
    failed: number;
    told: number;
  }>({ ...STORE, values: [...attempts.values(rows), ...failures.values(rows.filter(isFailed))] });
  failpoint('pg-processor.intake.after-commit');
  const { fresh, failed, told } = counts[0] ?? { fresh: 0, failed: 0, told: 0 };
  options.metrics.intake.inc({ result: 'ready' }, fresh - failed);
  options.metrics.intake.inc({ result: 'failed' }, failed);
  options.metrics.intake.inc({ result: 'told_again' }, told);
  options.metrics.intake.inc({ result: 'known' }, events.length - fresh - told);
  options.onStored();
}

function isFailed(row: FirstAttempt): row is FirstAttempt & { readonly failed: OutboxRow } {
  return row.failed !== null;
}

function firstAttemptOf(
  options: IntakeOptions,
  { event, traceparent }: ReceivedEvent<'payment.requested'>,
): FirstAttempt {
  const { data } = event;
  const source = openSource(options.sealer, data);
  const connection = options.gateways.get(data.pg);
  const account = options.gateways.account(data.pg, data.livemode);
  const row = {
    id: options.newId(),
    data,
    pgOrderId: source.pgOrderId ?? data.orderId,
    traceparent: traceparent ?? null,
  };
  if (!connection || !account) return notCallable(options, row);
  const { sourceKey } = connection.gateway.sourceOf(source);
  return {
    ...row,
    pgAccountId: account.id,
    sourceKey: sourceKey === null ? null : hashSourceKey(sourceKey),
    failure: null,
    failed: null,
  };
}

/** The PG is off here, or has no account for the payment's mode. */
function notCallable(
  options: IntakeOptions,
  row: Pick<FirstAttempt, 'id' | 'data' | 'pgOrderId' | 'traceparent'>,
): FirstAttempt {
  const { data, id, traceparent } = row;
  options.metrics.configErrors.inc({ pg: data.pg });
  const failure = failureOf('CONFIG_ERROR', `${data.pg} has no account for this payment here`);
  const context = { id: options.newId(), now: options.now(), sequence: 1 };
  const failed = failedEvent(
    { ...data, id, pgAccountId: null, amount: BigInt(data.amount), traceparent },
    failure,
    context,
  );
  return { ...row, pgAccountId: null, sourceKey: null, failure, failed };
}

function openSource(sealer: Sealer, data: DataOf<'payment.requested'>): PaymentSource {
  let source: PaymentSource;
  try {
    source = paymentSourceSchema.parse(sealer.open(data.source, data.paymentId));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unreadable';
    throw new PoisonError(`the source of payment ${data.paymentId} does not open: ${reason}`);
  }
  if (source.pg !== data.pg) {
    throw new PoisonError(
      `payment ${data.paymentId} is for ${data.pg}, its source for ${source.pg}`,
    );
  }
  return source;
}
