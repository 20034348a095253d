import { waitFor } from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConsumerHarness, offsetsByPartition } from '../test/consumer-harness.ts';
import { type MockCluster, startMockCluster } from '../test/mock-cluster.ts';
import { PoisonError } from './process-batch.ts';

/** The mock broker takes three seconds to start a group of the classic protocol. */
const TIMEOUT_MS = 30_000;

let cluster: MockCluster;

beforeAll(async () => {
  cluster = await startMockCluster();
});

afterAll(() => cluster.stop());

async function open(): Promise<ConsumerHarness> {
  const harness = await ConsumerHarness.open(cluster.brokers);
  await cluster.createTopic(harness.topic);
  await cluster.createTopic(harness.deadLetters);
  return harness;
}

const names = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `n${from + index}`);

describe('the consumer loop', () => {
  it.each(['consumer', 'classic'] as const)(
    'reads from the beginning, in order, over the %s protocol',
    async (groupProtocol) => {
      const harness = await open();
      await harness.send(names(0, 100));
      const consumer = await harness.start({ groupProtocol, batchMax: 7 });
      await consumer.ready;
      await harness.send(names(100, 150));
      await harness.handles(names(0, 150), TIMEOUT_MS);
      await harness.close();
      for (const offsets of offsetsByPartition(harness.handled).values()) {
        expect(offsets).toEqual(offsets.map((_, index) => BigInt(index)));
      }
      expect(harness.handled).toHaveLength(150);
      expect(harness.fatal).toEqual([]);
    },
    TIMEOUT_MS,
  );

  it('goes on where it ended', async () => {
    const harness = await open();
    await harness.send(names(0, 50));
    const first = await harness.start();
    await harness.handles(names(0, 50));
    await first.stop();
    await harness.send(names(50, 80));
    await harness.start();
    await harness.handles(names(50, 80));
    await harness.close();
    expect(harness.handled).toHaveLength(80);
  });

  it('takes no batch while it is paused', async () => {
    const harness = await open();
    const consumer = await harness.start();
    const seenByOthers: string[] = [];
    const other = await harness.start({
      groupId: `${harness.groupId}.other`,
      handle: async (events) => {
        seenByOthers.push(...events.map(({ event }) => event.data.detail));
      },
    });
    await Promise.all([consumer.ready, other.ready]);
    const othersSee = (name: string) =>
      waitFor(() => seenByOthers.includes(name), { what: `another group to see ${name}` });
    consumer.pause();
    // A call that was under way as the pause began may still bring a message.
    await harness.send(['on the edge']);
    await othersSee('on the edge');
    const before = harness.handled.length;
    await harness.send(names(0, 20), 'one key');
    await othersSee('n19');
    expect(harness.handled).toHaveLength(before);
    consumer.resume();
    await harness.handles(names(0, 20));
    await harness.close();
    expect(harness.handled).toHaveLength(21);
  });

  it('polls on while a handler takes its time, so that it stays in the group', async () => {
    const harness = await open();
    await harness.send(names(0, 40));
    let slow = 1;
    await harness.start({
      batchMax: 10,
      timing: { holdAfterMs: 20 },
      settings: { 'max.poll.interval.ms': 1_000 },
      handle: async (events) => {
        if (slow-- > 0) await new Promise((resolve) => setTimeout(resolve, 2_500));
        harness.handled.push(...events);
      },
    });
    await harness.handles(names(0, 40));
    await harness.close();
    expect(harness.handled).toHaveLength(40);
    expect(await harness.metric('kafka_consumer_rebalances_total')).toBe(1);
  });

  it('writes a dead letter for what is poison and goes on', async () => {
    const harness = await open();
    await harness.send(['good', 'poison', 'fine'], 'one key');
    await harness.start({
      handle: async (events) => {
        if (events.some(({ event }) => event.data.detail === 'poison')) throw new PoisonError('no');
        harness.handled.push(...events);
      },
    });
    await harness.handles(['good', 'fine']);
    await harness.close();
    expect(harness.names()).toEqual(['good', 'fine']);
    expect(await harness.metric('kafka_dead_letters_total')).toBe(1);
  });
});
