import type { PostgresSession } from '@mini-pg/database';
import type { RuleScope } from '../rule.ts';

/** The scopes that a slice can hold. */
export type SliceScope = Exclude<RuleScope, 'whole' | 'audit'>;

/** A query that gives the rows of a table that belong to a slice. */
type Fills = Readonly<Record<string, string>>;

/** Where the seeds of a slice stand while it is filled. */
export const SCOPE_TABLE = 'pg_temp.in_scope';

const IN_SCOPE = `select id from ${SCOPE_TABLE}`;

/** A table of the slice itself, for what follows from the rows that are in it already. */
const own = (table: string): string => `pg_temp.${table.replace('.', '__')}`;

const TERMS_COLUMNS = 'distinct t.*';

/** All that is known of some payments, in the order in which one table follows from another. */
const PAYMENT_FILLS: Fills = {
  'payment.payment': `select * from payment.payment where id in (${IN_SCOPE})`,
  'payment.payment_fact': `select * from payment.payment_fact where payment_id in (${IN_SCOPE})`,
  'payment.payment_open': `select * from payment.payment_open where payment_id in (${IN_SCOPE})`,
  'payment.payment_reserve': `
    select * from payment.payment_reserve where payment_id in (${IN_SCOPE})`,
  'payment.cancel_open': `select * from payment.cancel_open where payment_id in (${IN_SCOPE})`,
  'processor.cancel': `select * from processor.cancel where payment_id in (${IN_SCOPE})`,
  'processor.attempt': `select * from processor.attempt where payment_id in (${IN_SCOPE})`,
  'processor.outcome': `select * from processor.outcome where payment_id in (${IN_SCOPE})`,
  'processor.exception': `select * from processor.exception where payment_id in (${IN_SCOPE})`,
  'processor.source_claim': `
    select distinct c.* from ${own('processor.attempt')} a
    join processor.source_claim c
      on (c.source_key, c.pg, c.pg_account_id, c.livemode)
       = (a.source_key, a.pg, a.pg_account_id, a.livemode)
    where c.payment_id in (${IN_SCOPE})`,
  'settlement.fact': `
    select * from settlement.fact where kind = 'PAYMENT' and payment_id in (${IN_SCOPE})
    union all
    select * from settlement.fact where kind = 'CANCEL' and payment_id in (${IN_SCOPE})`,
  'settlement.fact_open': `
    select o.* from ${own('settlement.fact')} f
    join settlement.fact_open o on (o.sale_date, o.fact_id) = (f.sale_date, f.id)`,
  'settlement.settlement_item': `
    select i.* from ${own('settlement.fact')} f join settlement.settlement_item i on i.id = f.id`,
  'settlement.settlement': `
    select distinct s.* from ${own('settlement.settlement_item')} i
    join settlement.settlement s
      on (s.run_id, s.merchant_id, s.livemode, s.currency)
       = (i.run_id, i.merchant_id, i.livemode, i.currency)`,
  'settlement.settlement_run': `
    select * from settlement.settlement_run
    where date >= (select min(sale_date) from ${own('settlement.fact')})`,
  'settlement.suspense_posting': `
    select * from settlement.suspense_posting where payment_id in (${IN_SCOPE})`,
  'payment.merchant': `
    select * from payment.merchant
    where id in (select merchant_id from ${own('payment.payment')}
                 union select merchant_id from ${own('settlement.fact')})`,
  'payment.merchant_terms': `
    select ${TERMS_COLUMNS} from ${own('payment.merchant')} m
    join payment.merchant_terms t on t.merchant_id = m.id`,
  'settlement.merchant_terms': `
    select ${TERMS_COLUMNS} from ${own('payment.merchant')} m
    join settlement.merchant_terms t on t.merchant_id = m.id`,
  'payment.settlement': 'select * from payment.settlement where false',
};

/** All that is known of some statements, in the books and as the merchant sees them. */
const STATEMENT_FILLS: Fills = {
  'settlement.settlement': `select * from settlement.settlement where id in (${IN_SCOPE})`,
  'settlement.settlement_run': `
    select * from settlement.settlement_run
    where id in (select run_id from ${own('settlement.settlement')})`,
  'settlement.settlement_item': `
    select i.* from ${own('settlement.settlement')} s
    join settlement.settlement_item i
      on (i.run_id, i.merchant_id, i.currency) = (s.run_id, s.merchant_id, s.currency)
        and i.livemode = s.livemode`,
  'settlement.fact': `
    select f.* from ${own('settlement.settlement_item')} i join settlement.fact f on f.id = i.id`,
  'payment.settlement': `select * from payment.settlement where id in (${IN_SCOPE})`,
  'payment.settlement_item': `
    select * from payment.settlement_item where settlement_id in (${IN_SCOPE})`,
  'payment.merchant_terms': `
    select ${TERMS_COLUMNS} from payment.merchant_terms t
    where t.merchant_id in (select merchant_id from ${own('settlement.settlement')})`,
};

/** Some idempotency keys, which the slice is seeded with, and their payments. */
const KEY_FILLS: Fills = {
  'payment.payment': `
    select distinct p.* from ${own('payment.idempotency_key')} k
    join payment.payment p on p.id = k.resource`,
  'payment.payment_fact': `
    select f.* from ${own('payment.payment')} p
    join payment.payment_fact f on f.payment_id = p.id`,
};

/** Some closes, and the sums of their statements. */
const RUN_FILLS: Fills = {
  'settlement.settlement_run': `select * from settlement.settlement_run where id in (${IN_SCOPE})`,
  'settlement.settlement': `select * from settlement.settlement where run_id in (${IN_SCOPE})`,
  'settlement.settlement_control': `
    select * from settlement.settlement_control where run_id in (${IN_SCOPE})`,
};

const FILLS: Readonly<Record<SliceScope, Fills>> = {
  payment: PAYMENT_FILLS,
  statement: STATEMENT_FILLS,
  key: KEY_FILLS,
  run: RUN_FILLS,
};

/**
 * What payments cannot be judged without: others of their orders, and those that hold a source
 * which one of them has used.
 */
const ADD_RELATED_PAYMENTS = `
  insert into ${SCOPE_TABLE}
  select related.id
  from (
    select other.id
    from ${SCOPE_TABLE} s
    join payment.payment p on p.id = s.id
    join payment.payment other
      on (other.merchant_id, other.livemode, other.order_id)
       = (p.merchant_id, p.livemode, p.order_id)
    union
    select c.payment_id
    from ${SCOPE_TABLE} s
    join processor.attempt a on a.payment_id = s.id
    join processor.source_claim c
      on (c.source_key, c.pg, c.pg_account_id, c.livemode)
       = (a.source_key, a.pg, a.pg_account_id, a.livemode)
  ) related
  on conflict do nothing`;

const TABLES = [
  ...new Set([...Object.values(FILLS).flatMap((fills) => Object.keys(fills))]),
  'payment.idempotency_key',
];

/** What a rule that is asked for each row would otherwise search from end to end. */
const INDEXES = [
  `create index on ${own('settlement.settlement_run')} (date)`,
  `create index on ${own('settlement.merchant_terms')} (merchant_id, from_date)`,
  `create index on ${own('payment.merchant_terms')} (merchant_id, from_date)`,
];

/** Tables that are so small that a slice reads them whole. */
const WHOLE_TABLES = ['settlement.business_calendar', 'settlement.business_calendar_year'];

const TABLE_READ = /\b(?:from|join)\s+((?:payment|processor|settlement)\.[a-z_]+)/g;
const TABLE_NAME = /\b(payment|processor|settlement)\.([a-z_]+)/g;

/**
 * Turns a query of whole tables into the same query of the slice's tables.
 *
 * @throws Error when the query reads a table of which the scope has no rows: it would find fault
 *   with what is only not there.
 */
export function sliceQuery(scope: SliceScope, query: string): string {
  for (const [, name = ''] of query.matchAll(TABLE_READ)) {
    if (WHOLE_TABLES.includes(name) || isFilled(scope, name)) continue;
    throw new Error(`a slice of the scope ${scope} has no rows of ${name}`);
  }
  return query.replace(TABLE_NAME, (name) => (isFilled(scope, name) ? own(name) : name));
}

function isFilled(scope: SliceScope, table: string): boolean {
  return table in FILLS[scope] || (scope === 'key' && table === 'payment.idempotency_key');
}

/** Makes the tables of slices, once a session; they are emptied by the end of each transaction. */
export async function createSliceTables(session: PostgresSession): Promise<void> {
  await session.query('begin read write');
  await session.query(
    'create temporary table in_scope (id uuid primary key) on commit delete rows',
  );
  for (const table of TABLES) {
    const name = own(table).replace('pg_temp.', '');
    await session.query(`create temporary table ${name} (like ${table}) on commit delete rows`);
  }
  for (const index of INDEXES) await session.query(index);
  await session.query('commit');
}

/**
 * Fills the tables of a slice from its seeds, in the caller's transaction. Every query goes by an
 * index, so what it costs is what the slice holds.
 *
 * @returns how many rows it holds
 */
export async function fillSlice(session: PostgresSession, scope: SliceScope): Promise<number> {
  if (scope === 'payment') await session.query(ADD_RELATED_PAYMENTS);
  let rows = 0;
  for (const [table, fill] of Object.entries(FILLS[scope])) {
    const { rowCount } = await session.query(`insert into ${own(table)} ${fill}`);
    rows += rowCount ?? 0;
  }
  return rows;
}

/** Puts the ids that a slice begins with into its scope. */
export async function seedScope(session: PostgresSession, ids: Iterable<string>): Promise<void> {
  await session.query(
    `insert into ${SCOPE_TABLE} select distinct * from unnest($1::uuid[]) on conflict do nothing`,
    [[...ids]],
  );
}
