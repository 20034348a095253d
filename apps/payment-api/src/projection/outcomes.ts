import { inTransaction, type PostgresClient, type PostgresPool } from '@mini-pg/database';
import { PoisonError, type ReceivedEvent } from '@mini-pg/messaging';
import { type Counter, failpoint } from '@mini-pg/runtime';
import { cancelsEndedBy } from '../cancels/cancel-view.ts';
import { lockReserves, setReserves } from '../cancels/reserve.ts';
import { cancelWaitId } from '../cancels/wait-id.ts';
import type { OutcomeWaiters } from '../intake/outcome-waiters.ts';
import type { FactRow } from '../payments/facts.ts';
import { readPayments } from '../payments/repository.ts';
import type { StatusCache } from '../payments/status-cache.ts';
import { renderPayment } from '../payments/view.ts';
import {
  type AskedCancels,
  assertCancel,
  closeOpenCancels,
  readAsked,
  reservesIn,
} from './cancels.ts';
import type { Delivered, OutcomeEvent, OutcomeTopic } from './delivered.ts';
import { insertFacts } from './facts.ts';
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

/** @returns the ids of the events that were parked, since what they are about is not known */
export async function projectDelivered(
  deps: ProjectionDeps,
  delivered: readonly Delivered[],
): Promise<ReadonlySet<string>> {
  const ids = [...new Set(delivered.map(({ event }) => event.data.paymentId))].sort();
  const parked = await inTransaction(deps.pool, (client) => store(client, ids, delivered));
  failpoint('payment-api.projection.after-commit');
  if (parked.added > 0) deps.parkedTotal.inc(parked.added);
  await publishViews(deps, ids, delivered);
  return parked.eventIds;
}

interface Parked {
  readonly eventIds: ReadonlySet<string>;
  /** How many of them were not parked before. */
  readonly added: number;
}

async function store(
  client: PostgresClient,
  ids: string[],
  delivered: readonly Delivered[],
): Promise<Parked> {
  const reserves = reservesIn(delivered);
  if (reserves.length > 0) await lockReserves(client, reserves);
  const amounts = await readAmounts(client, ids);
  const asked = await readAsked(client, delivered);
  const known = delivered.filter(({ event }) => isKnown(event, amounts, asked));
  for (const { event } of known) {
    assertAmount(event, amounts.get(event.data.paymentId));
    if (event.type === 'payment.cancelled') assertCancel(event.data, asked);
  }
  await insertFacts(client, known);
  await insertProgress(client, known);
  await closeOpen(client, known);
  await closeOpenCancels(client, known);
  await freeOrders(client, known);
  if (reserves.length > 0) await setReserves(client, reserves);
  const orphans = delivered.filter(({ event }) => !isKnown(event, amounts, asked));
  const added = await park(client, orphans, 'the payment or the cancel is not known');
  failpoint('payment-api.projection.before-commit');
  return { eventIds: new Set(orphans.map(({ event }) => event.id)), added };
}

/**
 * Of a payment that is not known nothing is; a cancel that failed must be one that was asked for
 * here, while one that was done may have been made at the PG.
 */
function isKnown(
  event: OutcomeEvent,
  amounts: ReadonlyMap<string, bigint>,
  asked: AskedCancels,
): boolean {
  if (!amounts.has(event.data.paymentId)) return false;
  return event.type !== 'payment.cancel-failed' || asked.has(event.data.cancelId);
}

async function publishViews(
  deps: ProjectionDeps,
  ids: readonly string[],
  delivered: readonly Delivered[],
): Promise<void> {
  const payments = await readPayments(deps.pool, ids);
  await deps.cache.write(payments.map((payment) => renderPayment(payment, payment.facts)));
  const facts = new Map(payments.map((payment) => [payment.id, payment.facts]));
  const decided = delivered.flatMap(({ event }) => decidedBy(event, facts));
  await deps.waiters.announce([...new Set(decided)], payments);
}

/** What an event decides: its payment, a cancel, or with the payment all that wait to cancel it. */
function decidedBy(event: OutcomeEvent, facts: ReadonlyMap<string, readonly FactRow[]>): string[] {
  const { paymentId } = event.data;
  switch (event.type) {
    case 'payment.completed':
      return [paymentId];
    case 'payment.failed': {
      const cancels = cancelsEndedBy(event.data, facts.get(paymentId) ?? []);
      return [paymentId, ...cancels.map((cancelId) => cancelWaitId(paymentId, cancelId))];
    }
    case 'payment.cancelled':
    case 'payment.cancel-failed':
      return [cancelWaitId(paymentId, event.data.cancelId)];
    case 'payment.settled':
    case 'payment.progressed':
      return [];
    default:
      return event satisfies never;
  }
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
  const approved = event.type === 'payment.completed' || event.type === 'payment.cancelled';
  if (approved && BigInt(event.data.amount) !== amount) {
    throw new PoisonError(`approved ${event.data.amount} for a payment of ${amount}`);
  }
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

function endsPayment(
  event: OutcomeEvent,
): event is Extract<OutcomeEvent, { type: 'payment.failed' | 'payment.cancelled' }> {
  if (event.type === 'payment.failed') return true;
  return event.type === 'payment.cancelled' && event.data.remainingAfter === 0;
}

/** A payment that failed or of which nothing is left frees its order; nothing takes that back. */
async function freeOrders(client: PostgresClient, delivered: readonly Delivered[]): Promise<void> {
  const ended = delivered
    .map(({ event }) => event)
    .filter(endsPayment)
    .map((event) => event.data);
  if (ended.length === 0) return;
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
      ended.map((data) => data.merchantId),
      ended.map((data) => data.livemode),
      ended.map((data) => data.orderId),
      ended.map((data) => data.paymentId),
    ],
  });
}
