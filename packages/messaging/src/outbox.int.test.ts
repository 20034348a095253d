import { inTransaction, type PostgresPool } from '@mini-pg/database';
import { newId } from '@mini-pg/runtime';
import { createTestDatabase, type TestDatabase } from '@mini-pg/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { merchantUpdated, OUTBOX_MIGRATIONS, openPool } from '../test/support.ts';
import { insertOutbox, type OutboxRow, toOutboxRow } from './outbox.ts';

const TRACEPARENT = '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01';
let database: TestDatabase;
let pool: PostgresPool;

beforeAll(async () => {
  database = await createTestDatabase({ payment: OUTBOX_MIGRATIONS });
  pool = openPool(database.urls.payment);
});

afterEach(() => pool.query('delete from outbox'));

afterAll(async () => {
  await pool.end();
  await database.drop();
});

async function stored() {
  const { rows } = await pool.query('select * from outbox order by seq');
  return rows;
}

describe('rows of an outbox', () => {
  it('are stored as they will be sent', async () => {
    const event = merchantUpdated(`quotes " and \\ and 한글 and {braces, "in"} and null`);
    const merchantId = event.data.merchantId;
    await insertOutbox(pool, [toOutboxRow(event, { key: merchantId, traceparent: TRACEPARENT })]);
    expect(await stored()).toMatchObject([
      {
        event_id: event.id,
        topic: 'merchant.updated',
        key: merchantId,
        headers: { traceparent: TRACEPARENT },
        payload: JSON.stringify(event),
      },
    ]);
  });

  it('get their seq in the order in which they are given', async () => {
    const names = Array.from({ length: 300 }, (_, index) => `n${(index * 7) % 300}`);
    await insertOutbox(
      pool,
      names.map((name) => toOutboxRow(merchantUpdated(name), { key: name })),
    );
    expect((await stored()).map(({ key }) => key)).toEqual(names);
  });

  it('have no headers when there is no trace', () => {
    const row = toOutboxRow(merchantUpdated('x'), { key: 'k', traceparent: undefined });
    expect(row.headers).toEqual({});
  });

  it('are not there when their transaction was undone', async () => {
    const row = toOutboxRow(merchantUpdated('x'), { key: 'k' });
    const undone = inTransaction(pool, async (client) => {
      await insertOutbox(client, [row]);
      throw new Error('undone');
    });
    await expect(undone).rejects.toThrow('undone');
    expect(await stored()).toEqual([]);
  });

  it('may be none', async () => {
    await insertOutbox(pool, []);
    expect(await stored()).toEqual([]);
  });

  it('are all there or none of them', async () => {
    const good = toOutboxRow(merchantUpdated('x'), { key: 'k' });
    const bad: OutboxRow = { ...good, eventId: 'no uuid' };
    await expect(insertOutbox(pool, [good, bad])).rejects.toThrow('invalid input syntax');
    expect(await stored()).toEqual([]);
  });

  it('can be written by the statement that writes the business row', async () => {
    await pool.query(
      'insert into outbox (event_id, topic, key, headers, payload) values ($1, $2, $3, $4, $5)',
      [newId(), 'merchant.updated', 'k', {}, '{}'],
    );
    expect(await stored()).toHaveLength(1);
  });
});

describe('the tables of an outbox', () => {
  it('are vacuumed by count, since their rows live for milliseconds', async () => {
    const { rows } = await pool.query<{ reloptions: string[] }>(
      "select reloptions from pg_class where relname = 'outbox'",
    );
    expect(rows[0]?.reloptions).toEqual(
      expect.arrayContaining([
        'autovacuum_vacuum_scale_factor=0',
        'autovacuum_vacuum_threshold=2000',
        'autovacuum_vacuum_cost_delay=0',
      ]),
    );
  });
});
