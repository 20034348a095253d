import { type Kysely, sql } from 'kysely';
import { DEFAULT_MIGRATION_TABLE, type Migration, Migrator } from 'kysely/migration';

/** The schema is newer than the program: an older version must not run on it. */
export class NewerSchemaError extends Error {
  override readonly name = 'NewerSchemaError';
}

/**
 * Brings a schema up to the newest migration. Safe to run twice and by several processes at once:
 * Kysely holds a lock while it runs. Returns the names that this call applied.
 *
 * @throws NewerSchemaError when the database has migrations that this program does not know.
 */
export async function migrateToLatest<Database>(
  database: Kysely<Database>,
  migrations: Record<string, Migration>,
): Promise<string[]> {
  const migrator = new Migrator({
    db: database,
    provider: { getMigrations: async () => migrations },
  });
  const { error, results } = await migrator.migrateToLatest();
  if (error !== undefined) throw asNewerSchema(error) ?? error;
  return (results ?? []).filter((r) => r.status === 'Success').map((r) => r.migrationName);
}

/**
 * Checks at start that the schema is the one that this program was written for.
 *
 * @throws Error that names the missing migrations and the command that applies them.
 * @throws NewerSchemaError when the database has migrations that this program does not know.
 */
export async function assertMigrated<Database>(
  database: Kysely<Database>,
  migrations: Record<string, Migration>,
): Promise<void> {
  const applied = await appliedMigrations(database);
  const unknown = applied.filter((name) => !(name in migrations));
  if (unknown.length > 0) throw newerSchema(unknown.join(', '));
  const missing = Object.keys(migrations).filter((name) => !applied.includes(name));
  if (missing.length > 0) {
    throw new Error(
      `the database lacks migrations (${missing.join(', ')}): run the service's \`db:migrate\` first`,
    );
  }
}

async function appliedMigrations<Database>(database: Kysely<Database>): Promise<string[]> {
  const { rows: tables } = await sql<{ exists: boolean }>`
    select to_regclass(${DEFAULT_MIGRATION_TABLE}) is not null as exists`.execute(database);
  if (tables[0]?.exists !== true) return [];
  const { rows } = await sql<{ name: string }>`
    select name from ${sql.table(DEFAULT_MIGRATION_TABLE)}`.execute(database);
  return rows.map((row) => row.name);
}

function asNewerSchema(error: unknown): NewerSchemaError | undefined {
  const message = error instanceof Error ? error.message : '';
  const unknown = /^corrupted migrations: .* migration (\S+) is missing$/.exec(message)?.[1];
  return message.includes('corrupted migrations') ? newerSchema(unknown ?? message) : undefined;
}

function newerSchema(what: string): NewerSchemaError {
  return new NewerSchemaError(
    `the database was migrated by a newer version (${what}): run that version, not this one`,
  );
}
