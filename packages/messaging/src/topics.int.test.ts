import { TOPICS, type Topic } from '@mini-pg/domain';
import { createLogger } from '@mini-pg/runtime';
import { testStack, waitFor } from '@mini-pg/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTopic, deleteRecords, describeTopics } from '../test/kafka-admin.ts';
import { silent, uniquePrefix } from '../test/support.ts';
import { createTopics, deleteTopics } from './topics.ts';

const CONSUMES: readonly Topic[] = ['payment.completed', 'payment.failed'];

let prefix: string;

beforeEach(() => {
  prefix = uniquePrefix();
});

afterEach(async () => {
  await deleteTopics({ brokers: testStack().kafkaBrokers, topicPrefix: prefix });
});

function options(topicPrefix: string, logger = silent) {
  const brokers = testStack().kafkaBrokers;
  return { brokers, producer: 'payment-api', topicPrefix, logger, consumes: CONSUMES } as const;
}

const own = (Object.keys(TOPICS) as Topic[]).filter(
  (topic) => TOPICS[topic].producer === 'payment-api',
);

describe('the topics of a service', () => {
  it("have the number of partitions that is asked for instead of the table's", async () => {
    await createTopics({ ...options(prefix), partitions: 1 });
    const topics = ['payment.requested', 'payment.failed.dlq'].map((topic) => `${prefix}${topic}`);
    const found = await describeTopics(testStack().kafkaBrokers, topics);
    expect([...found.values()]).toEqual([1, 1]);
  });

  it('are made with the settings of the table, and the dead letters of what it consumes', async () => {
    const made = await createTopics(options(prefix));
    const expected = [...own, ...CONSUMES.map((topic) => `${topic}.dlq`)];
    expect(made.sort()).toEqual(expected.map((topic) => `${prefix}${topic}`).sort());
    const found = await describeTopics(testStack().kafkaBrokers, made);
    for (const topic of own) {
      expect(found.get(`${prefix}${topic}`)).toBe(TOPICS[topic].partitions);
    }
    expect(found.get(`${prefix}payment.completed.dlq`)).toBe(3);
  });

  it('are compacted where the table says so: only those keep what is deleted by hand', async () => {
    await createTopics(options(prefix));
    const cut = (topic: Topic) =>
      deleteRecords(testStack().kafkaBrokers, {
        topic: `${prefix}${topic}`,
        partition: 0,
        offset: 0,
      });
    await expect(cut('payment.requested')).resolves.toBeUndefined();
    await expect(cut('merchant.updated')).rejects.toThrow('Policy violation');
  });

  it('are left alone the second time', async () => {
    await createTopics(options(prefix));
    expect(await createTopics(options(prefix))).toEqual([]);
  });

  it('can be made by several processes at once', async () => {
    const made = await Promise.all([1, 2, 3, 4].map(() => createTopics(options(prefix))));
    expect(made.flat().sort()).toEqual(
      [...own, ...CONSUMES.map((topic) => `${topic}.dlq`)].map((t) => `${prefix}${t}`).sort(),
    );
  });

  it('with another number of partitions are reported and not touched', async () => {
    const lines: string[] = [];
    const logger = createLogger(
      { service: 'test', level: 'warn' },
      { write: (line) => lines.push(line) },
    );
    const topic = `${prefix}payment.requested`;
    await createTopic(testStack().kafkaBrokers, topic, 2);
    const made = await createTopics(options(prefix, logger));
    expect(made).not.toContain(topic);
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { topic, partitions: 2, expected: 12, msg: 'the topic has another number of partitions' },
    ]);
    expect((await describeTopics(testStack().kafkaBrokers, [topic])).get(topic)).toBe(2);
  });

  it('are gone once they are deleted, and no others', async () => {
    const { kafkaBrokers: brokers } = testStack();
    const other = `other-${prefix}x`;
    await createTopic(brokers, `${prefix}x`, 1);
    await createTopic(brokers, other, 1);
    await waitFor(
      async () => (await describeTopics(brokers, [`${prefix}x`])).get(`${prefix}x`) === 1,
      { what: 'the topic to be known' },
    );
    expect(await deleteTopics({ brokers, topicPrefix: prefix })).toEqual([`${prefix}x`]);
    expect(await deleteTopics({ brokers, topicPrefix: `other-${prefix}` })).toEqual([other]);
    await expect(deleteTopics({ brokers, topicPrefix: '' })).rejects.toThrow(RangeError);
  });

  it('cannot be made when no broker answers, and the error says where', async () => {
    const nowhere = { ...options(uniquePrefix()), brokers: '127.0.0.1:1', timeoutMs: 500 };
    await expect(createTopics(nowhere)).rejects.toThrow('no Kafka broker answers at 127.0.0.1:1');
  });
});
