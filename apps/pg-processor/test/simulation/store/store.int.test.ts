import { createPool, type PostgresClient, type PostgresPool } from '@mini-pg/database';
import { createTestDatabase, type TestDatabase } from '@mini-pg/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { migrations } from '../../../src/db/migrations/index.ts';
import { Generator } from '../generator.ts';
import { playSeed } from '../run-history.ts';
import { World } from '../world.ts';
import type { Database, Executed, TableName, Transaction } from './database.ts';
import type { Row } from './rows.ts';

/*
 * The store of the simulation against Postgres: the statements of random histories, in the order in
 * which they were executed, by the same transactions and at the same times. Each has to give the
 * same rows or violate the same key, and in the end the tables have to be the same.
 */
const SEEDS = 25;
const FIRST_SEED = 1_000;
const TIMEOUT_MS = 120_000;
/** More than two workers ever have open. */
const CONNECTIONS_MAX = 20;

const TABLES: readonly TableName[] = [
  'attempt',
  'payment_result',
  'outcome',
  'exception',
  'source_claim',
  'cancel',
  'retry_budget',
];
/** When a row was written, and words for people: the store does not keep them. */
const NOT_KEPT = [...['created_at', 'updated_at', 'committed_at', 'opened_at', 'claimed_at']];

/** The time of the simulation in place of the server's, for statements that name no schema. */
const VIRTUAL_TIME = `
  create schema sim;
  create function sim.now() returns timestamptz language sql stable
    as $$ select current_setting('sim.now')::timestamptz $$;
  create function sim.clock_timestamp() returns timestamptz language sql stable
    as $$ select current_setting('sim.now')::timestamptz $$;
  alter table processor.operator_action alter column at set default sim.now();
  alter table processor.attempt alter column next_attempt_at set default sim.now();
  alter database %name% set search_path = sim, processor, pg_catalog`;

describe('the store of the simulation', { timeout: TIMEOUT_MS }, () => {
  let database: TestDatabase;
  let pool: PostgresPool;

  beforeAll(async () => {
    database = await createTestDatabase({ processor: migrations });
    const connectionString = database.adminUrl;
    const setup = createPool({ connectionString, applicationName: 'setup', connectionsMax: 1 });
    await setup.query(VIRTUAL_TIME.replace('%name%', database.name));
    await setup.end();
    pool = createPool({
      connectionString,
      applicationName: 'simulation',
      connectionsMax: CONNECTIONS_MAX,
    });
  });

  beforeEach(() => pool.query(`truncate ${TABLES.join(', ')}, outbox, operator_action`));

  afterAll(async () => {
    await pool?.end();
    await database?.drop();
  });

  it.each(Array.from({ length: SEEDS }, (_, index) => FIRST_SEED + index))(
    'does what Postgres does: seed %i',
    async (seed) => {
      const world = new World({ ...new Generator(seed).setting, mutant: null });
      const executed: Executed[] = [];
      world.database.executed = executed;
      const { failure } = await playSeed(seed, world);
      expect(failure).toBeNull();
      expect(executed.length).toBeGreaterThan(0);
      await repeat(executed);
      await expectSameTables(world.database);
    },
  );

  async function repeat(executed: readonly Executed[]): Promise<void> {
    const clients = new Map<Transaction, PostgresClient>();
    try {
      for (const one of executed) {
        const here = await repeatOne(clients, one);
        const names = columnsOf(here);
        const [given, wanted] = [normalOf(here, names), normalOf(one.result, names)];
        expect({ text: one.text, result: wanted }).toEqual({ text: one.text, result: given });
      }
    } finally {
      for (const client of clients.values()) client.release(new Error('left open'));
    }
  }

  async function repeatOne(
    clients: Map<Transaction, PostgresClient>,
    { transaction, text, values, atMs }: Executed,
  ): Promise<Executed['result']> {
    const client = await clientOf(clients, transaction);
    try {
      await client.query("select set_config('sim.now', $1, false)", [new Date(atMs).toISOString()]);
      const { rows } = await client.query<Row>(text, [...values]);
      return rows;
    } catch (error) {
      return { violates: (error as { constraint?: string }).constraint ?? String(error) };
    } finally {
      const isOver = transaction === null || text === 'COMMIT' || text === 'ROLLBACK';
      if (isOver) client.release();
      if (isOver && transaction !== null) clients.delete(transaction);
    }
  }

  async function clientOf(
    clients: Map<Transaction, PostgresClient>,
    transaction: Transaction | null,
  ): Promise<PostgresClient> {
    const known = transaction === null ? undefined : clients.get(transaction);
    if (known !== undefined) return known;
    const client = await pool.connect();
    if (transaction !== null) {
      clients.set(transaction, client);
      await client.query('begin');
    }
    return client;
  }

  async function expectSameTables(store: Database): Promise<void> {
    for (const table of TABLES) {
      const { rows } = await pool.query<Row>(`select * from ${table}`);
      const names = columnsOf(rows).filter((name) => !NOT_KEPT.includes(name));
      const [here, kept] = [normalOf(rows, names), normalOf(store.rows(table), names)];
      expect({ table, rows: kept }).toEqual({ table, rows: here });
    }
  }
});

/** What Postgres names; the store may give more. */
function columnsOf(result: Executed['result']): string[] {
  return 'violates' in result ? [] : Object.keys(result[0] ?? {});
}

/** In one spelling and order, whoever gave it. */
function normalOf(result: Executed['result'], names: readonly string[]): unknown {
  if ('violates' in result) return result;
  return result
    .map((row) => names.map((name) => `${name}: ${textOf(row[name])}`).sort())
    .sort((a, b) => (String(a) < String(b) ? -1 : 1));
}

function textOf(value: unknown): string {
  if (value instanceof Date) return String(value.getTime());
  if (typeof value === 'number') return String(Math.round(value));
  if (typeof value !== 'object' || value === null) return String(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify(members.map(([name, member]) => [name, textOf(member)]));
}
