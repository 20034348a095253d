import { describe, expect, it } from 'vitest';
import { pooledRandomBytes } from './random.ts';

describe('pooled random bytes', () => {
  it('are as many as asked for, over the end of a pool and above its size', () => {
    for (const size of [1, 12, 16, 5_000, 5_000, 20_000, 12]) {
      expect(pooledRandomBytes(size)).toHaveLength(size);
    }
  });

  it('are never given twice, and stay what they were when the pool is used up', () => {
    const taken = Array.from({ length: 3_000 }, () => pooledRandomBytes(16));
    const before = taken.map((bytes) => bytes.toString('hex'));
    pooledRandomBytes(100_000);
    expect(taken.map((bytes) => bytes.toString('hex'))).toEqual(before);
    expect(new Set(before).size).toBe(before.length);
  });
});
