import {
  isOutcomeUnknown,
  isTransient,
  joinJsonTexts,
  jsonTextsOf,
  type PostgresPool,
  type Queryable,
} from '@mini-pg/database';
import { failpoint } from '@mini-pg/runtime';
import type { PaymentRow } from '../payments/facts.ts';
import type { KeyRow } from './key-row.ts';

/** What is written for a new payment: key, payment, open marker and outbox row in one statement. */
export interface IntakeItem {
  readonly payment: PaymentRow;
  readonly idempotencyKey: string;
  readonly fingerprint: Buffer;
  /** Null for a request that waits: its answer is fixed later, after `waitMs` at the latest. */
  readonly answer: 202 | null;
  readonly waitMs: number | null;
  /** Sealed, as JSON. */
  readonly source: string;
  readonly customer: string | null;
  readonly eventId: string;
  readonly eventPayload: string;
  readonly traceparent: string;
}

export type IntakeResult =
  | { readonly kind: 'STORED' }
  | { readonly kind: 'SAME_KEY'; readonly row: KeyRow }
  | { readonly kind: 'ORDER_ACTIVE'; readonly paymentId: string }
  /** It lost to a row that is gone by now: worth another batch. */
  | { readonly kind: 'GONE' };

/** No statement left the process: surely nothing was stored. */
export class NotStoredError extends Error {
  override readonly name = 'NotStoredError';
}

/** The statement's end is not known and reading again did not settle it. */
export class ResultUnknownError extends Error {
  override readonly name = 'ResultUnknownError';
}

const RETRY_PAUSE_MS = 50;
/** How soon a payment without an outcome is announced again. */
const FIRST_RE_EMIT_MS = 120_000;

const INSERT = `
  with input as (
    select * from unnest(
      $1::uuid[], $2::uuid[], $3::boolean[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
      $8::text[], $9::text[], ${jsonTextsOf('$10')}, ${jsonTextsOf('$11')}, ${jsonTextsOf('$12')},
      $13::uuid[], $14::text[], $15::timestamptz[], $16::timestamptz[], $17::text[], $18::text[],
      $19::smallint[], $20::float8[], ${jsonTextsOf('$21')}
    ) as i (
      id, merchant_id, livemode, order_id, order_name, amount, tax_free_amount,
      currency, pg, source, customer, metadata, event_id, traceparent,
      requested_at, expires_at, key, fingerprint, answer,
      wait_ms, payload
    )
  ), keys as (
    insert into idempotency_key
      (merchant_id, livemode, scope, key, resource, fingerprint, answer, due_at, live_order_id)
    select merchant_id, livemode, 'payment', key, id, decode(fingerprint, 'hex'), answer,
           now() + wait_ms * interval '1 ms', order_id
    from input
    on conflict do nothing
    returning resource
  ), stored as (
    select input.* from input join keys on keys.resource = input.id
  ), payments as (
    insert into payment
      (id, merchant_id, livemode, order_id, order_name, amount, tax_free_amount, currency, pg, source,
       customer, metadata, event_id, traceparent, requested_at, expires_at)
    select id, merchant_id, livemode, order_id, order_name, amount, tax_free_amount, currency, pg,
           source::jsonb, customer::jsonb, metadata::jsonb, event_id, traceparent, requested_at, expires_at
    from stored
  ), opened as (
    insert into payment_open (payment_id, next_emit_at)
    select id, requested_at + interval '${FIRST_RE_EMIT_MS} milliseconds' from stored
  ), announced as (
    insert into outbox (event_id, topic, key, headers, payload)
    select event_id, 'payment.requested', id::text, jsonb_build_object('traceparent', traceparent), payload
    from stored
  )
  select resource from keys`;

const READ_CONFLICTS = `
  select i.ord::int as ord, k.resource, k.fingerprint, k.answer,
         coalesce(k.due_at <= now(), false) as due, live.resource as live_resource
  from unnest($1::uuid[], $2::boolean[], $3::text[], $4::text[])
       with ordinality as i (merchant_id, livemode, key, order_id, ord)
  left join idempotency_key k
    on k.merchant_id = i.merchant_id and k.livemode = i.livemode
       and k.scope = 'payment' and k.key = i.key
  left join idempotency_key live
    on live.merchant_id = i.merchant_id and live.livemode = i.livemode
       and live.live_order_id = i.order_id`;

interface ConflictRow {
  readonly ord: number;
  readonly resource: string | null;
  readonly fingerprint: Buffer;
  readonly answer: 201 | 202 | null;
  readonly due: boolean;
  readonly live_resource: string | null;
}

/**
 * Writes a batch of new payments and says for each whether it was stored or to what it lost. The
 * same rows are sent again when the end of a statement is not known: the key makes that harmless.
 *
 * @throws NotStoredError when the database could not be reached at all.
 * @throws ResultUnknownError when the timeout passed with a statement's end not known.
 */
export async function storeBatch(
  pool: PostgresPool,
  items: readonly IntakeItem[],
  timeoutMs: number,
): Promise<readonly IntakeResult[]> {
  const deadline = performance.now() + timeoutMs;
  let sent = false;
  for (;;) {
    try {
      const client = await pool.connect();
      let failure: Error | undefined;
      try {
        sent = true;
        return await insertAndExplain(client, items);
      } catch (error) {
        failure = error as Error;
        throw error;
      } finally {
        client.release(failure !== undefined && isOutcomeUnknown(failure));
      }
    } catch (error) {
      if (!sent) throw new NotStoredError('the database cannot be reached', { cause: error });
      if (!isTransient(error) && !isOutcomeUnknown(error)) return storeSingly(pool, items, error);
      if (performance.now() >= deadline) {
        throw new ResultUnknownError('the database did not say what it stored', { cause: error });
      }
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE_MS));
  }
}

/** A row that the database refuses must not take its batch with it: each goes alone, once. */
async function storeSingly(
  pool: PostgresPool,
  items: readonly IntakeItem[],
  cause: unknown,
): Promise<readonly IntakeResult[]> {
  if (items.length === 1) throw cause;
  const results: IntakeResult[] = [];
  for (const item of items) {
    results.push(...(await insertAndExplain(pool, [item])));
  }
  return results;
}

async function insertAndExplain(
  database: Queryable,
  items: readonly IntakeItem[],
): Promise<readonly IntakeResult[]> {
  const stored = await insert(database, items);
  const lost = items.filter((item) => !stored.has(item.payment.id));
  const explained = lost.length === 0 ? [] : await explain(database, lost);
  const byId = new Map(lost.map((item, index) => [item.payment.id, explained[index]]));
  return items.map((item) => byId.get(item.payment.id) ?? { kind: 'STORED' });
}

/** Rows go in sorted by key: unsorted batches of two instances deadlock. */
async function insert(database: Queryable, items: readonly IntakeItem[]): Promise<Set<string>> {
  const sorted = [...items].sort(byKey);
  const column = <T>(read: (item: IntakeItem) => T) => sorted.map(read);
  failpoint('payment-api.intake.before-commit');
  const { rows } = await database.query<{ resource: string }>({
    name: 'intake_insert',
    text: INSERT,
    values: [
      column((i) => i.payment.id),
      column((i) => i.payment.merchant_id),
      column((i) => i.payment.livemode),
      column((i) => i.payment.order_id),
      column((i) => i.payment.order_name),
      column((i) => i.payment.amount),
      column((i) => i.payment.tax_free_amount),
      column((i) => i.payment.currency),
      column((i) => i.payment.pg),
      joinJsonTexts(column((i) => i.source)),
      joinJsonTexts(column((i) => i.customer)),
      joinJsonTexts(column((i) => JSON.stringify(i.payment.metadata))),
      column((i) => i.eventId),
      column((i) => i.traceparent),
      column((i) => i.payment.requested_at.toISOString()),
      column((i) => i.payment.expires_at.toISOString()),
      column((i) => i.idempotencyKey),
      column((i) => i.fingerprint.toString('hex')),
      column((i) => i.answer),
      column((i) => i.waitMs),
      joinJsonTexts(column((i) => i.eventPayload)),
    ],
  });
  failpoint('payment-api.intake.after-commit');
  return new Set(rows.map((row) => row.resource));
}

function byKey(a: IntakeItem, b: IntakeItem): number {
  return (
    compare(a.payment.merchant_id, b.payment.merchant_id) ||
    compare(a.idempotencyKey, b.idempotencyKey)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

async function explain(database: Queryable, items: readonly IntakeItem[]): Promise<IntakeResult[]> {
  const { rows } = await database.query<ConflictRow>({
    name: 'intake_explain',
    text: READ_CONFLICTS,
    values: [
      items.map((i) => i.payment.merchant_id),
      items.map((i) => i.payment.livemode),
      items.map((i) => i.idempotencyKey),
      items.map((i) => i.payment.order_id),
    ],
  });
  const results: IntakeResult[] = items.map(() => ({ kind: 'GONE' }));
  for (const row of rows) {
    const item = items[row.ord - 1];
    if (item !== undefined) results[row.ord - 1] = explainRow(item, row);
  }
  return results;
}

function explainRow(item: IntakeItem, row: ConflictRow): IntakeResult {
  // Its own row: an earlier try of this very batch was stored though its answer was lost.
  if (row.resource === item.payment.id) return { kind: 'STORED' };
  if (row.resource !== null) {
    const { resource, fingerprint, answer, due } = row;
    return { kind: 'SAME_KEY', row: { resource, fingerprint, answer, due } };
  }
  if (row.live_resource !== null) return { kind: 'ORDER_ACTIVE', paymentId: row.live_resource };
  return { kind: 'GONE' };
}
