import { type Kysely, sql } from 'kysely';

/**
 * What a statement carries in from those before it; what it pays out and carries on follows. Those
 * that were closed before the event told it have carried nothing.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table settlement
      add column carry_in bigint not null default 0
        constraint settlement_carry_in check (carry_in <= 0),
      add column payout bigint not null generated always as (greatest(carry_in + net, 0)) stored,
      add column carry_out bigint not null generated always as (least(carry_in + net, 0)) stored
  `.execute(db);
}
