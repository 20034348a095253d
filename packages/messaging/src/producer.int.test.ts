import { createLogger, createRegistry } from '@mini-pg/runtime';
import { testStack, waitFor } from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createTopic } from '../test/kafka-admin.ts';
import { readTopic, silent, uniquePrefix } from '../test/support.ts';
import { KAFKA_ERRORS, KafkaError, type KafkaSettings, Producer } from './kafka.ts';
import { createProducer, type EventProducer } from './producer.ts';
import { deleteTopics } from './topics.ts';

const prefix = uniquePrefix();
const TOPIC = `${prefix}events`;
const ORDERED = `${prefix}ordered`;
const brokers = () => testStack().kafkaBrokers;

beforeAll(async () => {
  await createTopic(brokers(), TOPIC, 1);
  await createTopic(brokers(), ORDERED, 4);
});

afterAll(() => deleteTopics({ brokers: brokers(), topicPrefix: prefix }));

function create(settings: KafkaSettings = {}, logger = silent): Promise<EventProducer> {
  return createProducer({
    brokers: brokers(),
    clientId: 'test',
    logger,
    registry: createRegistry('test'),
    settings,
  });
}

const messages = (count: number, value = (index: number) => `v${index}`) =>
  Array.from({ length: count }, (_, index) => ({ topic: TOPIC, key: 'k', value: value(index) }));

describe('a producer', () => {
  it('answers for every message of a call, in its order', async () => {
    const producer = await create();
    const large = (index: number) => (index === 1 ? 'x'.repeat(2_000_000) : 'small');
    const results = await producer.publish(messages(3, large));
    await producer.stop();
    expect(results.map(({ ok }) => ok)).toEqual([true, false, true]);
    expect(results[1]).toMatchObject({ permanent: true });
  });

  it('keeps the order of a key, and its headers', async () => {
    const producer = await create();
    const values = Array.from({ length: 500 }, (_, index) => `v${index}`);
    await producer.publish(
      values.map((value) => ({ topic: ORDERED, key: 'k', value, headers: { traceparent: value } })),
    );
    await producer.stop();
    const found = await readTopic(brokers(), ORDERED);
    expect(found.map(({ value }) => value)).toEqual(values);
    expect(found.map(({ headers }) => headers.traceparent)).toEqual(values);
  });

  it('waits for room when its queue is full', async () => {
    const producer = await create({ 'queue.buffering.max.messages': 10 });
    const results = await producer.publish(messages(500));
    await producer.stop();
    expect(results).toHaveLength(500);
    expect(results.every(({ ok }) => ok)).toBe(true);
  });

  it('tells a message that cannot be sent from one that nobody took in time', async () => {
    // The client's own broker in memory can be slower than the time that a message has.
    const producer = await create({
      'test.mock.num.brokers': 1,
      'test.mock.broker.rtt': 300,
      'allow.auto.create.topics': true,
      'message.timeout.ms': 250,
    });
    const results = await producer.publish([{ topic: '', key: null, value: 'x' }, ...messages(1)]);
    await producer.stop();
    expect(results).toMatchObject([
      { ok: false, permanent: true },
      { ok: false, permanent: false },
    ]);
  });

  it('is replaced when it breaks, and goes on', async () => {
    const lines: string[] = [];
    const logger = createLogger(
      { service: 'test', level: 'error' },
      { write: (line) => lines.push(line) },
    );
    const producer = await create({}, logger);
    // What a client answers once the broker has lost the producer's sequence.
    const broken = new KafkaError('Local: Fatal error', KAFKA_ERRORS.ERR__FATAL);
    vi.spyOn(Producer.prototype, 'produce').mockImplementationOnce(() => {
      throw broken;
    });
    const results = await producer.publish(messages(2));
    expect(results[0]).toEqual({ ok: false, permanent: false, error: broken });
    const after = await waitFor(async () => (await producer.publish(messages(1)))[0]?.ok, {
      what: 'a message to be taken again',
    });
    await producer.stop();
    expect(after).toBe(true);
    expect(lines.filter((line) => line.includes('broke and is replaced'))).toHaveLength(1);
  });

  it('says where it looked when no broker answers', async () => {
    const nowhere = createProducer({
      brokers: '127.0.0.1:1',
      clientId: 'test',
      logger: silent,
      registry: createRegistry('test'),
      connectTimeoutMs: 300,
    });
    await expect(nowhere).rejects.toThrow('no Kafka broker answers at 127.0.0.1:1');
  });

  it('finishes what is under way before it stops, and takes nothing after', async () => {
    const producer = await create();
    const underWay = producer.publish(messages(200));
    await producer.stop();
    expect((await underWay).every(({ ok }) => ok)).toBe(true);
    const late = await producer.publish(messages(1));
    expect(late[0]).toMatchObject({ ok: false, permanent: false });
  });
});
