import { type Kysely, sql } from '@mini-pg/database';

/** An attempt that gives back what another one has captured and nobody was told of. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table attempt
      add column reverses_id uuid,
      add constraint attempt_of_reversal check (
        reverses_id is null
        or (operation in ('CANCEL', 'NET_CANCEL') and cancel_id is null and cancel_amount = amount
            and cancel_remaining_before = amount and pg_payment_id is not null)) not valid,
      add constraint attempt_reversed_with_proof check (
        reverses_id is null or state <> 'APPROVED'
        or (pg_transaction_id is not null and approved_at is not null)) not valid`.execute(db);
  await sql`
    create unique index attempt_one_live_reversal on attempt (reverses_id)
    where reverses_id is not null
      and state in ('READY', 'CALLING', 'UNKNOWN', 'APPROVED')`.execute(db);
}
