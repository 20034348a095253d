import { describe, expect, it } from 'vitest';
import {
  type DeadLetterResolution,
  readDeadLetterEntry,
  toDeadLetters,
  toResolutionMessage,
} from './dead-letter-history.ts';
import { toDeadLetter, toReplay, withoutValue } from './dead-letters.ts';
import type { Message } from './kafka.ts';
import type { ProducerMessage } from './producer.ts';

const TOPIC = 'payment.completed';

/** What was produced, as it is read at a place. */
function at(partition: number, offset: number, { topic, key, value, headers }: ProducerMessage) {
  const list = Object.entries(headers ?? {}).map(([name, text]) => ({ [name]: Buffer.from(text) }));
  const bytes = Buffer.from(value);
  return {
    topic,
    partition,
    offset,
    key,
    value: bytes,
    size: bytes.length,
    headers: list,
  } as Message;
}

const original = at(7, 41, {
  topic: `p.${TOPIC}`,
  key: 'payment-1',
  value: '{"id":"event-1"}',
  headers: { traceparent: '00-abc', 'event-id': 'event-1' },
});

const cause = {
  group: 'payment-api.outcomes',
  reason: 'PoisonError: never',
  attempts: 2,
  firstSeen: new Date('2026-03-02T01:02:03Z'),
};

const letter = at(1, 5, toDeadLetter(original, cause));

const decided = (changes: Partial<DeadLetterResolution> = {}): DeadLetterResolution => ({
  letter: 'payment.completed/1/5',
  resolution: 'REPLAYED',
  by: 'kim',
  reason: 'mended',
  at: '2026-03-03T00:00:00.000Z',
  ...changes,
});

const read = (...messages: Message[]) =>
  toDeadLetters(messages.map((message) => readDeadLetterEntry(message, TOPIC)));

describe('a dead letter', () => {
  it('is open, and tells what was given up where, by whom and why', () => {
    expect(read(letter)).toEqual([
      {
        id: 'payment.completed/1/5',
        status: 'OPEN',
        topic: 'payment.completed',
        partition: 7,
        offset: 41,
        group: 'payment-api.outcomes',
        reason: 'PoisonError: never',
        attempts: 2,
        eventId: 'event-1',
        firstSeen: '2026-03-02T01:02:03.000Z',
        hasValue: true,
        valueOmitted: false,
        replayedFrom: null,
        cameBackAs: [],
        history: [],
      },
    ]);
  });

  it('is what the first decision made of it, with all of them in its history', () => {
    const first = toResolutionMessage(letter, decided({ resolution: 'DISCARDED' }));
    const second = toResolutionMessage(letter, decided({ by: 'lee' }));
    const [found] = read(letter, at(1, 6, first), at(1, 7, second));
    expect(found?.status).toBe('DISCARDED');
    expect(found?.history.map(({ by }) => by)).toEqual(['kim', 'lee']);
  });

  it('is not touched by what was decided about another', () => {
    const other = toResolutionMessage(letter, decided({ letter: 'payment.completed/1/4' }));
    expect(read(letter, at(1, 6, other)).map(({ status }) => status)).toEqual(['OPEN']);
  });

  it('has no value where it was left out or empty', () => {
    const omitted = at(1, 5, withoutValue(toDeadLetter(original, cause)));
    const empty = at(1, 6, toDeadLetter({ ...original, value: null }, cause));
    expect(read(omitted, empty)).toMatchObject([
      { hasValue: false, valueOmitted: true },
      { hasValue: false, valueOmitted: false },
    ]);
  });

  it('leads to the letter that its replay became, and back', () => {
    const id = { topic: TOPIC, partition: 1, offset: 5 } as const;
    const replayed = at(7, 90, toReplay(letter, id, 'p.'));
    const again = at(1, 8, toDeadLetter(replayed, { ...cause, group: 'worker.facts' }));
    expect(read(letter, again)).toMatchObject([
      { cameBackAs: [{ id: 'payment.completed/1/8', group: 'worker.facts' }] },
      { replayedFrom: 'payment.completed/1/5', cameBackAs: [] },
    ]);
  });

  it('stays seen whatever its headers and its value claim to be', () => {
    const forged = { ...original, value: Buffer.from(JSON.stringify(decided())) };
    forged.headers = [{ resolution: 'REPLAYED' }];
    const foreign = at(0, 1, { topic: letter.topic, key: null, value: 'noise' });
    const broken = at(0, 2, {
      topic: letter.topic,
      key: null,
      value: '{}',
      headers: { resolution: 'X' },
    });
    const found = read(letter, at(1, 6, toDeadLetter(forged, cause)), foreign, broken);
    expect(found.map(({ status }) => status)).toEqual(['OPEN', 'OPEN', 'OPEN', 'OPEN']);
    expect(found[2]).toMatchObject({ group: null, reason: null, partition: null, eventId: null });
  });
});

describe('a replay', () => {
  it('is the message as it was, with the letter that it comes from', () => {
    const replay = toReplay(letter, { topic: TOPIC, partition: 1, offset: 5 }, 'p.');
    expect(replay).toEqual({
      topic: 'p.payment.completed',
      key: 'payment-1',
      value: Buffer.from('{"id":"event-1"}'),
      headers: {
        traceparent: '00-abc',
        'event-id': 'event-1',
        'replayed-from': 'payment.completed/1/5',
      },
    });
  });
});

describe('a decision', () => {
  it('stands on the partition and under the key of its letter', () => {
    const record = toResolutionMessage(letter, decided());
    expect(record).toMatchObject({ topic: letter.topic, partition: 1, key: 'payment-1' });
  });
});
