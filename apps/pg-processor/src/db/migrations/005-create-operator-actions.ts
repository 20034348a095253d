import { type Kysely, sql } from '@mini-pg/database';

/** What operators decided about exceptions, and how they closed one. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table operator_action (
      id uuid primary key,
      at timestamptz not null default now(),
      operator text not null,
      action text not null,
      target uuid not null,
      detail jsonb not null
    )`.execute(db);
  await sql`create index operator_action_by_target on operator_action (target)`.execute(db);
  await sql`
    alter table exception
      add column resolved_as text,
      add constraint exception_resolved_as check (
        resolved_as is null
        or (resolved_at is not null and resolved_as in ('CANCEL', 'WRITE_OFF', 'APPROVE'))
      ) not valid`.execute(db);
}
