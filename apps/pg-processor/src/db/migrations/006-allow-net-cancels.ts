import { type Kysely, sql } from '@mini-pg/database';

/**
 * A net-cancel is told by what the approval was asked with, so it needs no payment id; and some PGs
 * confirm one without showing a transaction. It always undoes an approval.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table attempt
      drop constraint attempt_of_reversal,
      add constraint attempt_of_reversal check (
        reverses_id is null
        or (operation in ('CANCEL', 'NET_CANCEL') and cancel_id is null and cancel_amount = amount
            and cancel_remaining_before = amount
            and (operation = 'NET_CANCEL' or pg_payment_id is not null))) not valid,
      drop constraint attempt_reversed_with_proof,
      add constraint attempt_reversed_with_proof check (
        reverses_id is null or state <> 'APPROVED'
        or (pg_transaction_id is not null and approved_at is not null)
        or (operation = 'NET_CANCEL' and pg_transaction_id is null and approved_at is null))
        not valid,
      add constraint attempt_of_net_cancel check (
        operation <> 'NET_CANCEL' or reverses_id is not null) not valid`.execute(db);
}
