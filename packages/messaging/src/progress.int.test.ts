import { testStack, waitFor } from '@mini-pg/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConsumerHarness } from '../test/consumer-harness.ts';
import { createTopic } from '../test/kafka-admin.ts';
import { readProgress } from './progress.ts';

let harness: ConsumerHarness;

beforeEach(async () => {
  harness = await ConsumerHarness.open(testStack().kafkaBrokers);
  await createTopic(harness.brokers, harness.topic, 1);
});

afterEach(() => harness.closeAndDelete());

const read = () => readProgress({ ...harness, topics: [harness.topic] });

describe('the progress of a group', () => {
  it('has the ends of the log and no commit before the group exists', async () => {
    await harness.send(['a', 'b']);
    expect(await read()).toEqual([
      { topic: harness.topic, partition: 0, endOffset: 2n, committed: null },
    ]);
  });

  it('reaches the end once all is handled', async () => {
    await harness.start();
    await harness.send(['a', 'b', 'c']);
    const end = { topic: harness.topic, partition: 0, endOffset: 3n, committed: 3n };
    await waitFor(async () => (await read())[0]?.committed === 3n, { what: 'the commit' });
    expect(await read()).toEqual([end]);
  });

  it('of a topic that does not exist is an error that names it', async () => {
    const topics = [`${harness.prefix}no.such`];
    await expect(readProgress({ ...harness, topics })).rejects.toThrow(topics[0]);
  });
});

describe('a member for whom no partition is left', () => {
  it('is ready all the same', async () => {
    const timing = { statisticsMs: 100 };
    const members = [await harness.start({ timing }), await harness.start({ timing })];
    await Promise.all(members.map((member) => member.ready));
    await harness.send(['once']);
    await harness.handles(['once']);
    expect(harness.handled).toHaveLength(1);
  });
});
