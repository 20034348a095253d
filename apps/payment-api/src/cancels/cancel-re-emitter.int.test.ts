import { Gauge } from '@mini-pg/runtime';
import { createTestDatabase, type TestDatabase } from '@mini-pg/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  cancel,
  merchant,
  pay,
  startInstance,
  type TestInstance,
  uniquePrefix,
} from '../../test/support/intake-fixture.ts';
import { cancelFailed } from '../../test/support/outcomes.ts';
import { migrations } from '../db/migrations/index.ts';
import { projectDelivered } from '../projection/outcomes.ts';
import { reEmitOpenCancels } from './cancel-re-emitter.ts';

const START = Date.now();
const MINUTE_MS = 60_000;

let database: TestDatabase;
let instance: TestInstance;
const exhausted = new Gauge({ name: 'exhausted', help: 'test', registers: [] });

const reEmitAt = (minutes: number) =>
  reEmitOpenCancels({
    pool: instance.pool,
    clock: { now: () => new Date(START + minutes * MINUTE_MS) },
    exhausted,
  });

const outbox = async () => {
  const { rows } = await instance.pool.query(
    `select event_id, key, headers, payload from outbox
     where topic = 'payment.cancel-requested' order by seq`,
  );
  return rows;
};

async function askForCancel() {
  const author = merchant();
  const { paymentId, body } = await pay(instance, { principal: author });
  const { resource } = await cancel(instance, { author, paymentId });
  return { cancelId: resource, payment: JSON.parse(body) };
}

beforeAll(async () => {
  database = await createTestDatabase({ payment: migrations });
  instance = startInstance({ database, prefix: uniquePrefix() });
});

beforeEach(async () => {
  await instance.pool.query('delete from cancel_open');
  await instance.pool.query('delete from outbox');
});

afterAll(async () => {
  await instance.stop();
  await database.drop();
});

describe('a cancel without an outcome', () => {
  it('is asked for again after 2 minutes, with the same event, key and trace', async () => {
    await askForCancel();
    expect(await reEmitAt(1.9)).toBe(0);
    expect(await reEmitAt(2.1)).toBe(1);
    const [first, again] = await outbox();
    expect(again).toEqual(first);
  });

  it('is asked for every 5 minutes from then on', async () => {
    await askForCancel();
    expect(await reEmitAt(2.1)).toBe(1);
    expect(await reEmitAt(7)).toBe(0);
    expect(await reEmitAt(7.2)).toBe(1);
  });

  it('is asked for 300 times at most, and then alerts', async () => {
    const { cancelId } = await askForCancel();
    await instance.pool.query('update cancel_open set emits = 299 where cancel_id = $1', [
      cancelId,
    ]);
    expect(await reEmitAt(2.1)).toBe(1);
    expect(await reEmitAt(60)).toBe(0);
    expect((await exhausted.get()).values[0]?.value).toBe(1);
  });

  it('is asked for by one of two instances that look at the same moment', async () => {
    await Promise.all(Array.from({ length: 30 }, askForCancel));
    const counts = await Promise.all([reEmitAt(3), reEmitAt(3), reEmitAt(3)]);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(30);
  });
});

describe('a cancel with an outcome', () => {
  it('is not asked for again', async () => {
    const { cancelId, payment } = await askForCancel();
    const { pool, cache, waiters } = instance;
    const parkedTotal = { inc: () => undefined } as never;
    await projectDelivered({ pool, cache, waiters, parkedTotal }, [
      cancelFailed(payment, cancelId),
    ]);
    expect(await reEmitAt(3)).toBe(0);
  });
});
