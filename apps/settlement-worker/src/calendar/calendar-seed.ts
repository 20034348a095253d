import { getHolidayPreset } from '@hyunbinseo/holidays-kr';
import { inTransaction, type PostgresPool } from '@mini-pg/database';

/** The package's version as pinned in the workspace; it is stored with each row that it gave. */
const SOURCE = 'holidays-kr';
const SOURCE_VERSION = '5.2027.1';
const FIRST_YEAR = 2018;
const LAST_YEAR = 2027;

/** 1 May became a public holiday in 2026; before, banks closed on it all the same. */
const LABOUR_DAY_LAST_YEAR = 2025;
const LABOUR_DAY = { monthAndDay: '05-01', name: '근로자의 날', source: 'bank-closed' };

interface ClosedDate {
  readonly date: string;
  readonly kind: 'PUBLIC_HOLIDAY' | 'BANK_CLOSED';
  readonly name: string;
  readonly source: string;
}

const INSERT_CLOSED_DATES = `
  insert into business_calendar (date, kind, name, source, version)
  select date, kind, name, source, $5
  from unnest($1::date[], $2::text[], $3::text[], $4::text[]) as closed (date, kind, name, source)
  on conflict (date, kind) do update
    set (name, source, version) = (excluded.name, excluded.source, excluded.version)
    where (business_calendar.name, business_calendar.version)
      is distinct from (excluded.name, excluded.version)`;

const DELETE_WITHDRAWN = `
  delete from business_calendar
  where source = any($1::text[]) and not (date, kind) in (
    select * from unnest($2::date[], $3::text[])
  )`;

const INSERT_YEARS = `
  insert into business_calendar_year (year, source, version)
  select year, $2, $3 from unnest($1::int[]) as year
  on conflict (year) do update set (source, version) = (excluded.source, excluded.version)
    where business_calendar_year.version is distinct from excluded.version`;

/**
 * Loads the Korean bank calendar of the years that the package knows into the table that payout
 * dates are counted by. Run again it changes nothing; rows of another source stay.
 */
export async function seedCalendar(pool: PostgresPool): Promise<void> {
  const years = Array.from({ length: LAST_YEAR - FIRST_YEAR + 1 }, (_, n) => FIRST_YEAR + n);
  const closed = (await Promise.all(years.map(closedDatesOf))).flat();
  const dates = closed.map((row) => row.date);
  const kinds = closed.map((row) => row.kind);
  await inTransaction(pool, async (client) => {
    await client.query(DELETE_WITHDRAWN, [[SOURCE, LABOUR_DAY.source], dates, kinds]);
    await client.query(INSERT_CLOSED_DATES, [
      dates,
      kinds,
      closed.map((row) => row.name),
      closed.map((row) => row.source),
      SOURCE_VERSION,
    ]);
    await client.query(INSERT_YEARS, [years, SOURCE, SOURCE_VERSION]);
  });
}

async function closedDatesOf(year: number): Promise<ClosedDate[]> {
  const preset = await getHolidayPreset(String(year));
  const holidays = Object.entries(preset).map(
    ([date, names]): ClosedDate => ({
      date,
      kind: 'PUBLIC_HOLIDAY',
      name: names.join(', '),
      source: SOURCE,
    }),
  );
  if (year > LABOUR_DAY_LAST_YEAR) return holidays;
  const { monthAndDay, name, source } = LABOUR_DAY;
  return [...holidays, { date: `${year}-${monthAndDay}`, kind: 'BANK_CLOSED', name, source }];
}
