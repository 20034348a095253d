import type { PostgresPool } from '@mini-pg/database';
import type { System } from '@mini-pg/local-stack';
import type { Bench } from '../bench.ts';
import { figure, number } from '../report/figures.ts';
import { openDatabase } from '../system/database.ts';
import { startForBench } from '../system/start.ts';
import {
  growthExpectation,
  growthMeasures,
  growthSection,
  measureGrowth,
  SIZES,
} from './growth.ts';

const MERCHANTS = 1_000;

/** The parts of a close by the times in its run, in seconds. */
const STAGES = ['items', 'statements and totals', 'events'] as const;
type Stages = Record<(typeof STAGES)[number], number>;

export const close: Bench = {
  name: 'close',
  describe: 'The daily close of 10,000 to 1,000,000 facts of 1,000 merchants.',
  async run(context) {
    const system = await startForBench(context);
    const database = openDatabase(system);
    context.atEnd(() => database.end());
    await Promise.all(system.services.map((service) => service.stop()));
    const date = await yesterday(database);
    const stages = new Map<number, Stages[]>(SIZES.map((size) => [size, []]));
    const growth = await measureGrowth(context, async (size) => {
      await seedFacts(database, size);
      const taken = await closeDay(system, database, { date, size });
      stages.get(size)?.push(taken);
      return STAGES.reduce((sum, stage) => sum + taken[stage], 0);
    });
    return {
      summary: [
        'Facts of one business day are written as settlement-worker stores them, by one statement ' +
          'and without `analyze`; then its `close` program closes the day: items, statements, ' +
          'control totals, and the statements as events in the outbox. All services are stopped. ' +
          'The time is that of the run, from its first row to its last, by the database clock; ' +
          'the start of the program is not part of it.',
      ],
      expectations: [growthExpectation(growth)],
      measures: growthMeasures(growth),
      sections: [
        growthSection(growth, 'The whole close', [`${number(MERCHANTS)} merchants.`]),
        {
          heading: 'By stage',
          text: ['Seconds.'],
          table: {
            columns: ['Facts', ...STAGES],
            rows: [...stages].map(([size, all]) => [
              number(size),
              ...STAGES.map((stage) => figure(all.map((one) => one[stage]))),
            ]),
          },
        },
      ],
    };
  },
};

async function yesterday(database: PostgresPool): Promise<string> {
  const { rows } = await database.query<{ date: string }>(
    `select ((now() at time zone 'Asia/Seoul')::date - 1)::text as date`,
  );
  return rows[0]?.date ?? '';
}

/** An empty schema, then facts of yesterday, of which each twentieth cancels half of the one before. */
async function seedFacts(database: PostgresPool, size: number): Promise<void> {
  // Autovacuum may be at work on what the round before left, and gives way after a second.
  await database.query(`
    begin;
    set local lock_timeout = '30s';
    truncate settlement.merchant, settlement.merchant_terms, settlement.fact, settlement.fact_open,
             settlement.settlement_run, settlement.settlement_control, settlement.settlement_item,
             settlement.settlement, settlement.outbox;
    commit`);
  await database.query(
    `insert into settlement.merchant (id, name, status, version, updated_at)
     select md5('merchant' || n)::uuid, 'Shop ' || n, 'ACTIVE', 1, now()
     from generate_series(1, $1::int) n`,
    [MERCHANTS],
  );
  await database.query(`
    insert into settlement.merchant_terms
      (merchant_id, from_date, fee_ppm, fixed_fee, vat_mode, payout_days)
    select id, date '2020-01-01', 29000, 0, 'EXCLUSIVE', 2 from settlement.merchant`);
  await database.query(SEED_FACTS, [size, MERCHANTS]);
}

const SEED_FACTS = `
  insert into settlement.fact (
    id, kind, payment_id, merchant_id, livemode, order_id, currency, amount, tax_free_amount,
    remaining_before, remaining_after, pg, pg_account_id, pg_order_id, pg_payment_id,
    pg_transaction_id, method_detail, occurred_at, sale_date, terms_date, event_id
  )
  select
    uuidv7(), case when is_cancel then 'CANCEL' else 'PAYMENT' end, md5('payment' || paid)::uuid,
    md5('merchant' || (1 + paid % $2::int))::uuid, true, 'order-' || paid, 'KRW',
    case when is_cancel then amount / 2 else amount end, 0,
    case when is_cancel then amount end, case when is_cancel then amount - amount / 2 end,
    'toss', 'tosslive01', 'order-' || paid, 'tgen_' || paid, 'txn_' || n,
    '{"type": "CARD", "issuer": "11", "acquirer": "31", "cardType": "CREDIT",
      "ownerType": "PERSONAL", "installmentMonths": 0, "interestFree": false,
      "approveNo": "00000000", "maskedNumber": "43301234****123*"}'::jsonb,
    at, (at at time zone 'Asia/Seoul')::date, (at at time zone 'Asia/Seoul')::date, uuidv7()
  from generate_series(1, $1::int) n
  cross join lateral (select n % 20 = 0 as is_cancel, n - (n % 20 = 0)::int as paid) which
  cross join lateral (
    select 1000 + paid % 90000 as amount,
      ((now() at time zone 'Asia/Seoul')::date - 1 + interval '1 minute' + n % 86000 * interval '1 s')
        at time zone 'Asia/Seoul' as at
  ) of`;

async function closeDay(
  system: System,
  database: PostgresPool,
  { date, size }: { date: string; size: number },
): Promise<Stages> {
  const { code, output } = await system.run('settlement-worker', 'close', ['--date', date]);
  if (code !== 0) throw new Error(`The close failed:\n${output.trimEnd()}`);
  const { rows } = await database.query<{ counted: number } & Record<string, number>>(
    `select
       (select coalesce(sum(count), 0)::int from settlement.settlement) as counted,
       extract(epoch from itemized_at - started_at)::float8 as items,
       extract(epoch from closed_at - itemized_at)::float8 as "statements and totals",
       extract(epoch from finished_at - closed_at)::float8 as events
     from settlement.settlement_run where date = $1`,
    [date],
  );
  const [run] = rows;
  if (run?.counted !== size) throw new Error(`Of ${size} facts ${run?.counted} were settled.`);
  return Object.fromEntries(STAGES.map((stage) => [stage, run[stage] ?? Number.NaN])) as Stages;
}
