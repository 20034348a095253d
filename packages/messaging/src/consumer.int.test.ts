import { inTransaction, type PostgresPool } from '@mini-pg/database';
import { Health } from '@mini-pg/runtime';
import { createTestDatabase, type TestDatabase, testStack, waitFor } from '@mini-pg/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ConsumerHarness, offsetsByPartition } from '../test/consumer-harness.ts';
import { deleteRecords } from '../test/kafka-admin.ts';
import { openPool, paymentProgressed, readTopic, silent } from '../test/support.ts';
import { PoisonError } from './process-batch.ts';
import { readProgress } from './progress.ts';
import { createTopics } from './topics.ts';

/** Enough for several members, few enough for a broker that many tests share. */
const PARTITIONS = 4;

let harness: ConsumerHarness;
const brokers = () => testStack().kafkaBrokers;

beforeEach(async () => {
  harness = await ConsumerHarness.open(brokers());
  await createTopics({
    brokers: brokers(),
    producer: 'pg-processor',
    topicPrefix: harness.prefix,
    logger: silent,
    consumes: ['payment.progressed'],
    partitions: PARTITIONS,
  });
});

afterEach(() => harness.closeAndDelete());

const names = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `n${from + index}`);

const deadLetters = () => readTopic(brokers(), harness.deadLetters);

async function committed(): Promise<bigint> {
  const { groupId, topic } = harness;
  const progress = await readProgress({ brokers: brokers(), groupId, topics: [topic] });
  return progress.reduce((sum, partition) => sum + (partition.committed ?? 0n), 0n);
}

describe('a consumer', () => {
  it('commits what is handled, within seconds and at its end', async () => {
    const consumer = await harness.start();
    await harness.send(names(0, 30));
    await harness.handles(names(0, 30));
    await waitFor(async () => (await committed()) === 30n, { what: 'the commit' });
    await harness.send(names(30, 40));
    await harness.handles(names(30, 40));
    await consumer.stop();
    expect(await committed()).toBe(40n);
  });

  it('reads events again that were not done when it was killed', async () => {
    let release: (() => void) | undefined;
    const seen: string[] = [];
    const killed = await harness.start({
      handle: async (events) => {
        seen.push(...events.map(({ event }) => event.data.detail));
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        throw new PoisonError('what a killed process would never have said');
      },
      timing: { handlerDeadlineMs: 500 },
    });
    await killed.ready;
    await harness.send(['in the handler as it dies']);
    await waitFor(() => harness.fatal.length > 0, { what: 'the process to be given up' });
    release?.();
    await killed.stop();
    expect(seen).toEqual(['in the handler as it dies']);
    expect(harness.fatal[0]?.message).toContain('the handler has not ended for 500 ms');
    await harness.start();
    await harness.handles(['in the handler as it dies']);
    expect(await deadLetters()).toEqual([]);
  });

  it('begins a group at the beginning, and says so before it has handled anything', async () => {
    await harness.send(names(0, 5), 'one key');
    const consumer = await harness.start({
      handle: async () => {
        throw Object.assign(new Error('database away'), { code: 'ECONNREFUSED' });
      },
    });
    await consumer.ready;
    await waitFor(
      async () => {
        const { groupId, topic } = harness;
        const progress = await readProgress({ brokers: brokers(), groupId, topics: [topic] });
        return progress.every((partition) => partition.committed === 0n);
      },
      { what: 'the group to have committed its beginning' },
    );
  });

  it('ends its process when the log no longer holds what it has not read', async () => {
    await harness.send(names(0, 10), 'one key');
    const first = await harness.start();
    await harness.handles(names(0, 10));
    await first.stop();
    await harness.send(names(10, 20), 'one key');
    const partition = harness.handled[0]?.partition ?? -1;
    await deleteRecords(brokers(), { topic: harness.topic, partition, offset: 15 });
    await harness.start();
    await waitFor(() => harness.fatal.length > 0, { what: 'the fatal error' });
    expect(harness.fatal[0]?.message).toContain('the group is at 10, but the log holds 15 to 20');
    expect(harness.handled).toHaveLength(10);
  });

  it('is alive while it works, and not once it cannot go on', async () => {
    const health = new Health();
    const consumer = await harness.start({
      health,
      handle: () => new Promise(() => {}),
      timing: { handlerDeadlineMs: 300 },
    });
    await consumer.ready;
    expect((await health.live()).ok).toBe(true);
    await harness.send(['hangs']);
    await waitFor(async () => !(await health.live()).ok, { what: 'liveness to fail' });
    expect((await health.live()).checks[`consumer ${harness.groupId}`]).toContain('has not ended');
  });

  it('ends its process when it is behind and does not move', async () => {
    const timing = { watchdogTickMs: 50, progressTicksMax: 20, statisticsMs: 100 };
    const consumer = await harness.start({ handle: () => new Promise(() => {}), timing });
    await consumer.ready;
    await harness.send(['hangs']);
    await waitFor(() => harness.fatal.length > 0, { what: 'the watchdog' });
    expect(harness.fatal[0]?.message).toContain('is behind and has not moved');
  });

  it('gives its handler the trace of the event', async () => {
    const traceparent = '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01';
    const value = JSON.stringify(paymentProgressed('traced'));
    await harness.producer.publish([
      { topic: harness.topic, key: 'k', value, headers: { traceparent } },
    ]);
    await harness.start();
    await harness.handles(['traced']);
    expect(harness.handled[0]).toMatchObject({
      key: 'k',
      traceparent,
      traceId: '0123456789abcdef0123456789abcdef',
    });
  });
});

describe('a message that cannot be handled', () => {
  it('that does not parse becomes a dead letter, and its partition goes on', async () => {
    const event = paymentProgressed('wrong');
    const wrong = JSON.stringify({ ...event, data: { ...event.data, attemptNumber: 'three' } });
    await harness.send(['before'], 'k');
    await harness.sendRaw(['{"half":', wrong], 'k');
    await harness.send(['after'], 'k');
    await harness.start();
    await harness.handles(['before', 'after']);
    const letters = await deadLetters();
    expect(letters.map(({ value }) => value)).toEqual(['{"half":', wrong]);
    expect(letters[0]?.headers).toMatchObject({
      group: harness.groupId,
      topic: harness.topic,
      offset: '1',
      reason: 'the value is not JSON',
      attempts: '0',
    });
    expect(letters[1]?.headers).toMatchObject({ offset: '2', 'event-id': event.id });
    expect(letters[1]?.headers.reason).toContain('/data/attemptNumber');
    expect(await harness.metric('kafka_dead_letters_total')).toBe(2);
  });

  it('in the middle of a batch goes to the dead letters alone; the others once, in order', async () => {
    const batch = ['a', 'b', 'poison', 'c', 'bug', 'd'];
    const events = await harness.send(batch, 'k');
    await harness.start({
      handle: async (received) => {
        const found = received.map(({ event }) => event.data.detail);
        if (found.includes('poison')) throw new PoisonError('never');
        if (found.includes('bug')) throw new TypeError('undefined is not a function');
        harness.handled.push(...received);
      },
    });
    await harness.handles(['a', 'b', 'c', 'd']);
    expect(harness.names()).toEqual(['a', 'b', 'c', 'd']);
    const letters = await deadLetters();
    expect(letters.map(({ headers }) => headers['event-id'])).toEqual([
      events[2]?.id,
      events[4]?.id,
    ]);
    expect(letters.map(({ headers }) => headers.reason)).toEqual([
      'PoisonError: never',
      'TypeError: undefined is not a function',
    ]);
    expect(letters[0]).toMatchObject({ key: 'k', headers: { attempts: '2', offset: '2' } });
    expect(new Date(letters[0]?.headers['first-seen'] ?? '').getTime()).toBeGreaterThan(0);
    await waitFor(async () => (await committed()) === 6n, { what: 'the commit of all six' });
  });

  it('holds its offset until the dead letter stands', async () => {
    let refusals = 3;
    const { producer } = harness;
    await harness.sendRaw(['no json'], 'k');
    await harness.send(['after'], 'k');
    await harness.start({
      producer: {
        stop: () => producer.stop(),
        publish: async (messages) => {
          if (refusals-- <= 0) return producer.publish(messages);
          expect(harness.handled).toEqual([]);
          return messages.map(() => ({ ok: false, error: new Error('down'), permanent: false }));
        },
      },
    });
    await harness.handles(['after']);
    expect(await deadLetters()).toHaveLength(1);
    expect(refusals).toBeLessThan(0);
  });

  it('is not blamed when everything fails: the process ends with most of it unread', async () => {
    await harness.send(names(0, 60), 'k');
    await harness.start({
      handle: async () => {
        throw new Error('relation "fact" does not exist');
      },
    });
    await waitFor(() => harness.fatal.length > 0, { what: 'the consumer to give up' });
    expect(harness.fatal[0]?.message).toContain('the handler is at fault');
    expect(await deadLetters()).toHaveLength(20);
  });
});

describe('a handler whose database is away', () => {
  let database: TestDatabase;
  let pool: PostgresPool;

  beforeAll(async () => {
    database = await createTestDatabase();
    pool = openPool(database.urls.payment);
    await pool.query('create table seen (event_id uuid primary key, name text not null)');
  });

  afterAll(async () => {
    await pool.end();
    await database.drop();
  });

  it('is asked again until it is back: nothing is lost and nothing is a dead letter', async () => {
    const admin = openPool(database.adminUrl);
    let kills = 2;
    await harness.send(names(0, 20), 'k');
    await harness.start({
      handle: async (events) => {
        await inTransaction(pool, async (client) => {
          if (kills-- > 0) {
            await admin.query(
              'select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and usename = $1',
              [new URL(database.urls.payment).username],
            );
          }
          await client.query(
            'insert into seen select * from unnest($1::uuid[], $2::text[]) on conflict do nothing',
            [events.map(({ event }) => event.id), events.map(({ event }) => event.data.detail)],
          );
        });
        harness.handled.push(...events);
      },
    });
    await harness.handles(names(0, 20));
    await admin.end();
    const { rows } = await pool.query('select 1 from seen');
    expect(rows).toHaveLength(20);
    expect(harness.names()).toEqual(names(0, 20));
    expect(await harness.metric('kafka_consumer_retries_total')).toBeGreaterThanOrEqual(2);
    expect(await deadLetters()).toEqual([]);
  });
});

describe('consumers of one group', () => {
  it('lose nothing and leave no gap while one joins and leaves as messages flow', async () => {
    const handled: { consumer: string; partition: number; offset: bigint }[] = [];
    const join = (name: string) =>
      harness.start({
        clientId: name,
        batchMax: 20,
        handle: async (events) => {
          await new Promise((resolve) => setTimeout(resolve, 5));
          handled.push(...events.map((e) => ({ consumer: name, ...e })));
          harness.handled.push(...events);
        },
      });
    const stays = await join('stays');
    await stays.ready;
    let sent = 0;
    const flow = { on: true };
    const flowing = (async () => {
      while (flow.on) {
        await harness.send(names(sent, sent + 50));
        sent += 50;
        await waitFor(() => handled.length > sent - 500, { what: 'the consumers to keep up' });
      }
    })();
    const guest = await join('guest');
    await waitFor(() => handled.some(({ consumer }) => consumer === 'guest'), {
      what: 'the guest to take part',
    });
    const together = handled.length;
    await waitFor(() => handled.length > together + 300, { what: 'both to work for a while' });
    await guest.stop();
    const alone = handled.length;
    await waitFor(() => handled.length > alone + 300, { what: 'the first to go on alone' });
    flow.on = false;
    await flowing;
    await harness.handles(names(0, sent));
    expect(new Set(harness.names()).size).toBe(sent);
    for (const offsets of offsetsByPartition(harness.handled).values()) {
      expectNoGap(offsets);
    }
    expect(harness.fatal).toEqual([]);
    expect(new Set(handled.map(({ consumer }) => consumer)).size).toBe(2);
    expect(harness.handled).toHaveLength(sent);
  });

  it('read again what a member had not finished when its session ended', async () => {
    const stuck = await harness.start({
      handle: () => new Promise(() => {}),
      timing: { handlerDeadlineMs: 2_000 },
    });
    await stuck.ready;
    await harness.send(names(0, 12));
    await waitFor(() => harness.fatal.length > 0, { what: 'the stuck member to give up' });
    await Promise.all([stuck.stop(), harness.start()]);
    await harness.handles(names(0, 12));
    expect(harness.handled).toHaveLength(12);
  });
});

/** Each offset follows one that was handled before it: nothing was skipped. */
function expectNoGap(offsets: readonly bigint[]): void {
  const handled = new Set<bigint>();
  for (const offset of offsets) {
    expect(offset === 0n || handled.has(offset - 1n)).toBe(true);
    handled.add(offset);
  }
}
