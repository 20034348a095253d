import { type BankCalendar, payoutDateOf } from '@mini-pg/domain';
import { readCalendar } from '../calendar/calendar-repository.ts';
import type { CloseContext } from './context.ts';
import { lockRun, type Run } from './run.ts';
import { transact } from './session.ts';

/** The payout follows the terms of the day that is closed, also for facts that came late. */
const TERMS_OF_DAY = `
  select payout_days
  from merchant_terms
  where merchant_id = item.merchant_id and from_date <= $2
  order by from_date desc
  limit 1`;

const READ_PAYOUT_DAYS = `
  select distinct terms.payout_days as "payoutDays"
  from (select distinct merchant_id from settlement_item where run_id = $1) item
  cross join lateral (${TERMS_OF_DAY}) terms`;

/**
 * What the merchant's last statement before this day could not pay off. Days are closed in order
 * and by one session at a time, so that statement is final.
 */
const CARRIED = `
  select carry_out
  from settlement
  where merchant_id = item.merchant_id and livemode = item.livemode and currency = item.currency
    and date < $2
  order by date desc
  limit 1`;

/** A term without a payout date makes the row refuse: a left join loses no statement. */
const MAKE_STATEMENTS = `
  insert into settlement (
    run_id, merchant_id, livemode, currency, date, count, gross, fee, vat, net,
    carry_in, payout_days, payout_date
  )
  select
    $1, item.merchant_id, item.livemode, item.currency, $2,
    item.count, item.gross, item.fee, item.vat, item.net,
    coalesce(carried.carry_out, 0), terms.payout_days, payout.date
  from (
    select merchant_id, livemode, currency, count(*) as count,
      sum(amount) as gross, sum(fee) as fee, sum(vat) as vat, sum(net) as net
    from settlement_item
    where run_id = $1
    group by merchant_id, livemode, currency
  ) item
  left join lateral (${TERMS_OF_DAY}) terms on true
  left join lateral (${CARRIED}) carried on true
  left join unnest($3::int[], $4::date[]) as payout (days, date)
    on payout.days = terms.payout_days
  order by item.merchant_id, item.currency`;

/**
 * Makes the statements of a run from its items: one for each merchant, mode and currency, sums as
 * sums of lines. What an earlier statement is short of is carried in: it pays what is left of both,
 * or nothing, and the rest is carried on (docs/reference/settlement-rules.md).
 *
 * @throws CalendarYearMissingError when a payout would fall into a year without a calendar.
 */
export async function makeStatements({ session, reach }: CloseContext, run: Run): Promise<void> {
  await transact(session, 'repeatable read', async () => {
    await lockRun(session, run);
    const { rows } = await session.query<{ payoutDays: number }>(READ_PAYOUT_DAYS, [
      run.id,
      run.date,
    ]);
    const calendar = await readCalendar(session, run.date);
    const payouts = rows.map(({ payoutDays }) => payoutOf(run.date, payoutDays, calendar));
    await session.query(MAKE_STATEMENTS, [
      run.id,
      run.date,
      payouts.map((payout) => payout.days),
      payouts.map((payout) => payout.date),
    ]);
    await session.query(
      `update settlement_run set status = 'STATED', stated_at = clock_timestamp() where id = $1`,
      [run.id],
    );
    await reach('statements-written');
  });
  await reach('stated');
}

function payoutOf(date: string, days: number, calendar: BankCalendar) {
  return { days, date: payoutDateOf(date, days, calendar) };
}
