import { randomBytes } from 'node:crypto';
import {
  createKysely,
  createPool,
  type DatabaseUser,
  type Migration,
  migrateToLatest,
  provision,
  type ServiceSchema,
  unprovision,
} from '@mini-pg/database';
import { testStack } from './stack.ts';

/** A database of one test file: provisioned like a real one, with the migrations asked for. */
export interface TestDatabase {
  readonly name: string;
  /** The URL of each user: the services' roles and the auditor. */
  readonly urls: Record<DatabaseUser, string>;
  /** A superuser's URL on this database. */
  readonly adminUrl: string;
  drop(): Promise<void>;
}

const PASSWORD = 'test';

export async function createTestDatabase(
  migrations: Partial<Record<ServiceSchema, Record<string, Migration>>> = {},
): Promise<TestDatabase> {
  const admin = testStack().postgresUrl;
  const name = `test_${randomBytes(8).toString('hex')}`;
  const passwords = {
    payment: PASSWORD,
    processor: PASSWORD,
    settlement: PASSWORD,
    auditor: PASSWORD,
  };
  const urls = await provision(admin, { database: name, passwords });
  for (const [schema, list] of Object.entries(migrations)) {
    const pool = createPool({
      connectionString: urls[schema as ServiceSchema],
      applicationName: 'test-migrate',
      connectionsMax: 1,
      statementTimeoutMs: 60_000,
    });
    const database = createKysely<unknown>(pool);
    await migrateToLatest(database, list);
    await database.destroy();
  }
  const adminUrl = new URL(admin);
  adminUrl.pathname = `/${name}`;
  return { name, urls, adminUrl: adminUrl.href, drop: () => unprovision(admin, name) };
}
