import { type Kysely, sql } from 'kysely';

/**
 * The same rule for less: `^[A-Za-z0-9_-]{6,64}$` builds a state for each place anew whenever a
 * payment is written.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table payment
      drop constraint payment_order_id_check,
      add constraint payment_order_id_check check (
        char_length(order_id) between 6 and 64 and order_id !~ '[^A-Za-z0-9_-]') not valid`.execute(
    db,
  );
  await sql`alter table payment validate constraint payment_order_id_check`.execute(db);
}
