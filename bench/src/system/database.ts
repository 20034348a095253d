import { createPool, type PostgresPool } from '@mini-pg/database';
import type { System } from '@mini-pg/local-stack';

const STATEMENT_TIMEOUT_MS = 600_000;
const CONNECTIONS_MAX = 2;

/** The database of a system, as a superuser: benches seed it, look at it and empty it. */
export function openDatabase(system: System): PostgresPool {
  const url = new URL(system.stack.postgresUrl);
  url.pathname = `/${system.isolation.database}`;
  return createPool({
    connectionString: url.href,
    applicationName: 'bench',
    connectionsMax: CONNECTIONS_MAX,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
}

/** Rows that wait in an outbox. */
export async function outboxDepth(
  database: PostgresPool,
  schema: 'payment' | 'processor' | 'settlement',
): Promise<number> {
  const { rows } = await database.query<{ count: number }>(
    `select count(*)::int as count from ${schema}.outbox`,
  );
  return rows[0]?.count ?? 0;
}

const PAYMENT_TABLES = [
  'payment',
  'payment_open',
  'payment_fact',
  'payment_progress',
  'payment_reserve',
  'cancel_open',
  'parked_event',
  'idempotency_key',
];

/**
 * Takes every payment away and leaves the merchants: each run begins with the same tables. Another
 * commit may not have all of them.
 */
export async function emptyPayments(database: PostgresPool): Promise<void> {
  const { rows } = await database.query<{ name: string }>(
    `select format('payment.%I', tablename) as name from pg_tables
     where schemaname = 'payment' and tablename = any ($1)`,
    [PAYMENT_TABLES],
  );
  await database.query(`truncate ${rows.map(({ name }) => name).join(', ')}`);
}
