import { testStack, waitFor } from '@mini-pg/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConsumerHarness } from '../test/consumer-harness.ts';
import { merchantUpdated, readTopic, silent } from '../test/support.ts';
import type { DeadLetter } from './dead-letter-history.ts';
import { type DeadLetterId, parseDeadLetterId } from './dead-letter-id.ts';
import {
  type DeadLetterCluster,
  discardDeadLetter,
  listDeadLetters,
  replayDeadLetter,
  showDeadLetter,
} from './dead-letter-operations.ts';
import { toDeadLetter, withoutValue } from './dead-letters.ts';
import type { Message } from './kafka.ts';
import { PoisonError } from './process-batch.ts';
import { createTopics } from './topics.ts';

const TRACEPARENT = '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01';
const decision = {
  by: 'kim',
  reason: 'the handler is mended',
  at: new Date('2026-03-02T00:00:00Z'),
};

let harness: ConsumerHarness;
let cluster: DeadLetterCluster;

beforeEach(async () => {
  const brokers = testStack().kafkaBrokers;
  harness = await ConsumerHarness.open(brokers);
  cluster = { brokers, topicPrefix: harness.prefix, logger: silent };
  const shared = { brokers, topicPrefix: harness.prefix, logger: silent, partitions: 2 };
  await createTopics({ ...shared, producer: 'pg-processor', consumes: ['payment.progressed'] });
  await createTopics({ ...shared, producer: 'payment-api', consumes: ['merchant.updated'] });
});

afterEach(() => harness.closeAndDelete());

/** Starts the consumer; until it is mended, its handler refuses what is called poison. */
async function startRefusing(): Promise<{ mend: () => void }> {
  let mended = false;
  await harness.start({
    handle: async (events) => {
      const poison = events.some(({ event }) => event.data.detail === 'poison');
      if (poison && !mended) throw new PoisonError('never seen such a thing');
      harness.handled.push(...events);
    },
  });
  return {
    mend: () => {
      mended = true;
    },
  };
}

async function theLetter(): Promise<DeadLetter> {
  let letters: DeadLetter[] = [];
  await waitFor(
    async () => {
      letters = await listDeadLetters(cluster);
      return letters.length > 0;
    },
    { what: 'a dead letter' },
  );
  expect(letters).toHaveLength(1);
  return letters[0] as DeadLetter;
}

function idOf({ id }: { id: string }): DeadLetterId {
  const parsed = parseDeadLetterId(id);
  if (parsed === undefined) throw new Error(`${id} is no id`);
  return parsed;
}

describe('a poison event', () => {
  it('is listed alone, while its batch and its partition go on', async () => {
    const events = await harness.send(['a', 'poison', 'b'], 'k');
    await startRefusing();
    await harness.handles(['a', 'b']);
    await harness.send(['c'], 'k');
    await harness.handles(['c']);
    expect(await theLetter()).toMatchObject({
      status: 'OPEN',
      topic: 'payment.progressed',
      offset: 1,
      group: harness.groupId,
      reason: 'PoisonError: never seen such a thing',
      eventId: events[1]?.id,
    });
    expect(await listDeadLetters(cluster, { topic: 'payment.completed' })).toEqual([]);
  });

  it('is handled exactly once after its replay, with the same event id, bytes and trace', async () => {
    const { mend } = await startRefusing();
    const [event] = await harness.send(['poison'], 'k');
    const letter = await theLetter();
    mend();

    const result = await replayDeadLetter(cluster, idOf(letter), decision);

    expect(result).toMatchObject({
      ok: true,
      letter: { status: 'REPLAYED', history: [{ by: 'kim', reason: decision.reason }] },
    });
    await harness.handles(['poison']);
    await harness.send(['after'], 'k');
    await harness.handles(['after']);
    expect(harness.names()).toEqual(['poison', 'after']);
    expect(harness.handled[0]).toMatchObject({ key: 'k', event: { id: event?.id } });
    const [first, second] = await readTopic(cluster.brokers, harness.topic);
    expect(second).toMatchObject({ value: first?.value, partition: first?.partition });
    expect(await listDeadLetters(cluster)).toEqual([]);
    expect(await listDeadLetters(cluster, { all: true })).toMatchObject([{ id: letter.id }]);
  });

  it('keeps its trace and its event id in the headers of its replay', async () => {
    const { mend } = await startRefusing();
    const [event] = await harness.send(['other']);
    const value = JSON.stringify({ ...event, data: { ...event?.data, detail: 'poison' } });
    const headers = { traceparent: TRACEPARENT, 'event-id': event?.id ?? '' };
    await harness.producer.publish([{ topic: harness.topic, key: 'k', value, headers }]);
    const letter = await theLetter();
    mend();
    await replayDeadLetter(cluster, idOf(letter), decision);
    await harness.handles(['poison']);
    const messages = await readTopic(cluster.brokers, harness.topic);
    const replayed = messages.find((message) => message.headers['replayed-from'] === letter.id);
    expect(replayed?.headers).toEqual({ ...headers, 'replayed-from': letter.id });
    expect(harness.handled.at(-1)?.traceparent).toBe(TRACEPARENT);
  });

  it('that fails again is a new letter, and each names the other', async () => {
    await startRefusing();
    await harness.send(['poison'], 'k');
    const letter = await theLetter();
    await replayDeadLetter(cluster, idOf(letter), decision);
    const again = await theLetter();
    expect(again).toMatchObject({
      replayedFrom: letter.id,
      status: 'OPEN',
      eventId: letter.eventId,
    });
    expect(again.id).not.toBe(letter.id);
    expect(await showDeadLetter(cluster, idOf(letter))).toMatchObject({
      status: 'REPLAYED',
      cameBackAs: [{ id: again.id, group: harness.groupId }],
    });
  });
});

describe('a letter that is resolved', () => {
  it.each([
    ['REPLAYED', replayDeadLetter],
    ['DISCARDED', discardDeadLetter],
  ] as const)('%s takes no other decision, which changes nothing', async (status, decide) => {
    await startRefusing();
    await harness.sendRaw(['no json'], 'k');
    const letter = await theLetter();
    const id = idOf(letter);
    await decide(cluster, id, decision);
    if (status === 'REPLAYED')
      await waitFor(async () => (await listDeadLetters(cluster)).length > 0, {
        what: 'the second letter',
      });
    const before = [
      await readTopic(cluster.brokers, harness.topic),
      await readTopic(cluster.brokers, harness.deadLetters),
    ];
    for (const again of [replayDeadLetter, discardDeadLetter]) {
      expect(await again(cluster, id, { ...decision, by: 'lee' })).toMatchObject({
        ok: false,
        refusal: { kind: 'RESOLVED', letter: { status, history: [{ by: 'kim' }] } },
      });
    }
    const after = [
      await readTopic(cluster.brokers, harness.topic),
      await readTopic(cluster.brokers, harness.deadLetters),
    ];
    expect(after).toEqual(before);
  });
});

describe('a letter that is shown', () => {
  it('has its bytes, its headers, and why it cannot be read', async () => {
    await startRefusing();
    await harness.sendRaw(['{"half":'], 'k');
    const detail = await showDeadLetter(cluster, idOf(await theLetter()));
    expect(detail).toMatchObject({ key: 'k', unreadable: 'the value is not JSON' });
    expect(String(detail?.value)).toBe('{"half":');
    expect(detail?.headers).toMatchObject({ group: harness.groupId, attempts: '0' });
  });
});

describe('an id without a letter', () => {
  const id = { topic: 'payment.progressed', partition: 0, offset: 99 } as const;

  it('shows nothing and takes no decision', async () => {
    expect(await showDeadLetter(cluster, id)).toBeUndefined();
    const refused = { ok: false, refusal: { kind: 'UNKNOWN' } };
    expect(await replayDeadLetter(cluster, id, decision)).toEqual(refused);
    expect(await discardDeadLetter(cluster, id, decision)).toEqual(refused);
    // A topic whose dead letters nobody has made yet.
    expect(await replayDeadLetter(cluster, { ...id, topic: 'payment.failed' }, decision)).toEqual(
      refused,
    );
  });
});

describe('a decision', () => {
  it('about a letter without a key stands on the partition of the letter', async () => {
    await startRefusing();
    await harness.producer.publish([{ topic: harness.topic, key: null, value: 'no json' }]);
    const letter = await theLetter();
    for (let round = 0; round < 6; round += 1) {
      const results = await harness.producer.publish([
        { topic: harness.topic, key: null, value: 'no json' },
      ]);
      expect(results).toEqual([{ ok: true }]);
    }
    await waitFor(async () => (await listDeadLetters(cluster)).length === 7, {
      what: 'all letters',
    });
    for (const open of await listDeadLetters(cluster)) {
      await discardDeadLetter(cluster, idOf(open), decision);
    }
    const records = (await readTopic(cluster.brokers, harness.deadLetters)).filter(
      ({ headers }) => headers.resolution !== undefined,
    );
    expect(records).toHaveLength(7);
    for (const { partition, value } of records) {
      expect(partition).toBe(parseDeadLetterId(JSON.parse(value).letter)?.partition);
    }
    expect((await showDeadLetter(cluster, idOf(letter)))?.status).toBe('DISCARDED');
  });
});

describe('a letter that cannot be replayed', () => {
  it('is one whose value was too large to be kept', async () => {
    const message = {
      topic: harness.topic,
      partition: 1,
      offset: 4,
      key: 'k',
      value: Buffer.from('{}'),
      size: 2,
    };
    const cause = { group: 'g', reason: 'r', attempts: 1, firstSeen: new Date() };
    await harness.producer.publish([withoutValue(toDeadLetter(message, cause))]);
    const letter = await theLetter();
    expect(await replayDeadLetter(cluster, idOf(letter), decision)).toMatchObject({
      ok: false,
      refusal: { kind: 'NO_VALUE', letter: { valueOmitted: true, partition: 1, offset: 4 } },
    });
    expect(await readTopic(cluster.brokers, harness.topic)).toEqual([]);
  });

  it('is one of a compacted topic that has a newer event of the key; without one it goes', async () => {
    const topic = `${harness.prefix}merchant.updated`;
    const publish = async (name: string) => {
      const event = merchantUpdated(name, MERCHANT);
      const value = JSON.stringify(event);
      const headers = { 'event-id': event.id };
      await harness.producer.publish([{ topic, key: MERCHANT, value, headers }]);
      return event;
    };
    const first = await publish('first');
    const [stored] = await readTopic(cluster.brokers, topic);
    const cause = { group: 'g', reason: 'r', attempts: 1, firstSeen: new Date() };
    const message = { ...stored, value: Buffer.from(stored?.value ?? ''), headers: [], size: 1 };
    const bury = () => harness.producer.publish([toDeadLetter(message as Message, cause)]);
    await bury();
    const replayed = await replayDeadLetter(cluster, idOf(await theLetter()), decision);
    expect(replayed.ok).toBe(true);
    await bury();
    await publish('second');

    const refused = await replayDeadLetter(cluster, idOf(await theLetter()), decision);

    expect(refused).toMatchObject({ ok: false, refusal: { kind: 'SUPERSEDED' } });
    const details = (await readTopic(cluster.brokers, topic)).map(({ value }) => JSON.parse(value));
    expect(details.map(({ data }) => data.name)).toEqual(['first', 'first', 'second']);
    expect(details[1].id).toBe(first.id);
  });
});

const MERCHANT = '0198f0a0-0000-7000-8000-000000000001';
