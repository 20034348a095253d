import { describe, expect, it } from 'vitest';
import { retryAfterMsOf } from './retry-after.ts';

const DATE = 'Mon, 02 Mar 2026 01:00:00 GMT';

describe('Retry-After', () => {
  it.each([
    ['0', 0],
    ['7', 7_000],
    [' 7 ', 7_000],
    ['999999999', 999_999_999_000],
    ['Mon, 02 Mar 2026 01:00:30 GMT', 30_000],
    ['Mon, 02 Mar 2026 00:59:00 GMT', 0],
    ['-1', null],
    ['1e9', null],
    ['9999999999', null],
    ['soon', null],
    ['', null],
  ])('of "%s" is %s ms', (said, expected) => {
    expect(retryAfterMsOf({ 'retry-after': said, date: DATE })).toBe(expected);
  });

  it('as a date says nothing without the clock of who said it', () => {
    expect(retryAfterMsOf({ 'retry-after': DATE })).toBeNull();
  });

  it('that is not there is none', () => {
    expect(retryAfterMsOf({ date: DATE })).toBeNull();
  });
});
