import type { PartitionProgress } from '@mini-pg/messaging';
import { describe, expect, it } from 'vitest';
import { waitForFacts } from './wait-for-facts.ts';

const partition = (
  number: number,
  endOffset: bigint,
  committed: bigint | null,
): PartitionProgress => ({ topic: 'payment.completed', partition: number, endOffset, committed });

/** Answers one after the other; the last one again and again. */
function answers(...progress: PartitionProgress[][]) {
  let calls = 0;
  return {
    readProgress: async () => progress[Math.min(calls++, progress.length - 1)] ?? [],
    calls: () => calls,
  };
}

describe('the wait for facts', () => {
  it('is over at once when all is committed, and where nothing ever was', async () => {
    const topic = answers([partition(0, 5n, 5n), partition(1, 0n, null)]);
    await waitForFacts(topic);
    expect(topic.calls()).toBe(1);
  });

  it('goes on until the ends that were read first are passed', async () => {
    const topic = answers(
      [partition(0, 5n, 3n), partition(1, 2n, null)],
      [partition(0, 9n, 5n), partition(1, 2n, 1n)],
      [partition(0, 9n, 6n), partition(1, 8n, 2n)],
    );
    await waitForFacts(topic);
    expect(topic.calls()).toBe(3);
  });

  it('gives up after its time and names who is behind', async () => {
    const topic = answers([partition(0, 5n, 5n), partition(3, 5n, 4n)]);
    await expect(waitForFacts({ ...topic, waitMaxMs: 0 })).rejects.toThrow(
      /still being stored after 0 s \(payment\.completed\[3\]\)/,
    );
  });

  it('names a few of many', async () => {
    const many = Array.from({ length: 12 }, (_, n) => partition(n, 1n, null));
    await expect(waitForFacts({ ...answers(many), waitMaxMs: 0 })).rejects.toThrow('and 7 more');
  });

  it('ends when it is told to stop', async () => {
    const stopping = new AbortController();
    const wait = waitForFacts({ ...answers([partition(0, 1n, 0n)]), signal: stopping.signal });
    stopping.abort();
    await expect(wait).rejects.toHaveProperty('name', 'AbortError');
  });
});
