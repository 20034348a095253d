import { describe, expect, it } from 'vitest';
import { type StoredAnswer, TossIdempotency } from './toss-idempotency.ts';

const ANSWER: StoredAnswer = { kind: 'TEXT', status: 200, text: 'first' };
const DAY_MS = 86_400_000;

describe('an idempotency key of Toss', () => {
  it('is first once, runs, and replays the first answer', () => {
    const keys = new TossIdempotency(10);
    expect(keys.claim('a', 0)).toEqual({ kind: 'FIRST' });
    expect(keys.claim('a', 1)).toEqual({ kind: 'RUNNING' });
    keys.store('a', ANSWER, 1);
    expect(keys.claim('a', 2)).toEqual({ kind: 'REPLAY', answer: ANSWER });
  });

  it('lives 15 days from its first use', () => {
    const keys = new TossIdempotency(10);
    keys.claim('a', 0);
    keys.store('a', ANSWER, 5 * DAY_MS);
    expect(keys.claim('a', 15 * DAY_MS).kind).toBe('REPLAY');
    expect(keys.claim('a', 15 * DAY_MS + 1).kind).toBe('FIRST');
  });

  it('is free again when its request came to nothing', () => {
    const keys = new TossIdempotency(10);
    keys.claim('a', 0);
    keys.release('a');
    expect(keys.claim('a', 1).kind).toBe('FIRST');
  });

  it('keeps running for others until the answer may be seen', () => {
    const keys = new TossIdempotency(10);
    keys.claim('a', 0);
    keys.store('a', ANSWER, 0, 100);
    expect(keys.claim('a', 99).kind).toBe('RUNNING');
    expect(keys.claim('a', 100).kind).toBe('REPLAY');
  });

  it('gives way to newer ones beyond the bound, oldest first', () => {
    const keys = new TossIdempotency(2);
    for (const key of ['a', 'b', 'c']) keys.claim(key, 0);
    expect([keys.size, keys.evicted]).toEqual([2, 1]);
    expect(keys.claim('b', 1).kind).toBe('RUNNING');
    expect(keys.claim('a', 1).kind).toBe('FIRST');
  });
});
