import { addDays, type BankCalendar, isBusinessDay, payoutDateOf } from '@mini-pg/domain';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Books, createBooks } from '../../test/support/books.ts';
import { readCalendar } from './calendar-repository.ts';
import { seedCalendar } from './calendar-seed.ts';

/** The published vectors on the calendar that the close reads. */
let books: Books;
let calendar: BankCalendar;
beforeAll(async () => {
  books = await createBooks();
  await books.rows(
    `insert into business_calendar
     select day::date, 'BANK_CLOSED', 'by hand', 'test', '1'
     from unnest(array['2015-05-01', '2015-05-05', '2015-05-25']) as day`,
  );
  await books.rows(`insert into business_calendar_year values (2015, 'test', '1')`);
  calendar = await readCalendar(books.pool, '2015-01-01');
});
afterAll(() => books.drop());

const CLOSED_WEEKDAYS_2026 = [
  '01-01',
  '02-16',
  '02-17',
  '02-18',
  '03-02',
  '05-01',
  '05-05',
  '05-25',
  '06-03',
  '07-17',
  '08-17',
  '09-24',
  '09-25',
  '10-05',
  '10-09',
  '12-25',
];

describe('the calendar', () => {
  it('closes exactly the published weekdays of 2026', () => {
    const weekdays = Array.from({ length: 365 }, (_, n) => addDays('2026-01-01', n)).filter(
      (date) => ![0, 6].includes(new Date(`${date}T00:00:00Z`).getUTCDay()),
    );
    expect(weekdays.filter((date) => !isBusinessDay(date, calendar))).toEqual(
      CLOSED_WEEKDAYS_2026.map((day) => `2026-${day}`),
    );
  });

  it.each(['2018-05-01', '2020-05-01', '2024-05-01', '2025-05-01'])(
    'closes banks on 1 May before it became a holiday: %s',
    (date) => {
      expect(isBusinessDay(date, calendar)).toBe(false);
    },
  );

  it.each(['2025-01-27', '2025-01-28', '2025-06-03', '2027-05-03', '2027-07-19'])(
    'knows elections, substitutes and days set at short notice: %s',
    (date) => {
      expect(isBusinessDay(date, calendar)).toBe(false);
    },
  );

  it('knows the years 2018 to 2027', () => {
    expect([...calendar.years].sort()).toEqual([
      2015,
      ...Array.from({ length: 10 }, (_, n) => 2018 + n),
    ]);
  });

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
  ])('pays %s after %i days on %s counted after, %s rolled first', (sold, days, a, b) => {
    expect(payoutDateOf(sold, days, calendar, 'NONE')).toBe(a);
    expect(payoutDateOf(sold, days, calendar, 'FORWARD')).toBe(b);
  });

  it('pays the published Sunday row after 4 days counted after and 3 rolled first', () => {
    expect(payoutDateOf('2025-02-09', 4, calendar, 'NONE')).toBe('2025-02-13');
    expect(payoutDateOf('2025-02-09', 3, calendar, 'FORWARD')).toBe('2025-02-13');
  });

  it.each(['2015-04-25', '2015-04-26', '2015-04-27'])('pays %s on 2015-05-07', (sold) => {
    expect(payoutDateOf(sold, 6, calendar, 'FORWARD')).toBe('2015-05-07');
  });
});

describe('loading the calendar again', () => {
  const read = () => books.rows('select c::text as row from business_calendar c order by 1');

  it('changes nothing and leaves rows of another source', async () => {
    const before = await read();
    await seedCalendar(books.pool);
    expect(await read()).toEqual(before);
    expect(before.some(({ row }) => String(row).includes('by hand'))).toBe(true);
  });

  it('takes back what was changed and drops what is no holiday any more', async () => {
    const before = await read();
    await books.rows(`update business_calendar set name = 'x' where date = '2026-02-17'`);
    await books.rows(
      `insert into business_calendar
       values ('2026-02-19', 'PUBLIC_HOLIDAY', 'withdrawn', 'holidays-kr', '0')`,
    );
    await seedCalendar(books.pool);
    expect(await read()).toEqual(before);
  });

  it('keeps a day that an operator added', async () => {
    await books.rows(
      `insert into business_calendar
       values ('2026-03-03', 'PUBLIC_HOLIDAY', '임시공휴일', 'operator', '1')`,
    );
    await seedCalendar(books.pool);
    const now = await readCalendar(books.pool, '2026-01-01');
    expect(isBusinessDay('2026-03-03', now)).toBe(false);
  });
});
