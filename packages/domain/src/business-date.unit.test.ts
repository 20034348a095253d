import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addDays, businessDateOf, startOfBusinessDate } from './business-date.ts';

const instants = fc.date({
  min: new Date('2000-01-01T00:00:00Z'),
  max: new Date('2099-12-31T00:00:00Z'),
  noInvalidDate: true,
});

describe('the business date of an instant', () => {
  it.each([
    ['2026-03-31T14:59:59.999Z', '2026-03-31'],
    ['2026-03-31T15:00:00.000Z', '2026-04-01'],
    ['2025-12-31T15:00:00Z', '2026-01-01'],
    ['2028-02-28T15:00:00Z', '2028-02-29'],
  ])('of %s is %s', (instant, date) => {
    expect(businessDateOf(new Date(instant))).toBe(date);
  });

  it('lies between the start of its day and the start of the next', () => {
    fc.assert(
      fc.property(instants, (instant) => {
        const date = businessDateOf(instant);
        expect(startOfBusinessDate(date).getTime()).toBeLessThanOrEqual(instant.getTime());
        expect(startOfBusinessDate(addDays(date, 1)).getTime()).toBeGreaterThan(instant.getTime());
      }),
    );
  });

  it('agrees with the time zone database', () => {
    const seoul = new Intl.DateTimeFormat('en-CA', { timeZone: 'Asia/Seoul', dateStyle: 'short' });
    fc.assert(
      fc.property(instants, (instant) => {
        expect(businessDateOf(instant)).toBe(seoul.format(instant));
      }),
    );
  });
});

describe('days later', () => {
  it.each([
    ['2026-12-31', 1, '2027-01-01'],
    ['2026-03-01', -1, '2026-02-28'],
    ['2028-02-28', 1, '2028-02-29'],
    ['2026-03-31', 0, '2026-03-31'],
  ])('%s and %i days is %s', (date, days, expected) => {
    expect(addDays(date, days)).toBe(expected);
  });
});
