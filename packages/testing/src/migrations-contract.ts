import {
  assertMigrated,
  createKysely,
  createPool,
  type Kysely,
  type Migration,
  migrateToLatest,
  type ServiceSchema,
} from '@mini-pg/database';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from './test-database.ts';

type Migrations = Record<string, Migration>;

/** The rules that every service's migrations keep, as tests of the calling file. */
export function migrationsContract(schema: ServiceSchema, migrations: Migrations): void {
  describe(`the migrations of schema ${schema}`, () => {
    let database: TestDatabase;

    beforeAll(async () => {
      database = await createTestDatabase();
    });

    afterAll(() => database.drop());

    const connected = async <T>(work: (kysely: Kysely<unknown>) => Promise<T>): Promise<T> => {
      const pool = createPool({
        connectionString: database.urls[schema],
        applicationName: 'test-migrations',
        connectionsMax: 1,
        statementTimeoutMs: 60_000,
      });
      const kysely = createKysely<unknown>(pool);
      try {
        return await work(kysely);
      } finally {
        await kysely.destroy();
      }
    };
    const migrate = (list: Migrations = migrations) =>
      connected((kysely) => migrateToLatest(kysely, list));

    it('refuse to be run without: the missing ones are named', async () => {
      const [first] = Object.keys(migrations);
      await expect(connected((kysely) => assertMigrated(kysely, migrations))).rejects.toThrow(
        first,
      );
    });

    it('apply once when several processes start them at once on an empty database', async () => {
      const applied = await Promise.all([migrate(), migrate(), migrate(), migrate()]);
      expect(applied.flat().sort()).toEqual(Object.keys(migrations).sort());
    });

    it('do nothing the second time', async () => {
      expect(await migrate()).toEqual([]);
      await connected((kysely) => assertMigrated(kysely, migrations));
    });

    it('keep an older version from running on the schema of a newer one', async () => {
      const newer = { ...migrations, '999-newer': { up: async () => undefined } };
      expect(await migrate(newer)).toEqual(['999-newer']);
      const older = connected((kysely) => assertMigrated(kysely, migrations));
      await expect(older).rejects.toMatchObject({ name: 'NewerSchemaError' });
      await expect(migrate()).rejects.toMatchObject({ name: 'NewerSchemaError' });
    });
  });
}
