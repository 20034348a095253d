import type { Kysely } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';

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
 */
export async function assertMigrated<Database>(
  database: Kysely<Database>,
  migrations: Record<string, Migration>,
): Promise<void> {
  const migrator = new Migrator({
    db: database,
    provider: { getMigrations: async () => migrations },
  });
  const known = await migrator.getMigrations().catch((error: unknown) => {
    throw asNewerSchema(error) ?? error;
  });
  const missing = known.filter((m) => m.executedAt === undefined).map((m) => m.name);
  if (missing.length > 0) {
    throw new Error(`the database lacks migrations (${missing.join(', ')}): run db:migrate first`);
  }
}

function asNewerSchema(error: unknown): NewerSchemaError | undefined {
  const message = error instanceof Error ? error.message : '';
  if (!message.includes('corrupted migrations')) return undefined;
  return new NewerSchemaError(
    `the database was migrated by a newer version: start that version (${message})`,
  );
}
