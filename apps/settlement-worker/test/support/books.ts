import { createPool, type PostgresPool } from '@mini-pg/database';
import { type AnyEvent, EVENT_SCHEMAS, type EventOf, type Topic } from '@mini-pg/domain';
import type { PartitionProgress } from '@mini-pg/messaging';
import { createLogger, newId, Secret } from '@mini-pg/runtime';
import { createTestDatabase } from '@mini-pg/testing';
import { seedCalendar } from '../../src/calendar/calendar-seed.ts';
import { type CloseOptions, type CloseResult, closeDays } from '../../src/close/close-days.ts';
import { migrations } from '../../src/db/migrations/index.ts';
import type { ConsumedTopic } from '../../src/facts/consumed.ts';
import { type Stored, storeEvents } from '../../src/facts/store-events.ts';
import { merchantUpdated, received, termsFrom } from './events.ts';

/** The books of one test file: a database of its own and the ways into it. */
export interface Books {
  readonly pool: PostgresPool;
  /** A superuser's pool, for what no program of ours may do. */
  readonly admin: PostgresPool;
  readonly url: Secret;
  store(...events: AnyEvent<ConsumedTopic>[]): Promise<Stored>;
  /** A merchant with these terms, 3.3 % since 2026-01-01 when left out. */
  addMerchant(from?: string, change?: Parameters<typeof termsFrom>[1]): Promise<string>;
  /** Closes with every fact stored and the clock at the end of 2027. */
  close(date: string, options?: Partial<CloseOptions>): Promise<CloseResult>;
  rows<Row extends object = Record<string, unknown>>(
    text: string,
    values?: unknown[],
  ): Promise<Row[]>;
  /** What the outbox holds, parsed by its schemas, in order. */
  outbox(): Promise<AnyEvent[]>;
  /** Empties the books, but for the calendar. */
  clear(): Promise<void>;
  drop(): Promise<void>;
}

const NOTHING_BEHIND: PartitionProgress[] = [];

export async function createBooks(): Promise<Books> {
  const database = await createTestDatabase({ settlement: migrations });
  const url = database.urls.settlement;
  const pool = createPool({ connectionString: url, applicationName: 'books-test' });
  const admin = createPool({
    connectionString: `${database.adminUrl}?options=-csearch_path%3Dsettlement`,
    applicationName: 'books-admin',
  });
  await seedCalendar(pool);
  const store = (...events: AnyEvent<ConsumedTopic>[]) =>
    storeEvents(
      pool,
      events.map((event) => received(event as EventOf<ConsumedTopic>)),
    );
  const rows = async <Row extends object>(text: string, values: unknown[] = []) =>
    (await pool.query<Row>(text, values)).rows;
  return {
    pool,
    admin,
    url: new Secret(url),
    store,
    rows,
    async addMerchant(from = '2026-01-01', change = {}) {
      const merchantId = newId();
      await store(merchantUpdated(merchantId, [termsFrom(from, change)]));
      return merchantId;
    },
    close: (date, options) =>
      closeDays(date, {
        connectionString: new Secret(url),
        readProgress: async () => NOTHING_BEHIND,
        requestedBy: 'test',
        clock: { now: () => new Date('2027-12-31T12:00:00Z') },
        logger: createLogger({ service: 'test', level: 'silent' }),
        ...options,
      }),
    async outbox() {
      const stored = await rows<{ topic: Topic; payload: string }>(
        'select topic, payload from outbox order by seq',
      );
      return stored.map(({ topic, payload }) => EVENT_SCHEMAS[topic].parse(JSON.parse(payload)));
    },
    async clear() {
      await pool.query(
        `truncate merchant, merchant_terms, fact, fact_open, settlement_run, settlement_control,
           settlement_item, settlement, suspense_posting, outbox`,
      );
    },
    async drop() {
      await pool.end();
      await admin.end();
      await database.drop();
    },
  };
}

/** The events of one topic. */
export function only<T extends Topic>(events: readonly AnyEvent[], topic: T): EventOf<T>[] {
  return events.filter((event) => (event as { type: string }).type === topic) as EventOf<T>[];
}
