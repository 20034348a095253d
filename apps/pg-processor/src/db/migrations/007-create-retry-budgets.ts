import { type Kysely, sql } from '@mini-pg/database';

/**
 * Retries of what surely was not executed wait until a budget admits them. Attempts that wait for
 * one already are not admitted, and wait in line like all others.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table retry_budget (
      pg text not null,
      kind text not null,
      tokens float8 not null constraint retry_budget_tokens check (tokens >= 0),
      refilled_at timestamptz not null,
      constraint retry_budget_key primary key (pg, kind)
    ) with (fillfactor = 50)`.execute(db);
  await sql`
    alter table attempt
      add column admitted boolean not null default false,
      add column denials int not null default 0`.execute(db);
  await sql`
    create index attempt_retry on attempt (pg, operation, next_inquiry_at)
    where state = 'UNKNOWN' and not_executed and not admitted`.execute(db);
  await sql`drop index attempt_inquiry`.execute(db);
  await sql`
    create index attempt_inquiry on attempt (pg, next_inquiry_at)
    where next_inquiry_at is not null and (admitted or not not_executed)`.execute(db);
}
