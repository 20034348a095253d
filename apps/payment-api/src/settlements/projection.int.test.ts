import { createPool, type PostgresPool } from '@mini-pg/database';
import { PoisonError } from '@mini-pg/messaging';
import { newId, Registry } from '@mini-pg/runtime';
import { createTestDatabase, type TestDatabase } from '@mini-pg/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testLogger } from '../../test/support/intake-fixture.ts';
import { item, type Statement, statement } from '../../test/support/settlements.ts';
import { migrations } from '../db/migrations/index.ts';
import { createSettlementProjection, type ProjectSettlements } from './projection.ts';

let database: TestDatabase;
let pool: PostgresPool;
let registry: Registry;
let project: ProjectSettlements;

beforeAll(async () => {
  database = await createTestDatabase({ payment: migrations });
  pool = createPool({ connectionString: database.urls.payment, applicationName: 'test' });
  registry = new Registry();
  project = createSettlementProjection({ pool, logger: testLogger, registry });
});

afterAll(async () => {
  await pool.end();
  await database.drop();
});

const given = (options: Partial<Parameters<typeof statement>[0]> = {}) =>
  statement({ merchantId: newId(), ...options });

async function isComplete({ id }: Statement): Promise<boolean> {
  const { rows } = await pool.query<{ complete: boolean }>(
    'select complete_at is not null as complete from settlement where id = $1',
    [id],
  );
  return rows[0]?.complete ?? false;
}

async function storedIds({ id }: Statement): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    'select id from settlement_item where settlement_id = $1 order by id',
    [id],
  );
  return rows.map((row) => row.id);
}

async function mismatches(): Promise<number> {
  const metric = await registry.getSingleMetric('settlement_mismatches_total')?.get();
  return metric?.values[0]?.value ?? 0;
}

describe('a statement', () => {
  it('is complete when its close and all its lines have come', async () => {
    const it = given({ count: 5 });
    const mismatchesBefore = await mismatches();
    await project([it.closed]);
    expect(await isComplete(it)).toBe(false);
    await project(it.parts.slice(0, 2));
    expect(await isComplete(it)).toBe(false);
    await project(it.parts.slice(2));
    expect(await isComplete(it)).toBe(true);
    expect(await storedIds(it)).toEqual(it.items.map(({ id }) => id));
    expect(await mismatches()).toBe(mismatchesBefore);
  });

  it('is not known before its close, however many lines have come', async () => {
    const it = given();
    await project(it.parts);
    expect(await isComplete(it)).toBe(false);
    await project([it.closed]);
    expect(await isComplete(it)).toBe(true);
  });

  it('comes to the same in any order, any batches and any number of deliveries', async () => {
    const shuffled = fc.uint8Array({ minLength: 8, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(shuffled, fc.integer({ min: 1, max: 8 }), async (picks, batchSize) => {
        const it = given({ count: 7 });
        const events = [it.closed, ...it.parts];
        const order = [...picks].map((pick) => events[pick % events.length] ?? it.closed);
        const delivered = [...order, ...events];
        for (let at = 0; at < delivered.length; at += batchSize) {
          await project(delivered.slice(at, at + batchSize));
        }
        expect(await isComplete(it)).toBe(true);
        expect(await storedIds(it)).toEqual(it.items.map(({ id }) => id));
      }),
      { numRuns: 20 },
    );
  });

  it('keeps the moment at which it was complete when all comes again', async () => {
    const it = given();
    await project([it.closed, ...it.parts]);
    const moment = async () =>
      (await pool.query('select complete_at from settlement where id = $1', [it.id])).rows;
    const before = await moment();
    await project([...it.parts, it.closed]);
    expect(await moment()).toEqual(before);
  });

  it('is complete when two instances store its parts at once', async () => {
    for (let round = 0; round < 10; round += 1) {
      const it = given({ count: 6 });
      await Promise.all([project([it.closed]), project(it.parts)]);
      expect(await isComplete(it)).toBe(true);
    }
  });

  it('of thousands of lines is hashed in the order of its ids', async () => {
    const it = given({ count: 2_500, perPart: 500 });
    await project([...it.parts.reverse(), it.closed]);
    expect(await isComplete(it)).toBe(true);
  });
});

describe('lines that are not those that were closed', () => {
  it('leave the statement incomplete and count as a mismatch', async () => {
    const it = given({ count: 2 });
    const before = await mismatches();
    const other = given({ count: 1, items: [{ ...item(0), amount: 99, net: 99, fee: 0, vat: 0 }] });
    const wrong = structuredClone(it.parts[0]);
    if (wrong?.topic !== 'settlement.items' || other.parts[0]?.topic !== 'settlement.items') {
      throw new Error('not a part');
    }
    wrong.event.data.items.splice(0, 1, ...other.parts[0].event.data.items);
    await project([it.closed, wrong]);
    expect(await isComplete(it)).toBe(false);
    expect(await mismatches()).toBe(before + 1);
  });

  it('of a close that comes again with other sums is a dead letter and changes nothing', async () => {
    const it = given();
    await project([it.closed, ...it.parts]);
    const changed = structuredClone(it.closed);
    if (changed.topic !== 'settlement.closed') throw new Error('not a close');
    Object.assign(changed.event.data, { itemsHash: 'other' });
    await expect(project([changed])).rejects.toThrow(PoisonError);
    expect(await isComplete(it)).toBe(true);
  });

  it('of a close whose sums do not add up are refused as a whole', async () => {
    const it = given();
    const wrong = structuredClone(it.closed);
    if (wrong.topic !== 'settlement.closed') throw new Error('not a close');
    Object.assign(wrong.event.data, { net: wrong.event.data.net + 1 });
    await expect(project([...it.parts, wrong])).rejects.toThrow('settlement_sum');
    expect(await storedIds(it)).toEqual([]);
  });
});
