import { type Kysely, sql } from '@mini-pg/database';

export async function up(db: Kysely<unknown>): Promise<void> {
  await createCancels(db);
  await createCancelIndexes(db);
  await alterAttempts(db);
}

async function createCancels(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table cancel (
      id uuid primary key,
      payment_id uuid not null,
      merchant_id uuid not null,
      livemode boolean not null,
      amount bigint constraint cancel_amount check (amount between 1 and 1000000000000),
      tax_free_amount bigint not null
        constraint cancel_tax_free_amount check (tax_free_amount >= 0),
      reason text not null,
      origin text not null
        constraint cancel_origin check (origin in ('MERCHANT', 'OPERATOR', 'PG', 'SYSTEM')),
      state text not null
        constraint cancel_state check (state in ('WAITING', 'STARTED', 'DONE', 'FAILED')),
      remaining_before bigint,
      remaining_after bigint,
      sequence int constraint cancel_sequence check (sequence >= 1),
      event_id uuid,
      topic text,
      payload text,
      requested_at timestamptz not null,
      traceparent text,
      created_at timestamptz not null default now(),
      started_at timestamptz,
      closed_at timestamptz,
      constraint cancel_started check (
        state <> 'STARTED'
        or (amount is not null and remaining_before is not null and started_at is not null)),
      constraint cancel_closed check ((closed_at is not null) = (state in ('DONE', 'FAILED'))),
      constraint cancel_balance check (
        case state
          when 'DONE' then
            (remaining_after is null and remaining_before is null)
            or coalesce(remaining_after = remaining_before - amount and remaining_after >= 0, false)
          else remaining_after is null
        end),
      constraint cancel_told check (
        (event_id is not null)
          = (state = 'FAILED' or (state = 'DONE' and remaining_after is not null))
        and (event_id is null) = (topic is null)
        and (event_id is null) = (payload is null)
        and (event_id is null) = (sequence is null))
    ) with (fillfactor = 80)`.execute(db);
}

/** One at a time and each on a balance of its own; then the queue, which holds only what waits. */
async function createCancelIndexes(db: Kysely<unknown>): Promise<void> {
  await sql`
    create unique index cancel_one_started on cancel (payment_id)
    where state = 'STARTED'`.execute(db);
  await sql`
    create unique index cancel_one_per_remainder on cancel (payment_id, remaining_after)
    where state = 'DONE'`.execute(db);
  await sql`
    create unique index cancel_one_per_balance on cancel (payment_id, remaining_before)
    where state in ('STARTED', 'DONE')`.execute(db);
  await sql`create index cancel_by_payment on cancel (payment_id)`.execute(db);
  await sql`
    create index cancel_waiting on cancel (payment_id) where state = 'WAITING'`.execute(db);
  await sql`
    create index cancel_waiting_order on cancel (requested_at, id)
    where state = 'WAITING'`.execute(db);
}

/**
 * The attempts of a cancel count among themselves, and one at a time is open. Those that refuse a
 * deposit belong to no cancel and count as before. The constraint keeps its name, since instances
 * of the release before name it; its index is built anew under the lock of the table.
 */
async function alterAttempts(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table attempt
      add column cancel_remaining_before bigint,
      add constraint attempt_of_cancel check (
        cancel_id is null
        or (operation = 'CANCEL' and cancel_amount is not null
            and cancel_tax_free_amount is not null and cancel_reason is not null
            and cancel_remaining_before >= cancel_amount and pg_payment_id is not null)) not valid,
      add constraint attempt_cancelled_with_proof check (
        cancel_id is null or state <> 'APPROVED'
        or (pg_transaction_id is not null and approved_at is not null)) not valid,
      drop constraint attempt_number,
      add constraint attempt_number
        unique nulls not distinct (payment_id, operation, number, cancel_id)`.execute(db);
  await sql`
    create unique index attempt_one_live_cancel on attempt (payment_id)
    where cancel_id is not null and state in ('READY', 'CALLING', 'UNKNOWN')`.execute(db);
  await sql`
    create unique index attempt_one_success_per_cancel on attempt (cancel_id)
    where cancel_id is not null and state = 'APPROVED'`.execute(db);
}
