import { type Kysely, sql } from 'kysely';

/**
 * Money that a PG took and gave back, and that no merchant ever heard of: a posting when it was
 * captured and one when it was reversed. It belongs to nobody's statement.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table suspense_posting (
      attempt_id uuid not null,
      kind text not null constraint suspense_posting_kind check (kind in ('CAPTURE', 'REVERSAL')),
      payment_id uuid not null,
      merchant_id uuid not null,
      livemode boolean not null,
      order_id text not null,
      currency text not null check (currency ~ '^[A-Z]{3}$'),
      amount bigint not null constraint suspense_posting_sign check (
        case kind when 'CAPTURE' then amount > 0 else amount < 0 end
      ),
      pg text not null,
      pg_account_id text not null,
      pg_payment_id text not null,
      pg_transaction_id text not null,
      occurred_at timestamptz not null,
      date date not null constraint suspense_posting_date
        check (date = (occurred_at at time zone 'Asia/Seoul')::date),
      event_id uuid not null,
      recorded_at timestamptz not null default now(),
      primary key (attempt_id, kind)
    )`.execute(db);
  await sql`
    create unique index suspense_capture_once
    on suspense_posting (pg, pg_account_id, livemode, pg_transaction_id)
    where kind = 'CAPTURE'`.execute(db);
  await sql`create index suspense_by_payment on suspense_posting (payment_id)`.execute(db);
  await balanceSuspense(db);
}

/** What a transaction leaves in suspense of an attempt is nothing. */
async function balanceSuspense(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function check_suspense_balance() returns trigger
    language plpgsql set search_path from current as $$
    begin
      if (select sum(amount) from suspense_posting where attempt_id = new.attempt_id) <> 0 then
        raise exception 'the postings of attempt % do not cancel each other out', new.attempt_id
          using errcode = 'check_violation', constraint = 'suspense_balance';
      end if;
      return null;
    end $$`.execute(db);
  await sql`
    create constraint trigger suspense_balance after insert or update on suspense_posting
    deferrable initially deferred
    for each row execute function check_suspense_balance()`.execute(db);
}
