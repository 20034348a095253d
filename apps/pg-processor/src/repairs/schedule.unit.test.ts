import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLastInquiry, nextInquiryMs, RETRY_AFTER_MAX_MS, spreadLater } from './schedule.ts';

const PG = { inquiryScheduleMs: [1_000, 5_000, 30_000] };

describe('the inquiries after a lost answer', () => {
  it.each([
    [0, 1_000],
    [1, 5_000],
    [2, 30_000],
    [3, 30_000],
  ])('after %d of them the next comes in %d ms', (inquiryCount, expected) => {
    const turn = { inquiryCount, number: 1, notExecuted: false, random: () => 0 };
    expect(nextInquiryMs(PG, turn)).toBe(expected);
  });

  it('come later by up to half of the wait, never earlier', () => {
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 600_000 }), random, (scheduledMs, value) => {
        const waitMs = spreadLater(scheduledMs, () => value);
        expect(waitMs).toBe(Math.round(scheduledMs * (1 + value / 2)));
      }),
    );
    const waits = [0.1, 0.4, 0.9].map((value) =>
      nextInquiryMs(PG, { inquiryCount: 1, number: 1, notExecuted: false, random: () => value }),
    );
    expect(waits).toEqual([5_250, 6_000, 7_250]);
  });

  it('end with the schedule', () => {
    const ends = [0, 1, 2, 3, 4].map((inquiryCount) =>
      isLastInquiry(PG, { inquiryCount, notExecuted: false }),
    );
    expect(ends).toEqual([false, false, false, true, true]);
  });
});

describe('the backoff after a call that was not executed', () => {
  it('is random from 0 up to a bound that doubles, and never above its maximum', () => {
    const counts = { number: fc.integer({ min: 1, max: 5 }), inquiryCount: fc.nat(5) };
    const random = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.record(counts), random, (turn, value) => {
        const tries = turn.number + turn.inquiryCount;
        const waitMs = nextInquiryMs(PG, { ...turn, notExecuted: true, random: () => value });
        expect(waitMs).toBe(value * Math.min(30_000, 1_000 * 2 ** tries));
      }),
    );
  });
});

describe('what the PG asks for', () => {
  it.each([
    [true, undefined, 2_000],
    [true, 7_000, 9_000],
    [true, 999_999_999_000, RETRY_AFTER_MAX_MS + 2_000],
    [false, 7_000, 8_250],
  ])('comes before the wait: not executed %s, %s ms', (notExecuted, retryAfterMs, expected) => {
    const turn = { number: 2, inquiryCount: 0, notExecuted, retryAfterMs, random: () => 0.5 };
    const schedule = { inquiryScheduleMs: [1_000] };
    expect(nextInquiryMs(schedule, turn)).toBe(expected);
  });
});
