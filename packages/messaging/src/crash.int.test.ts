import type { PostgresPool } from '@mini-pg/database';
import { createRegistry, Secret } from '@mini-pg/runtime';
import { createTestDatabase, type TestDatabase, testStack, waitFor } from '@mini-pg/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startProcess, type TestProcess } from '../test/child-process.ts';
import { ConsumerHarness } from '../test/consumer-harness.ts';
import {
  OUTBOX_MIGRATIONS,
  openPool,
  paymentProgressed,
  readTopic,
  silent,
} from '../test/support.ts';
import { insertOutbox, toOutboxRow } from './outbox.ts';
import { type Relay, startRelay } from './relay.ts';
import { createTopics } from './topics.ts';

const TAKE_OVER_MS = 20_000;

let database: TestDatabase;
let pool: PostgresPool;
let harness: ConsumerHarness;
const brokers = () => testStack().kafkaBrokers;
const processes: TestProcess[] = [];
const relays: Relay[] = [];

beforeAll(async () => {
  database = await createTestDatabase({ processor: OUTBOX_MIGRATIONS });
  pool = openPool(database.urls.processor);
  await pool.query('create table seen (name text not null)');
  harness = await ConsumerHarness.open(brokers());
  await createTopics({
    brokers: brokers(),
    producer: 'pg-processor',
    topicPrefix: harness.prefix,
    logger: silent,
    consumes: ['payment.progressed'],
    partitions: 1,
  });
});

afterEach(async () => {
  await Promise.all(processes.splice(0).map((process) => process.end()));
  await Promise.all(relays.splice(0).map((relay) => relay.stop()));
});

afterAll(async () => {
  await harness.closeAndDelete();
  await pool.end();
  await database.drop();
});

function run(script: string, ...args: string[]): TestProcess {
  const process = startProcess(script, [
    database.urls.processor,
    brokers(),
    harness.prefix,
    ...args,
  ]);
  processes.push(process);
  return process;
}

function standBy(): Relay {
  const relay = startRelay({
    connectionString: new Secret(database.urls.processor),
    producer: harness.producer,
    topicPrefix: harness.prefix,
    applicationName: 'standby',
    logger: silent,
    registry: createRegistry('test'),
  });
  relays.push(relay);
  return relay;
}

async function publish(...names: string[]): Promise<void> {
  await insertOutbox(
    pool,
    names.map((name) => toOutboxRow(paymentProgressed(name), { key: 'one key' })),
  );
  await waitFor(async () => (await pool.query('select 1 from outbox')).rows.length === 0, {
    what: `${names} to be published`,
    timeoutMs: TAKE_OVER_MS,
  });
}

const says = (process: TestProcess, text: string) =>
  waitFor(() => process.output().includes(text), { what: text, timeoutMs: TAKE_OVER_MS });

const published = async () => {
  const messages = await readTopic(brokers(), harness.topic);
  return messages.map(({ value }) => JSON.parse(value).data.detail);
};

describe('a relay whose process is paused for longer than its session lives', () => {
  it('is replaced within seconds, and publishes nothing when it goes on', async () => {
    const leader = run('relay-process.ts');
    await says(leader, 'relay leads');
    await publish('by the leader');
    leader.child.kill('SIGSTOP');
    const standby = standBy();
    await publish('by the standby');
    expect(standby.leading).toBe(true);
    leader.child.kill('SIGCONT');
    await says(leader, 'relay lost its session');
    await publish('after the zombie woke', 'and once more');
    expect(await published()).toEqual([
      'by the leader',
      'by the standby',
      'after the zombie woke',
      'and once more',
    ]);
    expect(standby.leading).toBe(true);
  });
});

describe('a consumer that is killed after its handler and before its offset', () => {
  it('leaves its events to the next, who sees them again', async () => {
    await harness.send(['handled twice'], 'another key');
    const killed = run('consumer-process.ts', harness.groupId);
    await waitFor(() => killed.child.signalCode === 'SIGKILL', {
      what: 'the consumer to die',
      timeoutMs: TAKE_OVER_MS,
    });
    const { rows } = await pool.query<{ name: string }>('select name from seen');
    expect(rows.map(({ name }) => name)).toContain('handled twice');
    await harness.start();
    await harness.handles(['handled twice'], TAKE_OVER_MS);
  });
});
