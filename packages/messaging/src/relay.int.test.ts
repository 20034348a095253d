import type { PostgresPool } from '@mini-pg/database';
import { createLogger, createRegistry, newId, type Registry, Secret } from '@mini-pg/runtime';
import { createTestDatabase, type TestDatabase, testStack, waitFor } from '@mini-pg/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  merchantUpdated,
  OUTBOX_MIGRATIONS,
  openPool,
  readTopic,
  silent,
  uniquePrefix,
} from '../test/support.ts';
import { insertOutbox, toOutboxRow } from './outbox.ts';
import { createProducer, type EventProducer } from './producer.ts';
import { type Relay, type RelayOptions, startRelay } from './relay.ts';
import { createTopics, deleteTopics } from './topics.ts';

const TOPIC = 'merchant.updated';

let database: TestDatabase;
let pool: PostgresPool;
let admin: PostgresPool;
let producer: EventProducer;
let prefix: string;
const relays: Relay[] = [];

beforeAll(async () => {
  database = await createTestDatabase({ payment: OUTBOX_MIGRATIONS });
  pool = openPool(database.urls.payment);
  admin = openPool(database.adminUrl);
  const brokers = testStack().kafkaBrokers;
  producer = await createProducer({
    brokers,
    clientId: 'relay-test',
    logger: silent,
    registry: createRegistry('test'),
    settings: { 'topic.metadata.propagation.max.ms': 500 },
  });
});

afterAll(async () => {
  await producer.stop();
  await pool.end();
  await admin.end();
  await database.drop();
});

beforeEach(async () => {
  prefix = uniquePrefix();
  await createTopics({
    brokers: testStack().kafkaBrokers,
    producer: 'payment-api',
    topicPrefix: prefix,
    logger: silent,
    partitions: 1,
  });
});

afterEach(async () => {
  await Promise.all(relays.splice(0).map((relay) => relay.stop()));
  await pool.query('delete from outbox');
  await pool.query('delete from outbox_dead');
  await deleteTopics({ brokers: testStack().kafkaBrokers, topicPrefix: prefix });
});

function start(overrides: Partial<RelayOptions> = {}): Relay {
  const relay = startRelay({
    connectionString: new Secret(database.urls.payment),
    producer,
    topicPrefix: prefix,
    applicationName: 'relay-test',
    logger: silent,
    registry: createRegistry('test'),
    idleMs: 20,
    ...overrides,
  });
  relays.push(relay);
  return relay;
}

async function insert(notes: readonly string[], key?: string): Promise<void> {
  const rows = notes.map((note) => toOutboxRow(merchantUpdated(note), { key: key ?? newId() }));
  await insertOutbox(pool, rows);
}

async function countRows(table: 'outbox' | 'outbox_dead'): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    `select count(*)::int as count from ${table}`,
  );
  return rows[0]?.count ?? -1;
}

const outboxEmpty = () =>
  waitFor(async () => (await countRows('outbox')) === 0, { what: 'the outbox to be empty' });

const leads = (relay: Relay) => waitFor(() => relay.leading, { what: 'the relay to lead' });

async function notesOf(topic = `${prefix}${TOPIC}`): Promise<string[]> {
  const messages = await readTopic(testStack().kafkaBrokers, topic);
  return messages.map(({ value }) => JSON.parse(value).data.name);
}

/** Ends the sessions of relays at the server, as a crash of the process would. */
async function killSessions(applicationName: string): Promise<void> {
  await admin.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1',
    [`${applicationName}.relay`],
  );
}

async function metric(registry: Registry, name: string): Promise<number> {
  const found = (await registry.getMetricsAsJSON()).find((m) => m.name === name);
  return (found?.values ?? []).reduce((sum, { value }) => sum + value, 0);
}

describe('a relay that leads', () => {
  it('publishes rows in the order of seq, with their headers, and deletes them', async () => {
    const traceparent = '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01';
    const event = merchantUpdated('first');
    await insertOutbox(pool, [toOutboxRow(event, { key: 'k', traceparent })]);
    await insert(['second', 'third', 'fourth'], 'k');
    start();
    await outboxEmpty();
    const messages = await readTopic(testStack().kafkaBrokers, `${prefix}${TOPIC}`);
    expect(messages.map(({ value }) => JSON.parse(value).data.name)).toEqual([
      'first',
      'second',
      'third',
      'fourth',
    ]);
    expect(messages[0]).toMatchObject({ key: 'k', headers: { traceparent, 'event-id': event.id } });
    expect(JSON.parse(messages[0]?.value ?? '')).toEqual(event);
  });

  it('sends a big backlog in batches, in order', async () => {
    const notes = Array.from({ length: 2_500 }, (_, index) => `n${index}`);
    await insert(notes, 'k');
    const registry = createRegistry('test');
    start({ registry });
    await outboxEmpty();
    expect(await notesOf()).toEqual(notes);
    await waitFor(async () => (await metric(registry, 'outbox_published_total')) === 2_500, {
      what: 'the count of published rows',
    });
  });

  it('keeps a batch within its bytes', async () => {
    const calls: number[] = [];
    const counting: EventProducer = {
      stop: () => producer.stop(),
      publish: (messages) => {
        calls.push(messages.length);
        return producer.publish(messages);
      },
    };
    await insert(Array.from({ length: 20 }, (_, index) => String(index).repeat(400_000)));
    start({ producer: counting });
    await outboxEmpty();
    expect(calls.length).toBeGreaterThan(1);
    expect(calls.reduce((sum, count) => sum + count, 0)).toBe(20);
  });

  it('looks at once when it is woken', async () => {
    const relay = start({ idleMs: 600_000 });
    await leads(relay);
    await waitFor(async () => (await countRows('outbox')) === 0, { what: 'a first round' });
    await insert(['woken']);
    relay.wake();
    await outboxEmpty();
    expect(await notesOf()).toEqual(['woken']);
  });

  it('finds a row with a lower seq that was committed later', async () => {
    const client = await pool.connect();
    await client.query('begin');
    await insertOutbox(client, [toOutboxRow(merchantUpdated('slow'), { key: 'k' })]);
    await insert(['fast'], 'k');
    start();
    await waitFor(async () => (await notesOf()).length === 1, { what: 'the committed row' });
    await client.query('commit');
    client.release();
    await outboxEmpty();
    expect((await notesOf()).sort()).toEqual(['fast', 'slow']);
  });

  it('publishes again when it fails between the reports and the delete', async () => {
    await insert(['twice'], 'k');
    let crashes = 1;
    start({
      onPublished: () => {
        if (crashes-- > 0) throw new Error('killed after the acknowledgement');
      },
    });
    await outboxEmpty();
    expect(await notesOf()).toEqual(['twice', 'twice']);
  });

  it('deletes nothing when its session was ended before the delete', async () => {
    await insert(['twice'], 'k');
    let kills = 1;
    start({
      applicationName: 'killed',
      onPublished: async () => {
        if (kills-- > 0) await killSessions('killed');
      },
    });
    await outboxEmpty();
    expect(await notesOf()).toEqual(['twice', 'twice']);
  });
});

describe('a relay that finds another at work on its rows', () => {
  it('ends its term', async () => {
    const lines: string[] = [];
    const logger = createLogger(
      { service: 'test', level: 'error' },
      { write: (line) => lines.push(line) },
    );
    await insert(['taken by another']);
    start({
      logger,
      onPublished: async () => {
        await pool.query('delete from outbox');
      },
    });
    await waitFor(() => lines.some((line) => line.includes('another relay deleted rows')), {
      what: 'the relay to notice',
    });
  });
});

describe('a relay whose messages Kafka does not take', () => {
  it('tries again, drops nothing and keeps the order', async () => {
    await insert(['a', 'b', 'c'], 'k');
    let failures = 3;
    const flaky: EventProducer = {
      stop: () => producer.stop(),
      publish: async (messages) => {
        if (failures-- <= 0) return producer.publish(messages);
        return messages.map(() => ({ ok: false, error: new Error('down'), permanent: false }));
      },
    };
    const registry = createRegistry('test');
    start({ producer: flaky, registry });
    await outboxEmpty();
    expect(await notesOf()).toEqual(['a', 'b', 'c']);
    expect(await metric(registry, 'outbox_publish_failures_total')).toBe(9);
  });

  it('moves a row that is refused alone to outbox_dead, with the reason, and sends the others', async () => {
    await insert(['before'], 'k');
    await insert(['x'.repeat(1_100_000)], 'k');
    await insert(['after'], 'k');
    const registry = createRegistry('test');
    start({ registry });
    await outboxEmpty();
    expect(await notesOf()).toEqual(['before', 'after']);
    const dead = await pool.query('select topic, key, reason from outbox_dead');
    expect(dead.rows).toEqual([
      { topic: TOPIC, key: 'k', reason: 'Broker: Message size too large' },
    ]);
    await waitFor(async () => (await metric(registry, 'outbox_dead_rows')) === 1, {
      what: 'the gauge of dead rows',
    });
    expect(await metric(registry, 'outbox_dead_total')).toBe(1);
  });

  it('moves a row of a topic that nobody knows to outbox_dead', async () => {
    await pool.query(
      "insert into outbox (event_id, topic, key, payload) values ($1, 'no.such', 'k', '{}')",
      [newId()],
    );
    start();
    await outboxEmpty();
    expect(await countRows('outbox_dead')).toBe(1);
  });

  it('keeps rows of a topic that is not made yet and sends the others meanwhile', async () => {
    await pool.query(
      "insert into outbox (event_id, topic, key, payload) values ($1, 'payment.settled', 'k', '{}')",
      [newId()],
    );
    const registry = createRegistry('test');
    const relay = start({ registry });
    await waitFor(async () => (await metric(registry, 'outbox_publish_failures_total')) > 0, {
      what: 'the first refusal',
    });
    await insert(['other']);
    await waitFor(async () => (await notesOf()).length === 1, { what: 'the other row' });
    expect(await countRows('outbox')).toBe(1);
    expect(await countRows('outbox_dead')).toBe(0);
    expect(relay.oldestAgeMs()).toBeGreaterThan(0);
    await createTopics({
      brokers: testStack().kafkaBrokers,
      producer: 'settlement-worker',
      topicPrefix: prefix,
      logger: silent,
      partitions: 1,
    });
    await outboxEmpty();
    expect(await readTopic(testStack().kafkaBrokers, `${prefix}payment.settled`)).toHaveLength(1);
  });
});

describe('a relay that stands by', () => {
  it('does not publish, and knows the age of the oldest row', async () => {
    const stuck: EventProducer = {
      stop: async () => {},
      publish: async (messages) =>
        messages.map(() => ({ ok: false, error: new Error('down'), permanent: false })),
    };
    const leader = start({ producer: stuck });
    await leads(leader);
    const standby = start();
    await insert(['waits']);
    await waitFor(() => standby.oldestAgeMs() > 100, { what: 'the age at the standby' });
    await waitFor(() => leader.oldestAgeMs() > 100, { what: 'the age at the leader' });
    expect(standby.leading).toBe(false);
    expect(await countRows('outbox')).toBe(1);
  });

  it('takes over when the leader stops', async () => {
    const leader = start();
    await leads(leader);
    const standby = start();
    await leader.stop();
    await insert(['from the standby']);
    await outboxEmpty();
    expect([leader.leading, standby.leading]).toEqual([false, true]);
  });

  it('takes over when the session of the leader dies, and the leader follows it', async () => {
    const leader = start({ applicationName: 'dies' });
    await leads(leader);
    const standby = start();
    await killSessions('dies');
    await waitFor(() => standby.leading || leader.leading, { what: 'a leader' });
    await insert(['once']);
    await outboxEmpty();
    expect(await notesOf()).toEqual(['once']);
    expect([leader.leading, standby.leading].filter(Boolean)).toHaveLength(1);
  });
});
