import { type Kysely, sql } from '@mini-pg/database';
import { ATTEMPT_OPERATIONS, ATTEMPT_STATES } from '@mini-pg/domain';
import { createOutboxTables } from '@mini-pg/messaging';

export async function up(db: Kysely<unknown>): Promise<void> {
  await createAttempts(db);
  await createAttemptIndexes(db);
  await createSourceClaims(db);
  await createResults(db);
  await createExceptions(db);
  await createMerchants(db);
  await createOutboxTables(db);
}

/** Words of our own code as a list of SQL literals. */
function literals(words: readonly string[]) {
  return sql.raw(words.map((word) => `'${word}'`).join(', '));
}

async function createAttempts(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table attempt (
      id uuid primary key,
      payment_id uuid not null,
      merchant_id uuid not null,
      livemode boolean not null,
      operation text not null
        constraint attempt_operation check (operation in (${literals(ATTEMPT_OPERATIONS)})),
      number int not null constraint attempt_number_counts check (number >= 1),
      state text not null constraint attempt_state check (state in (${literals(ATTEMPT_STATES)})),
      pg text not null,
      pg_account_id text,
      source_key text constraint attempt_source_key check (source_key ~ '^[0-9a-f]{64}$'),
      source jsonb not null,
      customer jsonb,
      order_id text not null,
      order_name text,
      pg_order_id text not null,
      idempotency_key text not null,
      amount bigint not null constraint attempt_amount check (amount between 1 and 1000000000000),
      tax_free_amount bigint not null
        constraint attempt_tax_free_amount check (tax_free_amount between 0 and amount),
      currency text not null constraint attempt_currency check (currency ~ '^[A-Z]{3}$'),
      cancel_id uuid,
      cancel_amount bigint constraint attempt_cancel_amount check (cancel_amount > 0),
      cancel_tax_free_amount bigint
        constraint attempt_cancel_tax_free_amount check (cancel_tax_free_amount >= 0),
      cancel_reason text,
      requested_at timestamptz not null,
      expires_at timestamptz,
      next_attempt_at timestamptz not null default now(),
      lease_owner text, lease_until timestamptz,
      called_at timestamptz, deadline_at timestamptz,
      reached boolean not null default false,
      answered boolean not null default false,
      not_executed boolean not null default false,
      inquiry_count int not null default 0, next_inquiry_at timestamptz,
      resend_count int not null default 0,
      follow_up_count int not null default 0, next_follow_up_at timestamptz,
      pg_payment_id text, pg_transaction_id text,
      pg_status text, pg_code text, pg_trace_id text, http_status int,
      method_detail jsonb,
      failure jsonb,
      approved_at timestamptz,
      closed_at timestamptz,
      traceparent text,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now(),
      constraint attempt_number unique (payment_id, operation, number),
      constraint attempt_account check (pg_account_id is not null or state = 'NOT_SENT'),
      constraint attempt_called_with_lease check (
        state <> 'CALLING'
        or (lease_owner is not null and lease_until is not null
            and called_at is not null and deadline_at is not null)),
      constraint attempt_inquired_while_unknown check (
        next_inquiry_at is null or state = 'UNKNOWN'),
      constraint attempt_approved_with_proof check (
        state <> 'APPROVED' or operation <> 'APPROVE'
        or (pg_payment_id is not null and pg_transaction_id is not null
            and approved_at is not null)),
      constraint attempt_closed check (
        (closed_at is not null) = (state in ('APPROVED', 'DECLINED', 'NOT_SENT', 'REVERSED')))
    ) with (
      autovacuum_vacuum_scale_factor = 0.02,
      autovacuum_vacuum_threshold = 5000,
      autovacuum_vacuum_cost_delay = 0,
      autovacuum_analyze_scale_factor = 0.05
    )`.execute(db);
}

/** What keeps money single, then the queues: small, since each holds only the rows that wait. */
async function createAttemptIndexes(db: Kysely<unknown>): Promise<void> {
  await sql`
    create unique index attempt_one_calling on attempt (payment_id)
    where state = 'CALLING'`.execute(db);
  await sql`
    create unique index attempt_one_live_approval on attempt (payment_id)
    where operation = 'APPROVE' and state in ('CALLING', 'UNKNOWN', 'APPROVED')`.execute(db);
  await sql`
    create unique index attempt_one_per_transaction
    on attempt (pg, pg_account_id, livemode, pg_transaction_id)
    where state in ('APPROVED', 'REVERSED') and pg_transaction_id is not null`.execute(db);
  await sql`
    create index attempt_ready on attempt (pg, next_attempt_at)
    where state = 'READY'`.execute(db);
  await sql`
    create index attempt_expiry on attempt (expires_at) where state = 'READY'`.execute(db);
  await sql`
    create index attempt_unknown on attempt (called_at) where state = 'UNKNOWN'`.execute(db);
  await sql`
    create index attempt_inquiry on attempt (pg, next_inquiry_at)
    where next_inquiry_at is not null`.execute(db);
  await sql`
    create index attempt_follow_up on attempt (pg, next_follow_up_at)
    where next_follow_up_at is not null`.execute(db);
}

async function createSourceClaims(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table source_claim (
      pg text not null,
      pg_account_id text not null,
      livemode boolean not null,
      source_key text not null,
      payment_id uuid not null,
      attempt_id uuid not null,
      claimed_at timestamptz not null default now(),
      constraint source_claim_key primary key (source_key, pg, pg_account_id, livemode)
    )`.execute(db);
}

async function createResults(db: Kysely<unknown>): Promise<void> {
  // How many events of a payment were committed; its row lock puts them in a row.
  await sql`
    create table payment_result (
      payment_id uuid primary key,
      count int not null default 0 constraint payment_result_count check (count >= 0)
    ) with (fillfactor = 80)`.execute(db);
  await sql`
    create table outcome (
      payment_id uuid constraint outcome_one_per_payment primary key,
      merchant_id uuid not null,
      livemode boolean not null,
      kind text not null constraint outcome_kind check (kind in ('APPROVED', 'FAILED')),
      attempt_id uuid,
      sequence int not null constraint outcome_sequence check (sequence >= 1),
      event_id uuid not null,
      topic text not null,
      payload text not null,
      traceparent text,
      committed_at timestamptz not null default now()
    )`.execute(db);
}

async function createExceptions(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table exception (
      id uuid primary key,
      kind text not null constraint exception_kind check (kind ~ '^[A-Z_]+$'),
      payment_id uuid not null,
      attempt_id uuid not null,
      merchant_id uuid not null,
      livemode boolean not null,
      detail jsonb not null,
      opened_at timestamptz not null default now(),
      resolved_at timestamptz,
      resolution text,
      resolved_by text,
      constraint exception_resolved check (
        (resolved_at is null) = (resolution is null)
        and (resolved_at is null) = (resolved_by is null))
    )`.execute(db);
  await sql`
    create unique index exception_one_open on exception (attempt_id, kind)
    where resolved_at is null`.execute(db);
  await sql`create index exception_by_payment on exception (payment_id)`.execute(db);
}

async function createMerchants(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table merchant (
      id uuid primary key,
      status text not null,
      version int not null,
      updated_at timestamptz not null
    )`.execute(db);
}
