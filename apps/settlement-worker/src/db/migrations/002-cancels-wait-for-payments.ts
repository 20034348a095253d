import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await nameCancelledPayments(db);
  await takeBalanceOnce(db);
}

/**
 * An open cancel names its payment, so that a close can tell whether that is known without reading
 * every fact. Null for a payment.
 */
async function nameCancelledPayments(db: Kysely<unknown>): Promise<void> {
  await sql`alter table fact_open add column cancelled_payment_id uuid`.execute(db);
  await sql`
    update fact_open open set cancelled_payment_id = fact.payment_id
    from fact where fact.id = open.fact_id and fact.kind = 'CANCEL'`.execute(db);
  await sql`
    create or replace function open_live_facts() returns trigger
    language plpgsql set search_path from current as $$
    begin
      insert into fact_open (sale_date, fact_id, merchant_id, terms_date, cancelled_payment_id)
      select sale_date, id, merchant_id, terms_date,
        case kind when 'CANCEL' then payment_id end
      from added where livemode;
      return null;
    end $$`.execute(db);
}

/** Two cancels that start from one balance would return its fee twice. */
async function takeBalanceOnce(db: Kysely<unknown>): Promise<void> {
  await sql`
    create unique index fact_balance_cancelled_once
    on fact (payment_id, livemode, remaining_before) where kind = 'CANCEL'`.execute(db);
}
