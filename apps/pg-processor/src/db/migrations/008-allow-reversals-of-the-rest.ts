import { type Kysely, sql } from '@mini-pg/database';

/**
 * A reversal gives back all that is left. That is less than was captured where somebody else has
 * given back a part, and its `amount` is what the PG captured.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table attempt
      drop constraint attempt_of_reversal,
      add constraint attempt_of_reversal check (
        reverses_id is null
        or (operation in ('CANCEL', 'NET_CANCEL') and cancel_id is null
            and cancel_remaining_before = cancel_amount and cancel_amount <= amount
            and (operation = 'CANCEL' or cancel_amount = amount)
            and (operation = 'NET_CANCEL' or pg_payment_id is not null))) not valid`.execute(db);
}
