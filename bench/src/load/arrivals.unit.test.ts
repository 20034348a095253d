import { describe, expect, it } from 'vitest';
import { constantArrivals } from './arrivals.ts';

describe('arrivals at a constant rate', () => {
  const arrivals = constantArrivals(100, 1_000);

  it('has as many as the rate says, at constant distance', () => {
    expect(arrivals.count).toBe(100);
    expect([0, 1, 99].map(arrivals.timeOf)).toEqual([0, 10, 990]);
  });

  it('has the first at once and none before', () => {
    expect([-1, 0, 9.9, 10, 25].map(arrivals.dueAt)).toEqual([0, 1, 1, 2, 3]);
  });

  it('has no more than all of them, however late it is asked', () => {
    expect(arrivals.dueAt(60_000)).toBe(100);
  });

  it('has every request due at its own time', () => {
    const uneven = constantArrivals(333, 5_000);
    for (let index = 0; index < uneven.count; index += 1) {
      expect(uneven.dueAt(uneven.timeOf(index) + 1e-6)).toBe(index + 1);
    }
  });
});
