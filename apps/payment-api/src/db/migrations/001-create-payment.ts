import { createOutboxTables } from '@mini-pg/messaging';
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await createMerchants(db);
  await createPayments(db);
  await createIdempotencyKeys(db);
  await createSettlements(db);
  await createOutboxTables(db);
}

async function createMerchants(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table merchant (
      id uuid primary key,
      name text not null check (char_length(name) between 1 and 100),
      status text not null constraint merchant_status check (status in ('ACTIVE', 'SUSPENDED')),
      version int not null default 1 check (version >= 1),
      created_at timestamptz not null default now(),
      created_by text not null,
      updated_at timestamptz not null default now(),
      updated_by text not null
    )`.execute(db);
  await sql`
    create table merchant_terms (
      merchant_id uuid not null references merchant (id),
      from_date date not null,
      fee_ppm int not null check (fee_ppm between 0 and 1000000),
      fixed_fee bigint not null check (fixed_fee >= 0),
      vat_mode text not null check (vat_mode in ('EXCLUSIVE', 'INCLUSIVE')),
      payout_days int not null check (payout_days between 1 and 60),
      created_at timestamptz not null default now(),
      created_by text not null,
      primary key (merchant_id, from_date)
    )`.execute(db);
  await sql`
    create table merchant_key (
      id uuid primary key,
      merchant_id uuid not null references merchant (id),
      livemode boolean not null,
      key_hash bytea not null constraint merchant_key_hash unique,
      api_version text not null,
      created_at timestamptz not null default now(),
      created_by text not null,
      revoked_at timestamptz,
      revoked_by text
    )`.execute(db);
  await sql`create index merchant_key_by_merchant on merchant_key (merchant_id)`.execute(db);
  await sql`
    create table operator_action (
      id uuid primary key,
      at timestamptz not null default now(),
      operator text not null,
      action text not null,
      target uuid not null,
      detail jsonb not null
    )`.execute(db);
}

async function createPayments(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table payment (
      id uuid primary key,
      merchant_id uuid not null,
      livemode boolean not null,
      order_id text not null check (order_id ~ '^[A-Za-z0-9_-]{6,64}$'),
      order_name text check (char_length(order_name) <= 100),
      amount bigint not null check (amount between 1 and 1000000000000),
      tax_free_amount bigint not null check (tax_free_amount between 0 and amount),
      currency text not null check (currency ~ '^[A-Z]{3}$'),
      pg text not null,
      source jsonb not null,
      customer jsonb,
      metadata jsonb not null,
      event_id uuid not null,
      traceparent text,
      requested_at timestamptz not null,
      expires_at timestamptz not null
    )`.execute(db);
  await sql`
    create index payment_by_merchant
    on payment (merchant_id, livemode, requested_at desc, id desc)`.execute(db);
  await sql`
    create index payment_by_order on payment (merchant_id, livemode, order_id)`.execute(db);
  // A payment without an outcome: small, so that what waits for one is found without a scan.
  await sql`
    create table payment_open (
      payment_id uuid primary key,
      next_emit_at timestamptz not null,
      emits int not null default 0 check (emits >= 0)
    )`.execute(db);
  await sql`
    create table payment_fact (
      payment_id uuid not null,
      kind text not null constraint payment_fact_kind
        check (kind in ('APPROVED', 'FAILED', 'CANCELLED', 'SETTLED')),
      fact_key uuid not null,
      seq bigint generated always as identity,
      event_id uuid not null,
      sequence int check (sequence >= 1),
      data jsonb not null,
      trace_id text,
      occurred_at timestamptz not null,
      recorded_at timestamptz not null default now(),
      primary key (payment_id, kind, fact_key)
    )`.execute(db);
  await sql`
    create table payment_progress (
      payment_id uuid not null,
      event_id uuid not null,
      step text not null,
      detail jsonb not null,
      trace_id text,
      occurred_at timestamptz not null,
      recorded_at timestamptz not null default now(),
      primary key (payment_id, event_id)
    )`.execute(db);
  await sql`
    create table parked_event (
      event_id uuid primary key,
      topic text not null,
      payload text not null,
      traceparent text,
      reason text not null,
      tries int not null default 0,
      parked_at timestamptz not null default now(),
      next_try_at timestamptz not null default now()
    )`.execute(db);
}

async function createIdempotencyKeys(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table idempotency_key (
      merchant_id uuid not null,
      livemode boolean not null,
      scope text not null constraint idempotency_key_scope check (scope in ('payment', 'cancel')),
      key text collate "C" not null check (octet_length(key) between 8 and 255),
      resource uuid not null,
      fingerprint bytea not null check (octet_length(fingerprint) = 32),
      answer smallint constraint idempotency_key_answer check (answer in (201, 202)),
      due_at timestamptz,
      live_order_id text,
      created_at timestamptz not null default now(),
      primary key (merchant_id, livemode, scope, key),
      constraint idempotency_key_waits check (answer is not null or due_at is not null)
    )`.execute(db);
  await sql`
    create unique index idempotency_key_live_order
    on idempotency_key (merchant_id, livemode, live_order_id)
    where live_order_id is not null`.execute(db);
}

async function createSettlements(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table settlement (
      id uuid primary key,
      merchant_id uuid not null,
      livemode boolean not null,
      date date not null,
      currency text not null,
      count bigint not null check (count >= 1),
      gross bigint not null,
      fee bigint not null,
      vat bigint not null,
      net bigint not null,
      payout_date date not null,
      items_hash text not null,
      closed_at timestamptz not null,
      complete_at timestamptz,
      constraint settlement_sum check (net = gross - fee - vat)
    )`.execute(db);
  await sql`
    create index settlement_by_merchant
    on settlement (merchant_id, livemode, date desc, id desc)`.execute(db);
  await sql`
    create table settlement_item (
      settlement_id uuid not null,
      id uuid not null,
      kind text not null,
      payment_id uuid not null,
      order_id text not null,
      sale_date date not null,
      amount bigint not null,
      fee bigint not null,
      vat bigint not null,
      net bigint not null,
      primary key (settlement_id, id)
    )`.execute(db);
}
