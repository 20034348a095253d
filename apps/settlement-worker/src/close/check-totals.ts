import type { PostgresSession } from '@mini-pg/database';
import type { CloseContext } from './context.ts';
import { ControlTotalsError } from './errors.ts';
import { lockRun, type Run } from './run.ts';
import { transact } from './session.ts';

const FORGET_TOTALS = `
  delete from settlement_control where run_id = $1 and stage <> 'FACTS'`;

const COUNT_ITEMS_AND_STATEMENTS = `
  insert into settlement_control (run_id, stage, currency, count, gross, fee, vat, net)
  select $1, 'ITEMS', currency, count(*), sum(amount), sum(fee), sum(vat), sum(net)
  from settlement_item where run_id = $1 group by currency
  union all
  select $1, 'STATEMENTS', currency, sum(count), sum(gross), sum(fee), sum(vat), sum(net)
  from settlement where run_id = $1 group by currency`;

const FIND_UNEQUAL_TOTALS = `
  select format(
    'totals of %s differ: %s', currency,
    string_agg(format('%s %s lines of %s', lower(stage), count, gross), ', ' order by stage)
  ) as problem
  from settlement_control
  where run_id = $1
  group by currency
  having count(*) <> 3 or count(distinct (count, gross)) <> 1
    or count(distinct (fee, vat, net)) filter (where stage <> 'FACTS') <> 1`;

const FIND_FOREIGN_ITEMS = `
  select format('%s items differ from their facts', count(*)) as problem
  from settlement_item item
  left join fact on fact.id = item.id
  where item.run_id = $1 and (
    fact.kind, fact.payment_id, fact.merchant_id, fact.livemode, fact.currency, fact.sale_date,
    case fact.kind when 'PAYMENT' then fact.amount else -fact.amount end
  ) is distinct from (
    item.kind, item.payment_id, item.merchant_id, item.livemode, item.currency, item.sale_date,
    item.amount
  )
  having count(*) > 0`;

const FIND_UNEQUAL_STATEMENTS = `
  select format('%s statements differ from their items', count(*)) as problem
  from (
    select merchant_id, livemode, currency, count(*) as count, sum(amount) as gross,
      sum(fee) as fee, sum(vat) as vat, sum(net) as net
    from settlement_item where run_id = $1 group by merchant_id, livemode, currency
  ) item
  full join (select * from settlement where run_id = $1) statement
    using (merchant_id, livemode, currency)
  where (item.count, item.gross, item.fee, item.vat, item.net)
    is distinct from (statement.count, statement.gross, statement.fee, statement.vat, statement.net)
  having count(*) > 0`;

const FIND_WRONG_CARRIES = `
  select format('%s statements carry in what none before them carried out', count(*)) as problem
  from settlement statement
  left join lateral (
    select carry_out
    from settlement
    where merchant_id = statement.merchant_id and livemode = statement.livemode
      and currency = statement.currency and date < statement.date
    order by date desc
    limit 1
  ) before on true
  where statement.run_id = $1 and statement.carry_in <> coalesce(before.carry_out, 0)
  having count(*) > 0`;

const CHECKS = [
  FIND_UNEQUAL_TOTALS,
  FIND_FOREIGN_ITEMS,
  FIND_UNEQUAL_STATEMENTS,
  FIND_WRONG_CARRIES,
];

/**
 * Counts items and statements anew and compares them with the facts and with each other, in total
 * and one by one. From the moment that they agree the statements are final and may be published.
 *
 * @throws ControlTotalsError when they do not; the run is FAILED then, and a later try checks again.
 */
export async function checkTotals({ session, reach }: CloseContext, run: Run): Promise<void> {
  const problems = await transact(session, 'repeatable read', async () => {
    await lockRun(session, run);
    await session.query(FORGET_TOTALS, [run.id]);
    await session.query(COUNT_ITEMS_AND_STATEMENTS, [run.id]);
    const found: string[] = [];
    for (const check of CHECKS) {
      const { rows } = await session.query<{ problem: string }>(check, [run.id]);
      found.push(...rows.map((row) => row.problem));
    }
    await settle(session, run, found);
    await reach('totals-written');
    return found;
  });
  if (problems.length > 0) {
    throw new ControlTotalsError(`the close of ${run.date} failed: ${problems.join('; ')}`);
  }
  await reach('agreed');
}

async function settle(
  session: PostgresSession,
  run: Run,
  problems: readonly string[],
): Promise<void> {
  if (problems.length > 0) {
    await session.query(`update settlement_run set status = 'FAILED', failure = $2 where id = $1`, [
      run.id,
      problems.join('; '),
    ]);
    return;
  }
  await session.query(
    `update settlement_run
     set status = 'AGREED', failure = null, closed_at = date_trunc('milliseconds', clock_timestamp())
     where id = $1`,
    [run.id],
  );
}
