import { describe, expect, it } from 'vitest';
import { type Compared, noiseOf, pair, ratioOf, verdictLines, verdictOf } from './comparison.ts';

const given = (
  better: Compared['better'],
  before: readonly number[],
  now: readonly number[],
): Compared => ({ what: 'requests/s', better, before, now });

describe('a figure of two commits', () => {
  it('is worse when it lost more than the rounds of a commit lie apart', () => {
    expect(verdictOf(given('higher', [100, 102, 101], [90, 91, 92]))).toBe('**worse**');
    expect(verdictOf(given('lower', [10, 10.2, 10.1], [12, 12.1, 12.2]))).toBe('**worse**');
  });

  it('is better when it gained more than that', () => {
    expect(verdictOf(given('higher', [100, 102, 101], [110, 111, 112]))).toBe('better');
    expect(verdictOf(given('lower', [12, 12.1, 12.2], [10, 10.2, 10.1]))).toBe('better');
  });

  it('says nothing within the noise, which the less steady commit sets', () => {
    const one = given('higher', [100, 101, 102], [80, 95, 110]);
    expect(noiseOf(one)).toBeCloseTo(30 / 95);
    expect(ratioOf(one)).toBeCloseTo(95 / 101);
    expect(verdictOf(one)).toBe('no worse than the noise');
    expect(verdictLines([one])).toEqual([
      'requests/s: 0.94 of before, noise 31.6 %: no worse than the noise',
    ]);
  });
});

describe('the rounds of two commits', () => {
  it('are put together by what was measured', () => {
    const round = (rate: number, time: number) => [
      { what: 'rate', value: rate, better: 'higher' as const },
      { what: 'time', value: time, better: 'lower' as const },
    ];
    expect(pair([round(1, 2), round(3, 4)], [round(5, 6), round(7, 8)])).toEqual([
      { what: 'rate', better: 'higher', before: [1, 3], now: [5, 7] },
      { what: 'time', better: 'lower', before: [2, 4], now: [6, 8] },
    ]);
  });
});
