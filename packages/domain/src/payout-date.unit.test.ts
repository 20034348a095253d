import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addDays } from './business-date.ts';
import {
  type BankCalendar,
  CalendarYearMissingError,
  isBusinessDay,
  payoutDateOf,
} from './payout-date.ts';

/** Weekdays on which banks are closed, as published for these years (관공서의 공휴일에 관한 규정). */
const CLOSED = {
  2015: ['2015-05-01', '2015-05-05', '2015-05-25'],
  2022: ['2022-05-05'],
  2025: ['2025-01-01', '2025-01-27', '2025-01-28', '2025-01-29', '2025-01-30', '2025-06-03'],
  2026: [
    '2026-01-01',
    '2026-02-16',
    '2026-02-17',
    '2026-02-18',
    '2026-03-02',
    '2026-05-01',
    '2026-05-05',
    '2026-05-25',
    '2026-06-03',
    '2026-07-17',
    '2026-08-17',
    '2026-09-24',
    '2026-09-25',
    '2026-10-05',
    '2026-10-09',
    '2026-12-25',
  ],
  2027: ['2027-01-01', '2027-02-08', '2027-02-09', '2027-03-01'],
};

const calendar: BankCalendar = {
  years: new Set(Object.keys(CLOSED).map(Number)),
  closedDates: new Set(Object.values(CLOSED).flat()),
};
const A = 'NONE';
const B = 'FORWARD';

describe('the payout date', () => {
  it.each([
    ['2025-06-18', 5, '2025-06-25', '2025-06-25'],
    ['2022-04-26', 6, '2022-05-04', '2022-05-04'],
    ['2022-04-27', 6, '2022-05-06', '2022-05-06'],
    ['2022-04-28', 6, '2022-05-09', '2022-05-09'],
    ['2015-04-24', 6, '2015-05-06', '2015-05-06'],
    ['2026-02-13', 1, '2026-02-19', '2026-02-19'],
    ['2026-02-13', 2, '2026-02-20', '2026-02-20'],
    ['2026-04-30', 1, '2026-05-04', '2026-05-04'],
    ['2026-04-30', 2, '2026-05-06', '2026-05-06'],
    ['2026-06-02', 1, '2026-06-04', '2026-06-04'],
    ['2026-07-16', 1, '2026-07-20', '2026-07-20'],
    ['2026-12-31', 1, '2027-01-04', '2027-01-04'],
    ['2027-02-05', 2, '2027-02-11', '2027-02-11'],
    ['2026-03-14', 2, '2026-03-17', '2026-03-18'],
    ['2026-03-01', 2, '2026-03-04', '2026-03-05'],
    ['2026-05-03', 3, '2026-05-07', '2026-05-08'],
    ['2026-02-28', 5, '2026-03-09', '2026-03-10'],
    ['2026-03-13', 2, '2026-03-17', '2026-03-17'],
  ])('of %s and %i days is %s counted after, %s rolled first', (sold, days, counted, rolled) => {
    expect(payoutDateOf(sold, days, calendar, A)).toBe(counted);
    expect(payoutDateOf(sold, days, calendar, B)).toBe(rolled);
  });

  it('of a published Sunday row fits 4 days counted after and 3 days rolled first', () => {
    expect(payoutDateOf('2025-02-09', 4, calendar, A)).toBe('2025-02-13');
    expect(payoutDateOf('2025-02-09', 3, calendar, B)).toBe('2025-02-13');
  });

  it.each(['2015-04-25', '2015-04-26', '2015-04-27'])(
    'of %s, as published, is rolled first: 2015-05-07',
    (sold) => {
      expect(payoutDateOf(sold, 6, calendar, B)).toBe('2015-05-07');
    },
  );

  it('rolls first unless told otherwise', () => {
    expect(payoutDateOf('2026-03-14', 2, calendar)).toBe('2026-03-18');
  });

  it('stops at a year without data, naming it', () => {
    const attempt = () => payoutDateOf('2027-12-30', 2, calendar);
    expect(attempt).toThrow(CalendarYearMissingError);
    expect(attempt).toThrow('no data for 2028');
  });

  it.each([0, -1, 1.5])('refuses %s days', (days) => {
    expect(() => payoutDateOf('2026-03-13', days, calendar)).toThrow(RangeError);
  });

  it('is a business day with exactly that many business days behind it', () => {
    const soldDates = fc.integer({ min: 0, max: 300 }).map((n) => addDays('2026-01-01', n));
    fc.assert(
      fc.property(soldDates, fc.integer({ min: 1, max: 30 }), (sold, days) => {
        const payout = payoutDateOf(sold, days, calendar, A);
        let counted = 0;
        for (let date = addDays(sold, 1); date <= payout; date = addDays(date, 1)) {
          if (isBusinessDay(date, calendar)) counted += 1;
        }
        expect(isBusinessDay(payout, calendar)).toBe(true);
        expect(counted).toBe(days);
      }),
    );
  });
});

describe('a business day of 2026', () => {
  it.each(CLOSED[2026])('is not %s', (date) => {
    expect(isBusinessDay(date, calendar)).toBe(false);
  });

  it.each(['2026-02-13', '2026-02-19', '2026-05-04', '2026-12-31'])('is %s', (date) => {
    expect(isBusinessDay(date, calendar)).toBe(true);
  });

  it.each(['2026-03-14', '2026-03-15'])('is not at the weekend: %s', (date) => {
    expect(isBusinessDay(date, calendar)).toBe(false);
  });
});
