import { createClient, type PostgresSession } from './pool.ts';

/** The schemas of the one database; each is owned by the role of the service that it is for. */
export const SERVICE_SCHEMAS = ['payment', 'processor', 'settlement'] as const;
export type ServiceSchema = (typeof SERVICE_SCHEMAS)[number];

/** Who connects to the database: each service for itself, and the auditor, who may read all. */
export type DatabaseUser = ServiceSchema | 'auditor';

const DATABASE_NAME = /^[a-z][a-z0-9_]{0,47}$/;
const STATEMENT_TIMEOUT_MS = 30_000;
/** Roles belong to the whole cluster, where two that create them at once disturb each other. */
const PROVISION_LOCK = 7_246_301;

/**
 * Makes a database, its schemas and its roles with the least rights: a service's role owns its
 * schema and has nothing else, the auditor's reads everything and writes nothing but temporary
 * tables. Run again, it sets the same passwords and rights anew. Roles are named
 * `<database>_<user>`, so that databases on one cluster do not share them.
 *
 * @param adminUrl a superuser's URL on the cluster, any database
 * @returns the URL of each user on that database
 */
export async function provision(
  adminUrl: string,
  options: { database: string; passwords: Readonly<Record<DatabaseUser, string>> },
): Promise<Record<DatabaseUser, string>> {
  const { database, passwords } = options;
  checkDatabaseName(database);
  await withSession(adminUrl, async (session) => {
    await session.query('select pg_advisory_lock($1)', [PROVISION_LOCK]);
    await createDatabase(session, database);
    for (const user of [...SERVICE_SCHEMAS, 'auditor'] as const) {
      await createRole(session, database, user, passwords[user]);
    }
    // Still under the lock, which belongs to the database of this session.
    await withSession(urlOf(adminUrl, { database }), (inside) => grant(inside, database));
  });
  const url = (user: DatabaseUser): string =>
    urlOf(adminUrl, { database, user: roleOf(database, user), password: passwords[user] });
  return {
    payment: url('payment'),
    processor: url('processor'),
    settlement: url('settlement'),
    auditor: url('auditor'),
  };
}

/** Removes what `provision` made, and ends the sessions that still use it. */
export async function unprovision(adminUrl: string, database: string): Promise<void> {
  checkDatabaseName(database);
  await withSession(adminUrl, async (session) => {
    await session.query('select pg_advisory_lock($1)', [PROVISION_LOCK]);
    await session.query(`drop database if exists ${database} with (force)`);
    for (const user of [...SERVICE_SCHEMAS, 'auditor'] as const) {
      await session.query(`drop role if exists ${roleOf(database, user)}`);
    }
  });
}

/** It becomes part of statements, so nothing that would need quoting is let in. */
function checkDatabaseName(database: string): void {
  if (DATABASE_NAME.test(database)) return;
  throw new Error(`The database name ${JSON.stringify(database)} does not match ${DATABASE_NAME}.`);
}

function roleOf(database: string, user: DatabaseUser): string {
  return `${database}_${user}`;
}

async function createDatabase(session: PostgresSession, database: string): Promise<void> {
  const { rowCount } = await session.query('select from pg_database where datname = $1', [
    database,
  ]);
  if (!rowCount) await session.query(`create database ${database}`);
  await session.query(`revoke all on database ${database} from public`);
}

async function createRole(
  session: PostgresSession,
  database: string,
  user: DatabaseUser,
  password: string,
): Promise<void> {
  const role = roleOf(database, user);
  const { rowCount } = await session.query('select from pg_roles where rolname = $1', [role]);
  if (!rowCount) await session.query(`create role ${role}`);
  await session.query(
    `alter role ${role} with login noinherit nosuperuser nocreatedb nocreaterole
       password ${session.escapeLiteral(password)}`,
  );
  await session.query(`grant connect on database ${database} to ${role}`);
}

async function grant(session: PostgresSession, database: string): Promise<void> {
  await session.query('revoke all on schema public from public');
  for (const schema of SERVICE_SCHEMAS) {
    const role = roleOf(database, schema);
    await session.query(`create schema if not exists ${schema} authorization ${role}`);
    await session.query(`alter role ${role} in database ${database} set search_path = ${schema}`);
  }
  const auditor = roleOf(database, 'auditor');
  await session.query(`grant pg_read_all_data to ${auditor} with inherit true`);
  // What it compares with, such as a gateway's ledger, it keeps in tables of its own session.
  await session.query(`grant temporary on database ${database} to ${auditor}`);
  await session.query(
    `alter role ${auditor} in database ${database} set default_transaction_read_only = on`,
  );
}

async function withSession(
  connectionString: string,
  work: (session: PostgresSession) => Promise<void>,
): Promise<void> {
  const session = createClient({
    connectionString,
    applicationName: 'provision',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
  await session.connect();
  try {
    await work(session);
  } finally {
    await session.end();
  }
}

function urlOf(
  base: string,
  parts: { database: string; user?: string; password?: string },
): string {
  const url = new URL(base);
  url.pathname = `/${parts.database}`;
  if (parts.user !== undefined) url.username = parts.user;
  if (parts.password !== undefined) url.password = encodeURIComponent(parts.password);
  return url.href;
}
