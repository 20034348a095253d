import { type Kysely, type Queryable, sql } from '@mini-pg/database';
import type { EventOf, Topic } from '@mini-pg/domain';

/** An event on its way to Kafka, as it is stored beside the change that it tells of. */
export interface OutboxRow {
  readonly eventId: string;
  /** Without the deployment's prefix; the relay adds it. */
  readonly topic: Topic;
  readonly key: string;
  readonly headers: { readonly traceparent?: string };
  /** The envelope as JSON text: what is stored is what is sent, byte by byte. */
  readonly payload: string;
}

/**
 * Makes `outbox` and `outbox_dead` in the first schema of the search path. Called inside each
 * service's first migration.
 *
 * Rows live for milliseconds, so autovacuum is triggered by a count and not by a share of the
 * table, and pages are filled to the brim.
 */
export async function createOutboxTables<Database>(db: Kysely<Database>): Promise<void> {
  await sql`
    create table outbox (
      seq bigint generated always as identity primary key,
      event_id uuid not null,
      topic text not null,
      key text not null,
      headers jsonb not null default '{}',
      payload text not null,
      created_at timestamptz not null default now()
    ) with (
      fillfactor = 100,
      autovacuum_vacuum_scale_factor = 0,
      autovacuum_vacuum_threshold = 2000,
      autovacuum_vacuum_cost_delay = 0,
      autovacuum_vacuum_insert_scale_factor = 0,
      autovacuum_vacuum_insert_threshold = 20000,
      autovacuum_analyze_scale_factor = 0,
      autovacuum_analyze_threshold = 20000
    )`.execute(db);
  await sql`
    create table outbox_dead (
      seq bigint primary key,
      event_id uuid not null,
      topic text not null,
      key text not null,
      headers jsonb not null,
      payload text not null,
      created_at timestamptz not null,
      reason text not null,
      moved_at timestamptz not null default now()
    )`.execute(db);
}

/** The row of an event. The key decides the partition: the payment id unless the topic says other. */
export function toOutboxRow<T extends Topic>(
  event: EventOf<T>,
  options: { key: string; traceparent?: string | undefined },
): OutboxRow {
  const { id, type } = event as { id: string; type: Topic };
  return {
    eventId: id,
    topic: type,
    key: options.key,
    headers: options.traceparent === undefined ? {} : { traceparent: options.traceparent },
    payload: JSON.stringify(event),
  };
}

const INSERT_OUTBOX = {
  name: 'insert-outbox',
  text: `
    insert into outbox (event_id, topic, key, headers, payload)
    select event_id, topic, key, headers, payload
    from unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[], $5::text[])
      with ordinality as row (event_id, topic, key, headers, payload, position)
    order by position`,
};

/** Writes rows in one statement; the order of `rows` is the order of `seq`. */
export async function insertOutbox(client: Queryable, rows: readonly OutboxRow[]): Promise<void> {
  if (rows.length === 0) return;
  await client.query({
    ...INSERT_OUTBOX,
    values: [
      rows.map((row) => row.eventId),
      rows.map((row) => row.topic),
      rows.map((row) => row.key),
      rows.map((row) => JSON.stringify(row.headers)),
      rows.map((row) => row.payload),
    ],
  });
}
