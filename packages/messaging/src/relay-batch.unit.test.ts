import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KAFKA_ERRORS, KafkaError } from './kafka.ts';
import type { PublishResult } from './producer.ts';
import { publishBatch, type StoredRow, sortByResult } from './relay-batch.ts';

function row(seq: number, key = 'k', topic = 'merchant.updated'): StoredRow {
  const event_id = `event-${seq}`;
  return { seq: BigInt(seq), event_id, topic, key, headers: {}, payload: '{}', age_ms: 0 };
}

const OK: PublishResult = { ok: true };
const DOWN: PublishResult = { ok: false, error: new Error('down'), permanent: false };
const TOO_LARGE: PublishResult = {
  ok: false,
  error: new KafkaError('too large', KAFKA_ERRORS.ERR_MSG_SIZE_TOO_LARGE),
  permanent: true,
};
const NO_TOPIC: PublishResult = {
  ok: false,
  error: new KafkaError('no such topic', KAFKA_ERRORS.ERR__UNKNOWN_TOPIC),
  permanent: true,
};

const seqs = (rows: readonly StoredRow[]) => rows.map(({ seq }) => Number(seq));

describe('rows after their publication', () => {
  it('are each sent, kept or dead, and the newest of a key is the last to be sent', () => {
    const cases = fc.array(
      fc.record({
        key: fc.constantFrom('a', 'b', 'c'),
        result: fc.constantFrom(OK, OK, DOWN, TOO_LARGE),
      }),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(cases, (batch) => {
        const rows = batch.map(({ key }, index) => row(index, key));
        const results = batch.map(({ result }) => result);
        const { sent, dead, kept } = sortByResult(rows, results);
        const all = [...sent, ...dead.map((d) => d.row), ...kept];
        expect(new Set(all)).toEqual(new Set(rows));
        expect(all).toHaveLength(rows.length);
        for (const one of sent) {
          const earlier = kept.find((other) => other.key === one.key && other.seq < one.seq);
          expect(earlier).toBeUndefined();
        }
        expect(dead.map((d) => d.row)).toEqual(rows.filter((_, i) => results[i] === TOO_LARGE));
      }),
    );
  });

  it('are kept when a result is missing', () => {
    expect(seqs(sortByResult([row(1)], []).kept)).toEqual([1]);
  });

  it('of a topic of ours that is missing are kept; of a topic that nobody knows they are dead', () => {
    const rows = [row(1, 'k', 'payment.settled'), row(2, 'k', 'no.such.topic')];
    const outcome = sortByResult(rows, [NO_TOPIC, NO_TOPIC]);
    expect(seqs(outcome.kept)).toEqual([1]);
    expect([...outcome.missingTopics]).toEqual(['payment.settled']);
    expect(outcome.dead.map(({ row: { seq } }) => Number(seq))).toEqual([2]);
  });
});

describe('a batch that the broker refuses as a whole', () => {
  it('is sent row by row, so that only the row at fault is dead', async () => {
    const calls: number[] = [];
    const outcome = await publishBatch(
      [row(1), row(2), row(3)],
      {
        stop: async () => {},
        publish: async (messages) => {
          calls.push(messages.length);
          if (messages.length > 1) return messages.map(() => TOO_LARGE);
          return [messages[0]?.headers?.['event-id'] === 'event-2' ? TOO_LARGE : OK];
        },
      },
      '',
    );
    expect(calls).toEqual([3, 1, 1, 1]);
    expect(seqs(outcome.sent)).toEqual([1, 3]);
    expect(outcome.dead.map(({ row: { seq }, reason }) => [Number(seq), reason])).toEqual([
      [2, 'too large'],
    ]);
  });
});
