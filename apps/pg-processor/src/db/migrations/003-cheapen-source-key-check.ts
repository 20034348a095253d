import { type Kysely, sql } from '@mini-pg/database';

/**
 * The same rule for less: `^[0-9a-f]{64}$` builds a state for each of the 64 places anew whenever a
 * row is written, and each attempt is written three times.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table attempt
      drop constraint attempt_source_key,
      add constraint attempt_source_key
        check (char_length(source_key) = 64 and source_key !~ '[^0-9a-f]') not valid`.execute(db);
  await sql`alter table attempt validate constraint attempt_source_key`.execute(db);
}
