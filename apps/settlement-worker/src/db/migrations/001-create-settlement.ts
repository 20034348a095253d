import { createOutboxTables } from '@mini-pg/messaging';
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await createMerchants(db);
  await createFacts(db);
  await openLiveFacts(db);
  await createFeeFunctions(db);
  await createRuns(db);
  await createItems(db);
  await createStatements(db);
  await createCalendar(db);
  await createEvents(db);
}

async function createMerchants(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table merchant (
      id uuid primary key,
      name text not null,
      status text not null constraint merchant_status check (status in ('ACTIVE', 'SUSPENDED')),
      version int not null check (version >= 1),
      updated_at timestamptz not null,
      recorded_at timestamptz not null default now()
    )`.execute(db);
  // `xid` is that of the first insert, so that it can be told whether a run saw the terms.
  await sql`
    create table merchant_terms (
      merchant_id uuid not null references merchant (id),
      from_date date not null,
      fee_ppm int not null check (fee_ppm between 0 and 1000000),
      fixed_fee bigint not null check (fixed_fee between 0 and 1000000000),
      vat_mode text not null constraint merchant_terms_vat_mode
        check (vat_mode in ('EXCLUSIVE', 'INCLUSIVE')),
      payout_days int not null check (payout_days between 1 and 60),
      xid xid8 not null default pg_current_xact_id(),
      primary key (merchant_id, from_date)
    )`.execute(db);
}

async function createFacts(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table fact (
      id uuid primary key,
      kind text not null constraint fact_kind check (kind in ('PAYMENT', 'CANCEL')),
      payment_id uuid not null,
      merchant_id uuid not null,
      livemode boolean not null,
      order_id text not null,
      currency text not null check (currency ~ '^[A-Z]{3}$'),
      amount bigint not null check (amount between 1 and 1000000000000),
      tax_free_amount bigint not null check (tax_free_amount between 0 and amount),
      remaining_before bigint,
      remaining_after bigint,
      pg text not null,
      pg_account_id text not null,
      pg_order_id text not null,
      pg_payment_id text not null,
      pg_transaction_id text not null,
      method_detail jsonb not null,
      occurred_at timestamptz not null,
      sale_date date not null,
      terms_date date not null,
      event_id uuid not null,
      recorded_at timestamptz not null default now(),
      xid xid8 not null default pg_current_xact_id(),
      constraint fact_sale_date
        check (sale_date = (occurred_at at time zone 'Asia/Seoul')::date),
      constraint fact_terms_date check (
        case kind when 'PAYMENT' then terms_date = sale_date else terms_date <= sale_date end
      ),
      constraint fact_remaining check (
        case kind
          when 'PAYMENT' then remaining_before is null and remaining_after is null
          else remaining_after >= 0 and remaining_before - remaining_after = amount
        end
      )
    )`.execute(db);
  await sql`
    create unique index fact_payment_once
    on fact (payment_id, livemode) where kind = 'PAYMENT'`.execute(db);
  await sql`
    create unique index fact_capture_once
    on fact (pg, pg_account_id, livemode, pg_transaction_id) where kind = 'PAYMENT'`.execute(db);
}

/**
 * `fact_open` lists the live facts without an item, so that a close reads what is open and not the
 * history. A trigger keeps it for every writer: a fact that is missing there would never be paid.
 * The statement that makes items takes them out.
 */
async function openLiveFacts(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table fact_open (
      sale_date date not null,
      fact_id uuid not null,
      merchant_id uuid not null,
      terms_date date not null,
      primary key (sale_date, fact_id)
    )`.execute(db);
  await sql`
    create function open_live_facts() returns trigger
    language plpgsql set search_path from current as $$
    begin
      insert into fact_open (sale_date, fact_id, merchant_id, terms_date)
      select sale_date, id, merchant_id, terms_date from added where livemode;
      return null;
    end $$`.execute(db);
  await sql`
    create trigger fact_opens after insert on fact
    referencing new table as added
    for each statement execute function open_live_facts()`.execute(db);
}

/** The fee rule of packages/domain (`fee.ts`) for whole sets; a test holds both to each other. */
async function createFeeFunctions(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function fee_charged(base bigint, fee_ppm int, fixed_fee bigint) returns bigint
    language sql immutable parallel safe
    return case when base = 0 then 0 else base * fee_ppm / 1000000 + fixed_fee end`.execute(db);
  await sql`
    create function fee_vat(charged bigint, vat_mode text) returns bigint
    language sql immutable parallel safe
    return case vat_mode
      when 'EXCLUSIVE' then (2 * charged + 10) / 20
      when 'INCLUSIVE' then (2 * charged + 11) / 22
    end`.execute(db);
  await sql`
    create function fee_supply(charged bigint, vat_mode text) returns bigint
    language sql immutable parallel safe
    return case vat_mode
      when 'EXCLUSIVE' then charged
      when 'INCLUSIVE' then charged - fee_vat(charged, vat_mode)
    end`.execute(db);
}

async function createRuns(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table settlement_run (
      id uuid primary key default uuidv7(),
      date date not null constraint settlement_run_date unique,
      status text not null default 'STARTED' constraint settlement_run_status
        check (status in ('STARTED', 'ITEMIZED', 'STATED', 'AGREED', 'CLOSED', 'FAILED')),
      requested_by text not null,
      tries int not null default 1 check (tries >= 1),
      snapshot pg_snapshot,
      facts_held bigint check (facts_held >= 0),
      failure text,
      started_at timestamptz not null default now(),
      itemized_at timestamptz,
      stated_at timestamptz,
      closed_at timestamptz,
      finished_at timestamptz,
      constraint settlement_run_itemized check (
        status = 'STARTED'
        or (snapshot is not null and facts_held is not null and itemized_at is not null)
      ),
      constraint settlement_run_stated
        check (status in ('STARTED', 'ITEMIZED') or stated_at is not null),
      constraint settlement_run_closed
        check ((status in ('AGREED', 'CLOSED')) = (closed_at is not null)),
      constraint settlement_run_finished check ((status = 'CLOSED') = (finished_at is not null)),
      constraint settlement_run_failure check ((status = 'FAILED') = (failure is not null))
    )`.execute(db);
  await sql`
    create table settlement_control (
      run_id uuid not null references settlement_run (id),
      stage text not null constraint settlement_control_stage
        check (stage in ('FACTS', 'ITEMS', 'STATEMENTS')),
      currency text not null,
      count bigint not null,
      gross bigint not null,
      fee bigint,
      vat bigint,
      net bigint,
      primary key (run_id, stage, currency),
      constraint settlement_control_sums
        check (stage = 'FACTS' or (fee is not null and vat is not null and net is not null))
    )`.execute(db);
}

/** No foreign keys here: a check per row doubles the time, and the control totals compare all. */
async function createItems(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table settlement_item (
      id uuid primary key,
      run_id uuid not null,
      kind text not null constraint settlement_item_kind check (kind in ('PAYMENT', 'CANCEL')),
      payment_id uuid not null,
      merchant_id uuid not null,
      livemode boolean not null constraint settlement_item_live check (livemode),
      order_id text not null,
      currency text not null,
      sale_date date not null,
      amount bigint not null,
      fee bigint not null,
      vat bigint not null,
      net bigint not null,
      fee_ppm int not null,
      fixed_fee bigint not null,
      vat_mode text not null,
      constraint settlement_item_net check (net = amount - fee - vat),
      constraint settlement_item_sign check (
        case kind
          when 'PAYMENT' then amount > 0 and fee >= 0 and vat >= 0
          else amount < 0 and fee <= 0 and vat <= 0
        end
      )
    )`.execute(db);
  await sql`
    create index settlement_item_by_statement
    on settlement_item (run_id, merchant_id, currency, id)`.execute(db);
}

async function createStatements(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table settlement (
      id uuid primary key default uuidv7(),
      run_id uuid not null references settlement_run (id),
      merchant_id uuid not null,
      livemode boolean not null,
      currency text not null,
      date date not null,
      count bigint not null check (count >= 1),
      gross bigint not null,
      fee bigint not null,
      vat bigint not null,
      net bigint not null,
      payout_days int not null,
      payout_date date not null,
      items_hash text,
      parts_published int not null default 0 check (parts_published >= 0),
      published_at timestamptz,
      constraint settlement_once unique (run_id, merchant_id, livemode, currency),
      constraint settlement_net check (net = gross - fee - vat),
      constraint settlement_payout_date check (payout_date > date),
      constraint settlement_fits_json check (
        abs(gross) < 9007199254740992 and abs(fee) < 9007199254740992
        and abs(vat) < 9007199254740992 and abs(net) < 9007199254740992
      ),
      constraint settlement_published check (published_at is null or items_hash is not null)
    )`.execute(db);
}

async function createEvents(db: Kysely<unknown>): Promise<void> {
  await createOutboxTables(db);
  // A part of a statement is large and lives for seconds: compressing it costs more than it saves.
  await sql`alter table outbox alter column payload set storage external`.execute(db);
  // UUIDv8 by SHA-256 (RFC 9562, B.2): the same name gives the same event id, here and in
  // event-id.ts.
  await sql`
    create function event_id(name text) returns uuid
    language sql immutable parallel safe
    return overlay(
      overlay(left(encode(sha256(convert_to(name, 'UTF8')), 'hex'), 32) placing '8' from 13)
      placing '8' from 17
    )::uuid`.execute(db);
}

async function createCalendar(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table business_calendar (
      date date not null,
      kind text not null constraint business_calendar_kind
        check (kind in ('PUBLIC_HOLIDAY', 'BANK_CLOSED')),
      name text not null,
      source text not null,
      version text not null,
      primary key (date, kind)
    )`.execute(db);
  await sql`
    create table business_calendar_year (
      year int primary key,
      source text not null,
      version text not null
    )`.execute(db);
}
