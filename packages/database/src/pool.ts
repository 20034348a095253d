import { Kysely, PostgresDialect } from 'kysely';
import postgres from 'pg';

export type PostgresPool = postgres.Pool;
export type PostgresClient = postgres.PoolClient;

/** The part of a pool or client that a statement needs. */
export interface Queryable {
  query<Row extends object = Record<string, unknown>>(
    query: string | { name?: string; text: string; values?: unknown[] },
    values?: unknown[],
  ): Promise<{ rows: Row[]; rowCount: number | null }>;
}

export interface PoolOptions {
  readonly connectionString: string;
  readonly applicationName: string;
  readonly connectionsMax?: number;
  readonly statementTimeoutMs?: number;
  /** Errors of idle connections, such as a restarted server; the pool replaces them by itself. */
  readonly onError?: (error: Error) => void;
}

const CONNECTIONS_MAX = 8;
const STATEMENT_TIMEOUT_MS = 5_000;
const LOCK_TIMEOUT_MS = 1_000;
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 3_000;
const QUERY_TIMEOUT_GRACE_MS = 2_000;

/** Money must not pass through a double: int8 becomes bigint. A date has no time zone: it stays text. */
const types = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (oid === postgres.types.builtins.INT8) return BigInt;
    if (oid === postgres.types.builtins.DATE) return (text: string) => text;
    return postgres.types.getTypeParser(oid, format as 'text');
  },
} as postgres.CustomTypesConfig;

/**
 * A pool of connections with every timeout set. A statement of an unknown end (connection lost,
 * client timeout) rejects; the caller reads again before it believes anything.
 */
export function createPool(options: PoolOptions): PostgresPool {
  const statementTimeoutMs = options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS;
  const pool = new postgres.Pool({
    connectionString: options.connectionString,
    application_name: options.applicationName,
    max: options.connectionsMax ?? CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + QUERY_TIMEOUT_GRACE_MS,
    lock_timeout: LOCK_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    keepAlive: true,
    types,
  });
  pool.on('error', (error) => options.onError?.(error));
  // A server that stops says so outside any statement too. On a connection that is in use nobody
  // else listens, and an error that nobody hears ends the process; its next statement rejects.
  pool.on('connect', (client) => client.on('error', () => {}));
  return pool;
}

/** Typed queries over a pool. Statements on the hot path go to the pool itself, by name. */
export function createKysely<Database>(pool: PostgresPool): Kysely<Database> {
  return new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
}

/** A connection outside any pool, for a session that holds an advisory lock. */
export function createClient(options: {
  connectionString: string;
  applicationName: string;
  statementTimeoutMs?: number;
}): postgres.Client {
  const statementTimeoutMs = options.statementTimeoutMs ?? STATEMENT_TIMEOUT_MS;
  return new postgres.Client({
    connectionString: options.connectionString,
    application_name: options.applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + QUERY_TIMEOUT_GRACE_MS,
    keepAlive: true,
    types,
  });
}

export type PostgresSession = postgres.Client;
