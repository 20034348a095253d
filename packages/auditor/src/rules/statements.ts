import {
  type BankCalendar,
  cancelLine,
  createItemsHash,
  type FeeLine,
  type FeePolicy,
  type ItemsHash,
  paymentLine,
  payoutDateOf,
  type SettlementItem,
  toJsonInteger,
} from '@mini-pg/domain';
import { type AuditSession, type Findings, type Rule, sqlRule, Tally } from '../rule.ts';
import { streamRows } from './stream.ts';

const STATEMENTS = 'select count(*) from settlement.settlement';

/** Spelled so that it means the whole table in a slice too: the statement before may be anywhere. */
const EVERY_STATEMENT = '"settlement"."settlement"';

/** What the items of a close add up to, by statement. */
const SUMS = `
  select run_id, merchant_id, livemode, currency, count(*) as count, sum(amount) as gross,
         sum(fee) as fee, sum(vat) as vat, sum(net) as net
  from settlement.settlement_item
  group by run_id, merchant_id, livemode, currency`;

export const STATEMENT_RULES: readonly Rule[] = [
  {
    id: 'item-fee',
    statement:
      'Fee, VAT and net of an item are what the fee rule gives for its amount and the terms on it.',
    needsLedger: false,
    scope: 'statement',
    check: checkFees,
  },
  sqlRule({
    id: 'statement-is-sum',
    scope: 'statement',
    statement: 'A statement is the sum of its items, and every item of a close is in one.',
    checked: STATEMENTS,
    violations: `
      select s.id as "settlementId", coalesce(s.run_id, i.run_id) as "runId",
             coalesce(s.merchant_id, i.merchant_id) as "merchantId", s.count, i.count as items,
             s.gross, i.gross as "itemsGross", s.net, i.net as "itemsNet"
      from settlement.settlement s
      full join (${SUMS}) i
        on (i.run_id, i.merchant_id, i.livemode, i.currency)
         = (s.run_id, s.merchant_id, s.livemode, s.currency)
      left join settlement.settlement_run r on r.id = coalesce(s.run_id, i.run_id)
      where ((s.count, s.gross, s.fee, s.vat, s.net)
               is distinct from (i.count, i.gross, i.fee, i.vat, i.net)
             or s.date is distinct from r.date)
        and (s.id is not null or r.id is null or r.stated_at is not null)`,
  }),
  sqlRule({
    id: 'control-totals-agree',
    scope: 'run',
    statement: 'The control totals of a close are its facts, its items and its statements, alike.',
    checked: 'select count(*) from settlement.settlement_control',
    violations: `
      with closed as (
        select id from settlement.settlement_run where status in ('AGREED', 'CLOSED')
      ), items as (
        select run_id, currency, sum(count) as count, sum(gross) as gross, sum(fee) as fee,
               sum(vat) as vat, sum(net) as net
        from (${SUMS}) sums
        group by run_id, currency
      ), statements as (
        select run_id, currency, sum(count) as count, sum(gross) as gross, sum(fee) as fee,
               sum(vat) as vat, sum(net) as net
        from settlement.settlement
        group by run_id, currency
      ), due as (
        select run_id, 'FACTS' as stage, currency, count, gross, null::numeric as fee,
               null::numeric as vat, null::numeric as net
        from items
        union all select run_id, 'ITEMS', currency, count, gross, fee, vat, net from items
        union all
        select run_id, 'STATEMENTS', currency, count, gross, fee, vat, net from statements
      )
      select coalesce(d.run_id, c.run_id) as "runId", coalesce(d.stage, c.stage) as stage,
             coalesce(d.currency, c.currency) as currency, d.count, c.count as "controlCount",
             d.gross, c.gross as "controlGross", d.net, c.net as "controlNet"
      from (select * from due where run_id in (select id from closed)) d
      full join (select * from settlement.settlement_control
                 where run_id in (select id from closed)) c
        on (c.run_id, c.stage, c.currency) = (d.run_id, d.stage, d.currency)
      where (d.count, d.gross) is distinct from (c.count, c.gross)
        or (coalesce(d.stage, c.stage) <> 'FACTS'
            and (d.fee, d.vat, d.net) is distinct from (c.fee, c.vat, c.net))`,
    // That a statement is the sum of its items is another rule, so the items need not be counted.
    violationsInSlice: `
      with due as (
        select s.run_id, stage.stage, s.currency, sum(s.count) as count, sum(s.gross) as gross,
               sum(s.fee) as fee, sum(s.vat) as vat, sum(s.net) as net
        from settlement.settlement s
        join settlement.settlement_run r on r.id = s.run_id and r.status in ('AGREED', 'CLOSED')
        cross join (values ('FACTS'), ('ITEMS'), ('STATEMENTS')) as stage (stage)
        group by s.run_id, stage.stage, s.currency
      ), control as (
        select c.* from settlement.settlement_control c
        join settlement.settlement_run r on r.id = c.run_id and r.status in ('AGREED', 'CLOSED')
      )
      select coalesce(d.run_id, c.run_id) as "runId", coalesce(d.stage, c.stage) as stage,
             coalesce(d.currency, c.currency) as currency, d.count, c.count as "controlCount",
             d.gross, c.gross as "controlGross", d.net, c.net as "controlNet"
      from due d
      full join control c on (c.run_id, c.stage, c.currency) = (d.run_id, d.stage, d.currency)
      where (d.count, d.gross) is distinct from (c.count, c.gross)
        or (coalesce(d.stage, c.stage) <> 'FACTS'
            and (d.fee, d.vat, d.net) is distinct from (c.fee, c.vat, c.net))`,
  }),
  sqlRule({
    id: 'statement-carries',
    scope: 'statement',
    statement:
      'What a statement is short of is carried into the next one of the merchant, mode and ' +
      'currency: it pays out what is left of both, or nothing.',
    checked: STATEMENTS,
    violations: `
      select s.id as "settlementId", s.merchant_id as "merchantId", s.date, s.net,
             s.carry_in as "carryIn", before.carry_out as "carriedOut", s.payout,
             s.carry_out as "carryOut"
      from settlement.settlement s
      left join lateral (
        select carry_out from ${EVERY_STATEMENT} b
        where (b.merchant_id, b.livemode, b.currency) = (s.merchant_id, s.livemode, s.currency)
          and b.date < s.date
        order by b.date desc limit 1
      ) before on true
      where s.carry_in <> coalesce(before.carry_out, 0)
        or (s.payout, s.carry_out)
          is distinct from (greatest(s.carry_in + s.net, 0), least(s.carry_in + s.net, 0))
      order by s.date, s.id`,
  }),
  {
    id: 'statement-hash',
    statement: 'The hash that a statement was published with is that of its items.',
    needsLedger: false,
    scope: 'statement',
    check: checkHashes,
  },
  {
    id: 'payout-date',
    statement:
      'A statement is paid out as many business days after its date as its terms say, by the ' +
      'calendar of the books.',
    needsLedger: false,
    scope: 'statement',
    check: checkPayoutDates,
  },
];

interface ItemFeeRow {
  id: string;
  kind: 'PAYMENT' | 'CANCEL';
  amount: bigint;
  fee: bigint;
  vat: bigint;
  net: bigint;
  fee_ppm: number;
  fixed_fee: bigint;
  vat_mode: FeePolicy['vatMode'];
  remaining_before: bigint | null;
  remaining_after: bigint | null;
}

async function checkFees(audit: AuditSession): Promise<Findings> {
  const tally = new Tally(audit);
  const rows = streamRows<ItemFeeRow>(
    audit,
    `select i.id, i.kind, i.amount, i.fee, i.vat, i.net, i.fee_ppm, i.fixed_fee, i.vat_mode,
            f.remaining_before, f.remaining_after
     from settlement.settlement_item i
     left join settlement.fact f on f.id = i.id`,
  );
  for await (const row of rows) {
    tally.held();
    const due = dueLine(row);
    if (due !== null && isSameLine(due, row)) continue;
    tally.broken({
      itemId: row.id,
      kind: row.kind,
      amount: String(row.amount),
      fee: String(row.fee),
      vat: String(row.vat),
      dueFee: due === null ? null : String(due.fee),
      dueVat: due === null ? null : String(due.vat),
    });
  }
  return tally.findings();
}

/** Null where no rule gives a line: a payment of less than nothing, a cancel without its rest. */
function dueLine(row: ItemFeeRow): FeeLine | null {
  const policy = {
    feePpm: BigInt(row.fee_ppm),
    fixedFee: row.fixed_fee,
    vatMode: row.vat_mode,
  };
  if (row.kind === 'PAYMENT') return row.amount < 0n ? null : paymentLine(row.amount, policy);
  const { remaining_before: before, remaining_after: after } = row;
  if (before === null || after === null || after < 0n || after >= before) return null;
  return cancelLine(before, after, policy);
}

function isSameLine(a: FeeLine, b: FeeLine): boolean {
  return a.amount === b.amount && a.fee === b.fee && a.vat === b.vat && a.net === b.net;
}

interface HashedRow {
  settlement_id: string;
  items_hash: string;
  id: string | null;
  kind: SettlementItem['kind'];
  payment_id: string;
  order_id: string;
  sale_date: string;
  amount: bigint;
  fee: bigint;
  vat: bigint;
  net: bigint;
}

async function checkHashes(audit: AuditSession): Promise<Findings> {
  const tally = new Tally(audit);
  const rows = streamRows<HashedRow>(
    audit,
    `select s.id as settlement_id, s.items_hash, i.id, i.kind, i.payment_id, i.order_id,
            i.sale_date, i.amount, i.fee, i.vat, i.net
     from settlement.settlement s
     left join settlement.settlement_item i
       on (i.run_id, i.merchant_id, i.livemode, i.currency)
        = (s.run_id, s.merchant_id, s.livemode, s.currency)
     where s.items_hash is not null
     order by s.id, i.id`,
  );
  let statement: HashedStatement | undefined;
  for await (const row of rows) {
    if (statement?.id !== row.settlement_id) {
      compareHash(tally, statement);
      statement = { id: row.settlement_id, expected: row.items_hash, hash: createItemsHash() };
    }
    if (row.id !== null) statement.hash.add(asItem(row.id, row));
  }
  compareHash(tally, statement);
  return tally.findings();
}

interface HashedStatement {
  readonly id: string;
  readonly expected: string;
  readonly hash: ItemsHash;
}

function compareHash(tally: Tally, statement: HashedStatement | undefined): void {
  if (statement === undefined) return;
  tally.held();
  const due = statement.hash.digest();
  if (due === statement.expected) return;
  tally.broken({ settlementId: statement.id, itemsHash: statement.expected, dueHash: due });
}

function asItem(id: string, row: HashedRow): SettlementItem {
  return {
    id,
    kind: row.kind,
    paymentId: row.payment_id,
    orderId: row.order_id,
    saleDate: row.sale_date,
    amount: toJsonInteger(row.amount),
    fee: toJsonInteger(row.fee),
    vat: toJsonInteger(row.vat),
    net: toJsonInteger(row.net),
  };
}

interface PayoutRow {
  id: string;
  date: string;
  payout_days: number;
  payout_date: string;
  due_days: number | null;
}

async function checkPayoutDates(audit: AuditSession): Promise<Findings> {
  const tally = new Tally(audit);
  const calendar = await readCalendar(audit.session);
  const rows = streamRows<PayoutRow>(
    audit,
    `select s.id, s.date, s.payout_days, s.payout_date, t.payout_days as due_days
     from settlement.settlement s
     left join lateral (
       select payout_days from payment.merchant_terms m
       where m.merchant_id = s.merchant_id and m.from_date <= s.date
       order by m.from_date desc limit 1
     ) t on true`,
  );
  for await (const row of rows) {
    tally.held();
    const due = payoutDateOrReason(row, calendar);
    if (due === row.payout_date && row.payout_days === row.due_days) continue;
    tally.broken({ settlementId: row.id, ...row, due });
  }
  return tally.findings();
}

async function readCalendar(session: AuditSession['session']): Promise<BankCalendar> {
  const years = await session.query<{ year: number }>(
    'select year from settlement.business_calendar_year',
  );
  const closed = await session.query<{ date: string }>(
    'select distinct date from settlement.business_calendar',
  );
  return {
    years: new Set(years.rows.map((row) => row.year)),
    closedDates: new Set(closed.rows.map((row) => row.date)),
  };
}

function payoutDateOrReason(row: PayoutRow, calendar: BankCalendar): string {
  try {
    return payoutDateOf(row.date, row.payout_days, calendar);
  } catch (error) {
    if (error instanceof Error) return error.message;
    throw error;
  }
}
