import type { Queryable } from '@mini-pg/database';
import type { BankCalendar } from '@mini-pg/domain';

/** The years and closed dates that payout dates of a business date may need. */
export async function readCalendar(client: Queryable, from: string): Promise<BankCalendar> {
  const firstYear = Number(from.slice(0, 4));
  const years = await client.query<{ year: number }>(
    'select year from business_calendar_year where year >= $1',
    [firstYear],
  );
  const closed = await client.query<{ date: string }>(
    'select distinct date from business_calendar where date >= $1::date',
    [from],
  );
  return {
    years: new Set(years.rows.map((row) => row.year)),
    closedDates: new Set(closed.rows.map((row) => row.date)),
  };
}
