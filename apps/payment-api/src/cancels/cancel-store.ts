import {
  inTransaction,
  isOutcomeUnknown,
  isTransient,
  type PostgresClient,
  type PostgresPool,
} from '@mini-pg/database';
import {
  type CancelRefusal,
  type CancelRequest,
  decideCancelRequest,
  type TaxedAmount,
  toJsonInteger,
} from '@mini-pg/domain';
import { failpoint, newId, traceIdOf } from '@mini-pg/runtime';
import { NotStoredError, ResultUnknownError } from '../intake/intake-store.ts';
import { type KeyName, type KeyRow, readKey } from '../intake/key-row.ts';
import { insertAction } from '../operators/operator-action.ts';
import type { CancelRequestedData } from '../payments/facts.ts';
import { readPayment, type StoredPayment } from '../payments/repository.ts';
import { cancelRequestedEvent } from './cancel-requested-event.ts';
import { cancellableOf } from './cancel-view.ts';
import { lockReserves } from './reserve.ts';

/** A cancel that is asked for; what it takes is decided under the lock of its payment. */
export interface CancelItem {
  readonly cancelId: string;
  readonly eventId: string;
  readonly paymentId: string;
  /** Whose payment it must be; null for an operator, who may cancel any. */
  readonly owner: { readonly merchantId: string; readonly livemode: boolean } | null;
  /** The name of the operator who asks, null for a merchant. */
  readonly operator: string | null;
  readonly request: CancelRequest;
  readonly reason: string;
  readonly requestedAt: Date;
  readonly key: KeyName;
  readonly fingerprint: Buffer;
  /** Null for a request that waits: its answer is fixed later, after `waitMs` at the latest. */
  readonly answer: 202 | null;
  readonly waitMs: number | null;
  readonly traceparent: string;
  /** Until when it may be tried, by `performance.now()`; what waits in the queue counts. */
  readonly deadlineMs: number;
}

export type CancelResult =
  | { readonly kind: 'STORED'; readonly cancel: CancelRequestedData }
  | { readonly kind: 'SAME_KEY'; readonly row: KeyRow }
  | { readonly kind: 'REFUSED'; readonly refusal: CancelRefusal }
  | { readonly kind: 'NOT_FOUND' };

const RETRY_PAUSE_MS = 50;
/** How soon a cancel without an outcome is asked for again, as a payment is. */
const FIRST_RE_EMIT_MS = 120_000;

/** Rolls back: nothing stays of a cancel that is not taken, not even an empty reserve. */
class NotTaken extends Error {
  readonly result: CancelResult;

  constructor(result: CancelResult) {
    super(result.kind);
    this.result = result;
  }
}

/**
 * Takes a cancel: reserve, key, fact, open marker and outbox row in one transaction, which queues
 * with others of the same payment. It is sent again when its end is not known: the key makes that
 * harmless.
 *
 * @throws NotStoredError when it surely was not stored by its deadline.
 * @throws ResultUnknownError when its deadline passed with a commit's end not known.
 */
export async function storeCancel(pool: PostgresPool, item: CancelItem): Promise<CancelResult> {
  if (performance.now() >= item.deadlineMs) throw new NotStoredError('it waited for too long');
  let uncertain = false;
  for (;;) {
    let begun = false;
    let committing = false;
    try {
      const stored = await inTransaction(pool, async (client) => {
        begun = true;
        const result = await takeUnderLock(client, item);
        if (result.kind !== 'STORED') throw new NotTaken(result);
        committing = true;
        failpoint('payment-api.cancel.before-commit');
        return result;
      });
      failpoint('payment-api.cancel.after-commit');
      return stored;
    } catch (error) {
      if (error instanceof NotTaken) return error.result;
      uncertain ||= committing && isOutcomeUnknown(error);
      if (!begun && !uncertain) {
        throw new NotStoredError('the database cannot be reached', { cause: error });
      }
      if (!isTransient(error) && !uncertain) throw error;
      if (performance.now() >= item.deadlineMs) {
        throw uncertain
          ? new ResultUnknownError('the database did not say what it stored', { cause: error })
          : new NotStoredError('the payment was busy for too long', { cause: error });
      }
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE_MS));
  }
}

/** The key is looked at under the lock too: a repeat must not meet the reserve of its twin. */
async function takeUnderLock(client: PostgresClient, item: CancelItem): Promise<CancelResult> {
  const { paymentId, owner } = item;
  const mine = await isOwned(client, paymentId, owner);
  if (mine) await lockReserves(client, [paymentId]);
  const row = await readKey(client, item.key);
  const payment = mine ? await readPayment(client, paymentId) : null;
  if (row !== null) return known(item, row, payment);
  if (payment === null) return { kind: 'NOT_FOUND' };
  const cancellable = cancellableOf(payment, payment.facts);
  const decision = decideCancelRequest(cancellable, item.request);
  if (!decision.ok) return { kind: 'REFUSED', refusal: decision.refusal };
  const cancel = requestedData(item, payment, decision.cancel);
  if (await insert(client, item, cancel)) return { kind: 'STORED', cancel };
  // The key was taken meanwhile, for another payment.
  const taken = await readKey(client, item.key);
  if (taken === null) throw new Error('a key that was taken must have its row');
  return known(item, taken, payment);
}

async function isOwned(
  client: PostgresClient,
  paymentId: string,
  owner: CancelItem['owner'],
): Promise<boolean> {
  const { rows } = await client.query<{ merchant_id: string; livemode: boolean }>({
    name: 'cancel_owner',
    text: 'select merchant_id, livemode from payment where id = $1',
    values: [paymentId],
  });
  const [row] = rows;
  if (row === undefined || owner === null) return row !== undefined;
  return row.merchant_id === owner.merchantId && row.livemode === owner.livemode;
}

function known(item: CancelItem, row: KeyRow, payment: StoredPayment | null): CancelResult {
  if (row.resource !== item.cancelId) return { kind: 'SAME_KEY', row };
  // Its own row: an earlier try was stored though its answer was lost.
  const own = payment?.facts.find(
    (fact) => fact.kind === 'CANCEL_REQUESTED' && fact.data.cancelId === item.cancelId,
  );
  if (own?.kind !== 'CANCEL_REQUESTED') throw new Error('a stored key must have its cancel');
  return { kind: 'STORED', cancel: own.data };
}

function requestedData(
  item: CancelItem,
  payment: StoredPayment,
  taken: TaxedAmount,
): CancelRequestedData {
  return {
    merchantId: payment.merchant_id,
    livemode: payment.livemode,
    paymentId: payment.id,
    cancelId: item.cancelId,
    amount: toJsonInteger(taken.amount),
    taxFreeAmount: toJsonInteger(taken.taxFreeAmount),
    reason: item.reason,
    origin: item.operator === null ? 'MERCHANT' : 'OPERATOR',
    requestedAt: item.requestedAt.toISOString(),
  };
}

/** The reserve is counted up here, so that its constraint is a second judge of the decision. */
const INSERT = `
  with key as (
    insert into idempotency_key
      (merchant_id, livemode, scope, key, resource, fingerprint, answer, due_at)
    values ($1, $2, $3, $4, $5, $6, $7, now() + $8::float8 * interval '1 ms')
    on conflict do nothing
    returning resource
  ), fact as (
    insert into payment_fact (payment_id, kind, fact_key, event_id, data, trace_id, occurred_at)
    select $9, 'CANCEL_REQUESTED', resource, $10, $11, $12, $13 from key
  ), reserve as (
    update payment_reserve
    set reserved = reserved + $14, tax_free_reserved = tax_free_reserved + $15
    from key where payment_id = $9
  ), opened as (
    insert into cancel_open (cancel_id, payment_id, traceparent, next_emit_at)
    select resource, $9, $16, $13::timestamptz + interval '${FIRST_RE_EMIT_MS} milliseconds'
    from key
  ), announced as (
    insert into outbox (event_id, topic, key, headers, payload)
    select $10, 'payment.cancel-requested', $9::uuid::text,
           jsonb_build_object('traceparent', $16::text), $17
    from key
  )
  select resource from key`;

/** @returns false when the key is taken; nothing is written then */
async function insert(
  client: PostgresClient,
  item: CancelItem,
  cancel: CancelRequestedData,
): Promise<boolean> {
  const { key, eventId, traceparent } = item;
  const { rows } = await client.query({
    name: 'cancel_insert',
    text: INSERT,
    values: [
      key.merchantId,
      key.livemode,
      key.scope,
      key.key,
      item.cancelId,
      item.fingerprint,
      item.answer,
      item.waitMs,
      cancel.paymentId,
      eventId,
      JSON.stringify(cancel),
      traceIdOf(traceparent),
      item.requestedAt,
      cancel.amount,
      cancel.taxFreeAmount,
      traceparent,
      JSON.stringify(cancelRequestedEvent(eventId, cancel)),
    ],
  });
  if (rows.length === 0) return false;
  if (item.operator !== null) await recordOperator(client, item, item.operator, cancel);
  return true;
}

async function recordOperator(
  client: PostgresClient,
  item: CancelItem,
  operator: string,
  cancel: CancelRequestedData,
): Promise<void> {
  const { cancelId, amount, taxFreeAmount, reason } = cancel;
  await insertAction(client, {
    id: newId(),
    operator,
    action: 'CANCEL_REQUESTED',
    target: item.paymentId,
    detail: { cancelId, amount, taxFreeAmount, reason, traceId: traceIdOf(item.traceparent) },
    now: item.requestedAt,
  });
}
