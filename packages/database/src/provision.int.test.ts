import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient, type PostgresSession } from './pool.ts';
import { type DatabaseUser, provision, unprovision } from './provision.ts';

const ADMIN_URL = process.env.STACK_POSTGRES_URL ?? '';
const database = `test_${randomUUID().replaceAll('-', '')}`;
const passwords = {
  payment: 'p@y/ment',
  processor: "proc'essor",
  settlement: 'settlement',
  auditor: 'auditor',
};

let urls: Record<DatabaseUser, string>;

beforeAll(async () => {
  // Several at once: all have to find the same end.
  const once = () => provision(ADMIN_URL, { database, passwords });
  [urls] = await Promise.all([once(), once(), once(), once()]);
  await as(
    'payment',
    'create table receipt (id int primary key)',
    'insert into receipt values (1)',
  );
});

afterAll(() => unprovision(ADMIN_URL, database));

describe('the role of a service', () => {
  it('works in its own schema without naming it', async () => {
    expect(await as('payment', 'select * from receipt')).toEqual([{ id: 1 }]);
  });

  it.each([
    ['read the schema of another', 'processor', 'select * from payment.receipt'],
    ['create in the schema of another', 'processor', 'create table payment.other (id int)'],
    ['create in the public schema', 'settlement', 'create table public.other (id int)'],
    ['create a schema', 'settlement', 'create schema other'],
    ['create a temporary table', 'settlement', 'create temporary table other (id int)'],
    ['become another role', 'payment', `set role ${database}_processor`],
  ] as const)('cannot %s', async (_, user, statement) => {
    await expect(as(user, statement)).rejects.toThrow(/permission denied/);
  });
});

describe('the role of the auditor', () => {
  it('reads the schema of a service', async () => {
    expect(await as('auditor', 'select * from payment.receipt')).toEqual([{ id: 1 }]);
  });

  it('opens read-only transactions', async () => {
    await expect(as('auditor', 'insert into payment.receipt values (2)')).rejects.toThrow(
      'read-only transaction',
    );
  });

  it('makes temporary tables and fills them in a transaction that only reads', async () => {
    const statements = [
      'begin read write',
      'create temporary table other (id int)',
      'commit',
      'begin read only',
      'insert into pg_temp.other values (3)',
      'select * from pg_temp.other',
    ];
    expect(await as('auditor', ...statements)).toEqual([{ id: 3 }]);
  });

  it('has no right to write even when it asks for a transaction that may', async () => {
    const statements = ['set default_transaction_read_only = off', 'delete from payment.receipt'];
    await expect(as('auditor', ...statements)).rejects.toThrow(/permission denied/);
  });
});

describe('the name of a database', () => {
  it('is refused when it would need quoting', async () => {
    await expect(provision(ADMIN_URL, { database: 'a"b', passwords })).rejects.toThrow(
      'does not match',
    );
  });
});

async function as(user: DatabaseUser, ...statements: string[]): Promise<object[]> {
  const session: PostgresSession = createClient({
    connectionString: urls[user],
    applicationName: 'provision-test',
  });
  await session.connect();
  try {
    let rows: object[] = [];
    for (const statement of statements) rows = (await session.query(statement)).rows;
    return rows;
  } finally {
    await session.end();
  }
}
