import { Counter, Gauge } from '@mini-pg/runtime';
import { createTestDatabase, type TestDatabase, waitFor } from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  merchant,
  pay,
  startInstance,
  type TestInstance,
  testLogger,
  uniquePrefix,
} from '../../test/support/intake-fixture.ts';
import { completed, failed, settled } from '../../test/support/outcomes.ts';
import { migrations } from '../db/migrations/index.ts';
import { readPayment } from '../payments/repository.ts';
import { renderPayment } from '../payments/view.ts';
import type { Delivered } from './delivered.ts';
import { projectDelivered } from './outcomes.ts';
import { retryParked } from './parked-events.ts';

let database: TestDatabase;
let instance: TestInstance;
const prefix = uniquePrefix();
const parkedTotal = new Counter({ name: 'parked_total', help: 'test', registers: [] });
const parked = new Gauge({ name: 'parked', help: 'test', registers: [] });

const valueIn = async (metric: Counter | Gauge) => (await metric.get()).values[0]?.value;

const projection = () => ({
  pool: instance.pool,
  cache: instance.cache,
  waiters: instance.waiters,
  parkedTotal,
});

const project = (...delivered: Delivered[]) => projectDelivered(projection(), delivered);

const newPayment = async () => JSON.parse((await pay(instance, { principal: merchant() })).body);

const read = async (id: string) => {
  const payment = await readPayment(instance.pool, id);
  return payment === null ? null : renderPayment(payment, payment.facts);
};

beforeAll(async () => {
  database = await createTestDatabase({ payment: migrations });
  instance = startInstance({ database, prefix });
  await waitFor(async () => (await instance.redis.run((c) => c.ping())) === 'PONG', {
    what: 'Redis',
  });
});

afterAll(async () => {
  await instance.stop();
  await database.drop();
});

describe('the projection of outcomes', () => {
  it('makes a payment APPROVED, with what the PG said of it', async () => {
    const payment = await newPayment();
    await project(completed(payment));
    expect(await read(payment.id)).toMatchObject({
      status: 'APPROVED',
      version: 2,
      balanceAmount: payment.amount,
      pgTransactionId: `tx-${payment.id}`,
      methodDetail: { approveNo: '00000000' },
      approvedAt: '2026-03-31T05:00:00.000Z',
    });
  });

  it('makes a payment FAILED, frees its order and closes its open marker', async () => {
    const payment = await newPayment();
    await project(failed(payment));
    expect(await read(payment.id)).toMatchObject({
      status: 'FAILED',
      version: 2,
      balanceAmount: 0,
      failure: { code: 'CARD_DECLINED' },
    });
    const { rows } = await instance.pool.query(
      `select (select live_order_id from idempotency_key where resource = $1) as live,
              (select count(*)::int from payment_open where payment_id = $1) as open`,
      [payment.id],
    );
    expect(rows).toEqual([{ live: null, open: 0 }]);
  });

  it('does nothing new when an event comes again, but refreshes the cache', async () => {
    const payment = await newPayment();
    const event = completed(payment);
    await project(event);
    await instance.redis.run((client) => client.del(`${prefix}payment:${payment.id}`));
    expect(await instance.cache.read(payment.id)).toBeUndefined();
    await project(event, event);
    await project(event);
    expect(await read(payment.id)).toMatchObject({ status: 'APPROVED', version: 2 });
    expect((await instance.cache.read(payment.id))?.version).toBe(2);
  });

  it('comes to the same end when the settlement is heard of before the approval', async () => {
    const payment = await newPayment();
    await project(settled(payment));
    expect(await read(payment.id)).toMatchObject({ status: 'REQUESTED', version: 2 });
    await project(completed(payment));
    expect(await read(payment.id)).toMatchObject({
      status: 'SETTLED',
      version: 3,
      settledAt: '2026-03-31T05:00:00.000Z',
    });
  });

  it('takes a batch of many payments and several facts of one', async () => {
    const payments = await Promise.all(Array.from({ length: 40 }, newPayment));
    await project(
      ...payments.map((payment) => settled(payment)),
      ...payments.map((payment) => completed(payment)),
    );
    const views = await Promise.all(payments.map((payment) => read(payment.id)));
    expect(new Set(views.map((view) => `${view?.status} ${view?.version}`))).toEqual(
      new Set(['SETTLED 3']),
    );
  });

  it('refuses an approval of another amount as poison and stores nothing of it', async () => {
    const payment = await newPayment();
    await expect(project(completed(payment, { amount: payment.amount + 1 }))).rejects.toMatchObject(
      {
        name: 'PoisonError',
      },
    );
    expect(await read(payment.id)).toMatchObject({ status: 'REQUESTED', version: 1 });
  });

  it('parks what it hears of an unknown payment and projects it once the payment is there', async () => {
    const payment = await newPayment();
    const hidden = await hide(payment.id);
    const event = failed(payment);
    await project(event);
    expect(await valueIn(parkedTotal)).toBe(1);
    const retry = () =>
      retryParked({
        pool: instance.pool,
        project: (delivered) => projectDelivered(projection(), delivered),
        gauge: parked,
        logger: testLogger,
      });
    await retry();
    expect(await valueIn(parked)).toBe(1);
    await hidden.restore();
    await instance.pool.query('update parked_event set next_try_at = now()');
    await retry();
    expect(await read(payment.id)).toMatchObject({ status: 'FAILED' });
    const { rows } = await instance.pool.query('select 1 from parked_event');
    expect(rows).toHaveLength(0);
  });
});

/** Takes the payment's row away, as if it had never been heard of. */
async function hide(id: string): Promise<{ restore(): Promise<void> }> {
  const { pool } = instance;
  await pool.query('create table hidden as select * from payment where id = $1', [id]);
  await pool.query('delete from payment where id = $1', [id]);
  return {
    restore: async () => {
      await pool.query('insert into payment select * from hidden');
      await pool.query('drop table hidden');
    },
  };
}
