import { EVENT_SCHEMAS } from '@mini-pg/domain';
import { Gauge } from '@mini-pg/runtime';
import { createTestDatabase, type TestDatabase } from '@mini-pg/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  merchant,
  pay,
  startInstance,
  type TestInstance,
  uniquePrefix,
} from '../../test/support/intake-fixture.ts';
import { migrations } from '../db/migrations/index.ts';
import { reEmitOpen } from './re-emitter.ts';

const START = Date.now();
const MINUTE_MS = 60_000;

let database: TestDatabase;
let instance: TestInstance;
const exhausted = new Gauge({ name: 'exhausted', help: 'test', registers: [] });

const reEmitAt = (minutes: number) =>
  reEmitOpen({
    pool: instance.pool,
    clock: { now: () => new Date(START + minutes * MINUTE_MS) },
    exhausted,
  });

const outbox = async () => {
  const { rows } = await instance.pool.query<{
    event_id: string;
    key: string;
    headers: object;
    payload: string;
  }>('select event_id, key, headers, payload from outbox order by seq');
  return rows;
};

beforeAll(async () => {
  database = await createTestDatabase({ payment: migrations });
  instance = startInstance({ database, prefix: uniquePrefix() });
});

beforeEach(async () => {
  await instance.pool.query('delete from payment_open');
  await instance.pool.query('delete from outbox');
});

afterAll(async () => {
  await instance.stop();
  await database.drop();
});

describe('a payment without an outcome', () => {
  it('is announced again after 2 minutes, with the same event, key and trace', async () => {
    await pay(instance, { principal: merchant() });
    expect(await reEmitAt(1.9)).toBe(0);
    expect(await reEmitAt(2.1)).toBe(1);
    const [first, again] = await outbox();
    expect(again).toMatchObject({
      event_id: first?.event_id,
      key: first?.key,
      headers: first?.headers,
    });
    const event = EVENT_SCHEMAS['payment.requested'].parse(JSON.parse(again?.payload ?? ''));
    expect(event).toEqual(JSON.parse(first?.payload ?? ''));
  });

  it('is announced every 5 minutes from then on', async () => {
    await pay(instance, { principal: merchant() });
    expect(await reEmitAt(2.1)).toBe(1);
    expect(await reEmitAt(7)).toBe(0);
    expect(await reEmitAt(7.2)).toBe(1);
  });

  it('is announced 300 times at most, and then alerts', async () => {
    const { paymentId } = await pay(instance, { principal: merchant() });
    await instance.pool.query('update payment_open set emits = 299 where payment_id = $1', [
      paymentId,
    ]);
    expect(await reEmitAt(2.1)).toBe(1);
    expect(await reEmitAt(60)).toBe(0);
    expect((await exhausted.get()).values[0]?.value).toBe(1);
  });

  it('is announced by one of two instances that look at the same moment', async () => {
    await Promise.all(Array.from({ length: 30 }, () => pay(instance, { principal: merchant() })));
    const counts = await Promise.all([reEmitAt(3), reEmitAt(3), reEmitAt(3)]);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(30);
  });
});
