import { describe, expect, it } from 'vitest';
import { paceMs } from './pace.ts';

describe('the rest after a round', () => {
  it('is none when there was nothing to do', () => {
    expect(paceMs(0, 500)).toBe(0);
  });

  it('grows by a millisecond a row', () => {
    expect(paceMs(1, 500)).toBe(1);
    expect(paceMs(12, 500)).toBe(12);
  });

  it('has a bound', () => {
    expect(paceMs(499, 500)).toBe(25);
  });

  it('is none after a full round: more waits already', () => {
    expect(paceMs(500, 500)).toBe(0);
  });
});
