import { addDays, type BusinessDate } from './business-date.ts';

/** The days on which banks are closed besides weekends, and the years that are known in full. */
export interface BankCalendar {
  readonly years: ReadonlySet<number>;
  readonly closedDates: ReadonlySet<BusinessDate>;
}

/** The calendar has no data for a year, so no date in it can be called a business day. */
export class CalendarYearMissingError extends Error {
  override readonly name = 'CalendarYearMissingError';
  readonly year: number;

  constructor(year: number) {
    super(
      `the business calendar has no data for ${year}: load that year before scheduling into it`,
    );
    this.year = year;
  }
}

/**
 * What to do with a basis date that is no business day: `FORWARD` rolls it to the next one before
 * counting, `NONE` counts from where it is (docs/reference/settlement-rules.md).
 */
export type BaseRoll = 'FORWARD' | 'NONE';

/** The longest stretch without a business day that is believed; the longest known had ten days. */
const CLOSED_STRETCH_DAYS_MAX = 31;

/** Whether banks open on a date. @throws CalendarYearMissingError */
export function isBusinessDay(date: BusinessDate, calendar: BankCalendar): boolean {
  const year = Number(date.slice(0, 4));
  if (!calendar.years.has(year)) throw new CalendarYearMissingError(year);
  return !isWeekend(date) && !calendar.closedDates.has(date);
}

/**
 * The business date on which a sale date's money is paid out, `days` business days later
 * (docs/reference/settlement-rules.md).
 *
 * @throws CalendarYearMissingError when the way there leaves the years that the calendar knows.
 * @throws RangeError when `days` is less than 1.
 */
export function payoutDateOf(
  soldDate: BusinessDate,
  days: number,
  calendar: BankCalendar,
  baseRoll: BaseRoll = 'FORWARD',
): BusinessDate {
  if (!Number.isInteger(days) || days < 1) throw new RangeError('a payout takes 1 day or more');
  let date = baseRoll === 'FORWARD' ? businessDayFrom(soldDate, calendar) : soldDate;
  for (let counted = 0; counted < days; counted += 1) {
    date = businessDayFrom(addDays(date, 1), calendar);
  }
  return date;
}

/** The first business day on or after a date. */
function businessDayFrom(date: BusinessDate, calendar: BankCalendar): BusinessDate {
  for (let days = 0; days <= CLOSED_STRETCH_DAYS_MAX; days += 1) {
    const candidate = addDays(date, days);
    if (isBusinessDay(candidate, calendar)) return candidate;
  }
  throw new RangeError(`no business day within ${CLOSED_STRETCH_DAYS_MAX} days from ${date}`);
}

function isWeekend(date: BusinessDate): boolean {
  const weekday = new Date(`${date}T00:00:00.000Z`).getUTCDay();
  return weekday === 0 || weekday === 6;
}
