import type { PostgresClient, PostgresPool } from '@mini-pg/database';
import { EVENT_SCHEMAS } from '@mini-pg/domain';
import { failpoint, type Gauge, type Logger, traceIdOf } from '@mini-pg/runtime';
import {
  type Delivered,
  OUTCOME_TOPICS,
  type OutcomeEvent,
  type OutcomeTopic,
} from './delivered.ts';

/**
 * Events that say something of a payment or a cancel that is not known here. They are kept and
 * tried again for a bounded time; what stays is a matter for a person, and alerts by its gauge.
 *
 * @returns how many of them were not parked before
 */
export async function park(
  client: PostgresClient,
  delivered: readonly Delivered[],
  reason: string,
): Promise<number> {
  if (delivered.length === 0) return 0;
  const { rowCount } = await client.query({
    name: 'park_events',
    text: `insert into parked_event (event_id, topic, payload, traceparent, reason)
           select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])
           on conflict do nothing`,
    values: [
      delivered.map(({ event }) => event.id),
      delivered.map(({ event }) => event.type),
      delivered.map(({ event }) => JSON.stringify(event)),
      delivered.map(({ traceparent }) => traceparent ?? null),
      delivered.map(() => reason),
    ],
  });
  return rowCount ?? 0;
}

interface ParkedRow {
  readonly event_id: string;
  readonly topic: string;
  readonly payload: string;
  readonly traceparent: string | null;
}

const TRIES_MAX = 100;
const RETRY_SECONDS = 30;
const BATCH_MAX = 100;

/**
 * One round: takes parked events that are due and projects them again. One that is parked once more
 * keeps its row and its count of tries.
 */
export async function retryParked(options: {
  readonly pool: PostgresPool;
  readonly project: (delivered: readonly Delivered[]) => Promise<ReadonlySet<string>>;
  readonly gauge: Gauge;
  readonly logger: Logger;
}): Promise<number> {
  const { pool, gauge } = options;
  const { rows: counts } = await pool.query<{ parked: number }>(
    'select count(*)::int as parked from parked_event',
  );
  gauge.set(counts[0]?.parked ?? 0);
  const { rows } = await pool.query<ParkedRow>(
    `update parked_event e
     set tries = tries + 1, next_try_at = now() + interval '${RETRY_SECONDS} seconds'
     from (select event_id from parked_event
           where next_try_at <= now() and tries < ${TRIES_MAX}
           order by next_try_at limit ${BATCH_MAX} for update skip locked) due
     where e.event_id = due.event_id
     returning e.event_id, e.topic, e.payload, e.traceparent`,
  );
  for (const row of rows) {
    failpoint('payment-api.parked.after-claim');
    const event = parse(row);
    const traceparent = row.traceparent ?? undefined;
    const parked = await options.project([{ event, traceparent, traceId: traceIdOf(traceparent) }]);
    if (parked.has(event.id)) continue;
    failpoint('payment-api.parked.before-delete');
    await pool.query('delete from parked_event where event_id = $1', [row.event_id]);
    failpoint('payment-api.parked.after-delete');
    options.logger.info({ eventId: row.event_id }, 'a parked event was projected');
  }
  return 0;
}

function parse(row: ParkedRow): OutcomeEvent {
  if (!isOutcomeTopic(row.topic)) throw new Error(`parked event of unknown topic ${row.topic}`);
  return EVENT_SCHEMAS[row.topic].parse(JSON.parse(row.payload));
}

function isOutcomeTopic(topic: string): topic is OutcomeTopic {
  return (OUTCOME_TOPICS as readonly string[]).includes(topic);
}
