import type { Queryable } from '@mini-pg/database';

export interface NegativeBalances {
  /** How many balances of a merchant, mode and currency the next statement is to pay off. */
  readonly count: number;
  /** For how many days, up to the date given, the oldest of them was never paid off. */
  readonly oldestDays: number;
}

/** Reads the statements that are negative, not those that are not. */
const COUNT_NEGATIVE = `
  select count(*)::int as count, coalesce(max($1::date - since.date), 0)::int as "oldestDays"
  from settlement last
  cross join lateral (
    select max(date) as date
    from settlement
    where merchant_id = last.merchant_id and livemode = last.livemode
      and currency = last.currency and carry_out < 0 and carry_in = 0
  ) since
  where last.carry_out < 0 and not exists (
    select from settlement later
    where later.merchant_id = last.merchant_id and later.livemode = last.livemode
      and later.currency = last.currency and later.date > last.date
  )`;

/** What merchants owe: balances that their last statement could not pay off. */
export async function countNegativeBalances(
  client: Queryable,
  date: string,
): Promise<NegativeBalances> {
  const { rows } = await client.query<NegativeBalances>(COUNT_NEGATIVE, [date]);
  return rows[0] ?? { count: 0, oldestDays: 0 };
}
