import { execFile } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createPool, type PostgresPool, type ServiceSchema } from '@mini-pg/database';
import { createTestDatabase, type TestDatabase, testStack } from '@mini-pg/testing';

/** Which app owns which schema. Apps are run, never imported. */
const OWNERS: Record<ServiceSchema, string> = {
  payment: 'payment-api',
  processor: 'pg-processor',
  settlement: 'settlement-worker',
};

const MIGRATE_TIMEOUT_MS = 60_000;
const run = promisify(execFile);

/** A database with every schema, and copies of it, each made in a fraction of a second. */
export interface MigratedDatabase {
  /** A copy, to be broken by one test. */
  copy(): Promise<DatabaseCopy>;
  drop(): Promise<void>;
}

export interface DatabaseCopy {
  /** Of the auditor's role. */
  readonly auditorUrl: string;
  /** A superuser's statements. */
  readonly pool: PostgresPool;
  drop(): Promise<void>;
}

/** Makes a database and migrates all its schemas by the apps' own commands; `fill` adds rows. */
export async function createMigratedDatabase(
  fill: (pool: PostgresPool) => Promise<void>,
): Promise<MigratedDatabase> {
  const database = await createTestDatabase();
  const schemas = Object.keys(OWNERS) as ServiceSchema[];
  await Promise.all(schemas.map((schema) => migrate(schema, database)));
  await withPool(database.adminUrl, fill);
  let copies = 0;
  return {
    copy: () => {
      copies += 1;
      return copyOf(database, `${database.name}_${copies}`);
    },
    drop: () => database.drop(),
  };
}

async function migrate(schema: ServiceSchema, database: TestDatabase): Promise<void> {
  const program = new URL(`../../apps/${OWNERS[schema]}/dist/migrate.js`, import.meta.url);
  await run(process.execPath, [fileURLToPath(program)], {
    timeout: MIGRATE_TIMEOUT_MS,
    env: {
      PATH: process.env.PATH,
      DATABASE_URL: database.urls[schema],
      KAFKA_BROKERS: testStack().kafkaBrokers,
      TOPIC_PREFIX: `${randomBytes(4).toString('hex')}.`,
      ...newSecrets(),
    },
  });
}

/** What some of the migrate commands read besides; nothing is sealed or signed with it. */
function newSecrets(): Record<string, string> {
  const { publicKey } = generateKeyPairSync('ed25519');
  return {
    OPERATOR_PUBLIC_KEY: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    SEAL_KEYS: `test:${randomBytes(32).toString('base64')}`,
  };
}

async function copyOf(base: TestDatabase, name: string): Promise<DatabaseCopy> {
  await withPool(testStack().postgresUrl, (pool) =>
    pool.query(`create database ${name} template ${base.name}`),
  );
  const pool = createPool({
    connectionString: at(base.adminUrl, name),
    applicationName: 'e2e-plant',
    connectionsMax: 1,
  });
  return {
    auditorUrl: at(base.urls.auditor, name),
    pool,
    async drop() {
      await pool.end();
      await withPool(testStack().postgresUrl, (admin) =>
        admin.query(`drop database ${name} with (force)`),
      );
    },
  };
}

async function withPool<T>(
  connectionString: string,
  work: (pool: PostgresPool) => Promise<T>,
): Promise<T> {
  const pool = createPool({
    connectionString,
    applicationName: 'e2e-prepare',
    connectionsMax: 1,
    statementTimeoutMs: 60_000,
  });
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
}

function at(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${database}`;
  return other.href;
}
