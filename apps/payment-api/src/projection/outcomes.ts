import { inTransaction, type PostgresClient, type PostgresPool } from '@mini-pg/database';
import { PoisonError, type ReceivedEvent } from '@mini-pg/messaging';
import { type Counter, failpoint } from '@mini-pg/runtime';
import type { OutcomeWaiters } from '../intake/outcome-waiters.ts';
import { readPayments } from '../payments/repository.ts';
import type { StatusCache } from '../payments/status-cache.ts';
import { renderPayment } from '../payments/view.ts';
import type { Delivered, OutcomeEvent, OutcomeTopic } from './delivered.ts';
import { park } from './parked-events.ts';

export interface ProjectionDeps {
  readonly pool: PostgresPool;
  readonly cache: StatusCache;
  readonly waiters: OutcomeWaiters;
  readonly parkedTotal: Counter;
}

/**
 * Stores the facts of a batch in one transaction, then refreshes the cache and wakes who waits.
 * Facts stand under their own keys, so a redelivery changes nothing but still refreshes the cache.
 */
export async function projectOutcomes(
  deps: ProjectionDeps,
  received: readonly ReceivedEvent<OutcomeTopic>[],
): Promise<void> {
  await projectDelivered(
    deps,
    received.map(({ event, traceId, traceparent }) => ({ event, traceId, traceparent })),
  );
}

export async function projectDelivered(
  deps: ProjectionDeps,
  delivered: readonly Delivered[],
): Promise<void> {
  const ids = [...new Set(delivered.map(({ event }) => event.data.paymentId))].sort();
  const unknown = await inTransaction(deps.pool, async (client) => {
    const amounts = await readAmounts(client, ids);
    const known = delivered.filter(({ event }) => amounts.has(event.data.paymentId));
    for (const { event } of known) assertAmount(event, amounts.get(event.data.paymentId));
    await insertFacts(client, known);
    await insertProgress(client, known);
    await closeOpen(client, known);
    await freeOrders(client, known);
    const orphans = delivered.filter(({ event }) => !amounts.has(event.data.paymentId));
    await park(client, orphans, 'the payment is not known');
    failpoint('payment-api.projection.before-commit');
    return orphans.length;
  });
  failpoint('payment-api.projection.after-commit');
  if (unknown > 0) deps.parkedTotal.inc(unknown);
  await publishViews(deps, ids, delivered);
}

async function publishViews(
  deps: ProjectionDeps,
  ids: readonly string[],
  delivered: readonly Delivered[],
): Promise<void> {
  const payments = await readPayments(deps.pool, ids);
  await deps.cache.write(payments.map((payment) => renderPayment(payment, payment.facts)));
  const decided = delivered.filter(({ event }) => isOutcome(event));
  const decidedIds = [...new Set(decided.map(({ event }) => event.data.paymentId))];
  await deps.waiters.announce(decidedIds, payments);
}

function isOutcome(event: OutcomeEvent): boolean {
  return event.type === 'payment.completed' || event.type === 'payment.failed';
}

async function readAmounts(client: PostgresClient, ids: string[]): Promise<Map<string, bigint>> {
  const { rows } = await client.query<{ id: string; amount: bigint }>({
    name: 'projection_amounts',
    text: 'select id, amount from payment where id = any($1::uuid[])',
    values: [ids],
  });
  return new Map(rows.map((row) => [row.id, row.amount]));
}

/** Another amount than the one asked for is no fact of this payment: a person must look at it. */
function assertAmount(event: OutcomeEvent, amount: bigint | undefined): void {
  if (event.type === 'payment.completed' && BigInt(event.data.amount) !== amount) {
    throw new PoisonError(`approved ${event.data.amount} for a payment of ${amount}`);
  }
}

interface Fact {
  readonly kind: 'APPROVED' | 'FAILED' | 'SETTLED';
  readonly key: string;
  readonly sequence: number | null;
}

function factOf(event: OutcomeEvent): Fact | null {
  switch (event.type) {
    case 'payment.completed':
      return { kind: 'APPROVED', key: event.data.attemptId, sequence: event.data.sequence };
    case 'payment.failed': {
      const { attemptId, paymentId, sequence } = event.data;
      return { kind: 'FAILED', key: attemptId ?? paymentId, sequence };
    }
    case 'payment.settled':
      return { kind: 'SETTLED', key: event.data.itemId, sequence: null };
    case 'payment.progressed':
      return null;
    default:
      return event satisfies never;
  }
}

async function insertFacts(client: PostgresClient, delivered: readonly Delivered[]): Promise<void> {
  const facts = delivered.flatMap(({ event, traceId }) => {
    const fact = factOf(event);
    return fact === null ? [] : [{ event, traceId, fact }];
  });
  if (facts.length === 0) return;
  await client.query({
    name: 'projection_facts',
    text: `insert into payment_fact
             (payment_id, kind, fact_key, event_id, sequence, data, trace_id, occurred_at)
           select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::int[],
                                $6::jsonb[], $7::text[], $8::timestamptz[])
           order by 1, 2, 3
           on conflict do nothing`,
    values: [
      facts.map(({ event }) => event.data.paymentId),
      facts.map(({ fact }) => fact.kind),
      facts.map(({ fact }) => fact.key),
      facts.map(({ event }) => event.id),
      facts.map(({ fact }) => fact.sequence),
      facts.map(({ event }) => JSON.stringify(event.data)),
      facts.map(({ traceId }) => traceId),
      facts.map(({ event }) => event.time),
    ],
  });
}

async function insertProgress(
  client: PostgresClient,
  delivered: readonly Delivered[],
): Promise<void> {
  const steps = delivered.flatMap(({ event, traceId }) =>
    event.type === 'payment.progressed' ? [{ event, traceId }] : [],
  );
  if (steps.length === 0) return;
  await client.query({
    name: 'projection_progress',
    text: `insert into payment_progress (payment_id, event_id, step, detail, trace_id, occurred_at)
           select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::jsonb[], $5::text[],
                                $6::timestamptz[])
           order by 1, 2
           on conflict do nothing`,
    values: [
      steps.map(({ event }) => event.data.paymentId),
      steps.map(({ event }) => event.id),
      steps.map(({ event }) => event.data.step),
      steps.map(({ event: { data } }) =>
        JSON.stringify({ pg: data.pg, attemptNumber: data.attemptNumber, detail: data.detail }),
      ),
      steps.map(({ traceId }) => traceId),
      steps.map(({ event }) => event.time),
    ],
  });
}

async function closeOpen(client: PostgresClient, delivered: readonly Delivered[]): Promise<void> {
  const ids = delivered
    .filter(({ event }) => isOutcome(event))
    .map(({ event }) => event.data.paymentId);
  if (ids.length === 0) return;
  await client.query({
    name: 'projection_close_open',
    text: `with gone as (
             select payment_id from payment_open where payment_id = any($1::uuid[])
             order by payment_id for update
           )
           delete from payment_open using gone where payment_open.payment_id = gone.payment_id`,
    values: [ids],
  });
}

/** A failed payment frees its order for another one; nothing takes that back. */
async function freeOrders(client: PostgresClient, delivered: readonly Delivered[]): Promise<void> {
  const failed = delivered.flatMap(({ event }) =>
    event.type === 'payment.failed' ? [event.data] : [],
  );
  if (failed.length === 0) return;
  await client.query({
    name: 'projection_free_orders',
    text: `with freed as (
             select k.merchant_id, k.livemode, k.scope, k.key from idempotency_key k
             join unnest($1::uuid[], $2::boolean[], $3::text[], $4::uuid[])
               as f (merchant_id, livemode, order_id, payment_id)
               on k.merchant_id = f.merchant_id and k.livemode = f.livemode
                  and k.live_order_id = f.order_id and k.resource = f.payment_id
             order by k.merchant_id, k.key for update of k
           )
           update idempotency_key k set live_order_id = null from freed
           where (k.merchant_id, k.livemode, k.scope, k.key)
             = (freed.merchant_id, freed.livemode, freed.scope, freed.key)`,
    values: [
      failed.map((data) => data.merchantId),
      failed.map((data) => data.livemode),
      failed.map((data) => data.orderId),
      failed.map((data) => data.paymentId),
    ],
  });
}
