import { newId } from '@mini-pg/runtime';
import { createTestDatabase, type TestDatabase, waitFor } from '@mini-pg/testing';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bodyOf,
  merchant,
  pay,
  STOPPED_REDIS_URL,
  startInstance,
  TEST_PROFILE,
  type TestInstance,
  uniqueOrder,
  uniquePrefix,
} from '../../test/support/intake-fixture.ts';
import { completed, failed } from '../../test/support/outcomes.ts';
import { migrations } from '../db/migrations/index.ts';
import { projectDelivered } from '../projection/outcomes.ts';
import type { IntakeAnswer } from './intake.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase({ payment: migrations });
});

afterAll(() => database.drop());

const counter = { inc: () => undefined } as never;

async function project(instance: TestInstance, delivered: Parameters<typeof projectDelivered>[1]) {
  const { pool, cache, waiters } = instance;
  await projectDelivered({ pool, cache, waiters, parkedTotal: counter }, delivered);
}

const paymentOf = (answer: IntakeAnswer) => JSON.parse(answer.body);

describe.each([
  ['Redis running', undefined],
  ['Redis stopped', STOPPED_REDIS_URL],
])('the intake of two instances with %s', (_state, redisUrl) => {
  let one: TestInstance;
  let two: TestInstance;

  beforeAll(async () => {
    const prefix = uniquePrefix();
    const url = redisUrl === undefined ? {} : { redisUrl };
    one = startInstance({ database, prefix, ...url });
    two = startInstance({ database, prefix, ...url });
    if (redisUrl === undefined) {
      await waitFor(async () => (await one.redis.run((c) => c.ping())) === 'PONG', {
        what: 'Redis',
      });
      await waitFor(async () => (await two.redis.run((c) => c.ping())) === 'PONG', {
        what: 'Redis',
      });
    }
  });

  afterAll(() => Promise.all([one.stop(), two.stop()]));

  it('stores a payment with its key, its open marker and its event', async () => {
    const principal = merchant();
    const answer = await pay(one, { principal });
    expect(answer).toMatchObject({ status: 202, replayed: false });
    expect(paymentOf(answer)).toMatchObject({ status: 'REQUESTED', version: 1, balanceAmount: 0 });
    const { rows } = await one.pool.query(
      `select (select count(*) from payment where id = $1)::int as payments,
              (select count(*) from idempotency_key where resource = $1)::int as keys,
              (select count(*) from payment_open where payment_id = $1)::int as open,
              (select count(*) from outbox where key = $2 and topic = 'payment.requested')::int as events`,
      [answer.paymentId, answer.paymentId],
    );
    expect(rows).toEqual([{ payments: 1, keys: 1, open: 1, events: 1 }]);
  });

  it('writes no secret and no personal data in the clear', async () => {
    const body = bodyOf(uniqueOrder(), { customer: { name: 'Hong Gildong' } });
    const answer = await pay(one, { principal: merchant(), body });
    const { rows } = await one.pool.query<{ stored: string }>(
      `select concat(p.source, p.customer, o.payload) as stored
       from payment p join outbox o on o.key = p.id::text where p.id = $1`,
      [answer.paymentId],
    );
    expect(rows[0]?.stored).toContain('kid');
    expect(rows[0]?.stored).not.toMatch(/Hong|key-order/);
  });

  it('answers a repeat with the first answer, on either instance', async () => {
    const request = { principal: merchant(), key: newId(), body: bodyOf(uniqueOrder()) };
    const first = await pay(one, request);
    const again = await pay(two, request);
    expect(again).toEqual({ ...first, replayed: true });
    expect(await pay(one, request)).toEqual(again);
  });

  it('answers a repeat with what it first said, also after the payment went on', async () => {
    const request = { principal: merchant(), key: newId(), body: bodyOf(uniqueOrder()) };
    const first = await pay(one, request);
    await project(one, [completed(paymentOf(first))]);
    expect(await pay(two, request)).toEqual({ ...first, replayed: true });
  });

  it('refuses the same key with another body', async () => {
    const principal = merchant();
    const key = newId();
    const orderId = uniqueOrder();
    await pay(one, { principal, key, body: bodyOf(orderId) });
    await expect(
      pay(two, { principal, key, body: bodyOf(orderId, { amount: 10_001 }) }),
    ).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
  });

  it('says that the first request is still running while it waits, and 422 wins over that', async () => {
    const request = { principal: merchant(), key: newId(), body: bodyOf(uniqueOrder()) };
    const first = pay(one, { ...request, waitSeconds: 20 });
    const paymentId = await waitFor(() => storedId(one, request.key), { what: 'the row' });
    await expect(pay(two, request)).rejects.toMatchObject({
      code: 'IDEMPOTENCY_KEY_IN_USE',
      options: { retryAfterSeconds: 1 },
    });
    const other = bodyOf(uniqueOrder());
    await expect(pay(two, { ...request, body: other })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
    const { rows } = await one.pool.query('select * from payment where id = $1', [paymentId]);
    await project(two, [completed(asPayment(rows[0]))]);
    expect(await first).toMatchObject({ status: 201, paymentId, replayed: false });
  });

  it('answers 201 with the outcome within the wait, and the same to every repeat', async () => {
    const request = { principal: merchant(), key: newId(), body: bodyOf(uniqueOrder()) };
    const waiting = pay(one, { ...request, waitSeconds: 20 });
    const paymentId = await waitFor(() => storedId(one, request.key), { what: 'the row' });
    const { rows } = await one.pool.query('select * from payment where id = $1', [paymentId]);
    await project(two, [failed(asPayment(rows[0]))]);
    const first = await waiting;
    expect(first.status).toBe(201);
    expect(paymentOf(first)).toMatchObject({
      status: 'FAILED',
      version: 2,
      failure: { code: 'CARD_DECLINED' },
    });
    expect(await pay(two, request)).toEqual({ ...first, replayed: true });
  });

  it('answers 202 when the wait is over, and keeps to it when the outcome comes later', async () => {
    const request = { principal: merchant(), key: newId(), body: bodyOf(uniqueOrder()) };
    const first = await pay(one, { ...request, waitSeconds: 1 });
    expect(first.status).toBe(202);
    await project(one, [completed(paymentOf(first))]);
    expect(await pay(two, request)).toEqual({ ...first, replayed: true });
  });

  it('answers each of many whose wait ends together by its own row', async () => {
    const requests = Array.from({ length: 30 }, () => ({
      principal: merchant(),
      key: newId(),
      body: bodyOf(uniqueOrder()),
    }));
    const waiting = requests.map((request) => pay(one, { ...request, waitSeconds: 20 }));
    const ids = await Promise.all(
      requests.map(({ key }) => waitFor(() => storedId(one, key), { what: 'the row' })),
    );
    // Fixed by somebody else before the outcome came: what was decided first stands.
    const early = new Set(ids.slice(0, 5));
    await one.pool.query('update idempotency_key set answer = 202 where resource = any($1)', [
      [...early],
    ]);
    const { rows } = await one.pool.query('select * from payment where id = any($1)', [ids]);
    const payments = rows.map(asPayment);
    await project(
      two,
      payments.map((payment, index) => (index % 2 ? completed(payment) : failed(payment))),
    );
    const answers = await Promise.all(waiting);
    expect(answers.map(({ paymentId }) => paymentId)).toEqual(ids);
    for (const answer of answers) {
      const isEarly = early.has(answer.paymentId);
      expect(answer.status).toBe(isEarly ? 202 : 201);
      expect(paymentOf(answer)).toMatchObject({ id: answer.paymentId, version: isEarly ? 1 : 2 });
    }
    const repeats = await Promise.all(requests.map((request) => pay(two, request)));
    expect(repeats).toEqual(answers.map((answer) => ({ ...answer, replayed: true })));
  });

  it('fixes 202 for a repeat that comes after the due time of a request that died', async () => {
    const principal = merchant();
    const key = newId();
    const body = bodyOf(uniqueOrder());
    const first = await pay(one, { principal, key, body });
    await one.pool.query(
      `update idempotency_key set answer = null, due_at = now() - interval '1 second' where resource = $1`,
      [first.paymentId],
    );
    const answers = await Promise.all([1, 2, 3, 4].map(() => pay(two, { principal, key, body })));
    expect(new Set(answers.map((a) => a.status))).toEqual(new Set([202]));
    const { rows } = await one.pool.query<{ answer: number | null }>(
      'select answer from idempotency_key where resource = $1',
      [first.paymentId],
    );
    // With Redis the first answer stands there already and the row need not be asked.
    expect(rows[0]?.answer).toBe(redisUrl === undefined ? null : 202);
  });

  it('takes one payment of many equal requests at the same instant', async () => {
    const request = { principal: merchant(), key: newId(), body: bodyOf(uniqueOrder()) };
    const sent = Array.from({ length: 20 }, (_, i) => pay(i % 2 ? one : two, request));
    const ends = await Promise.allSettled(sent);
    const answers = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
    const refused = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason.code] : []));
    expect(new Set(answers.map((a) => a.paymentId)).size).toBe(1);
    expect(answers.filter((a) => !a.replayed)).toHaveLength(1);
    expect(refused.every((code) => code === 'IDEMPOTENCY_KEY_IN_USE')).toBe(true);
    const { rows } = await one.pool.query('select 1 from payment where merchant_id = $1', [
      request.principal.merchantId,
    ]);
    expect(rows).toHaveLength(1);
  });

  it('takes one of two keys for one order at the same instant', async () => {
    const principal = merchant();
    const body = bodyOf(uniqueOrder());
    const ends = await Promise.allSettled([
      pay(one, { principal, body }),
      pay(two, { principal, body }),
    ]);
    const taken = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
    const refused = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
    expect(taken).toHaveLength(1);
    expect(refused).toEqual([
      expect.objectContaining({
        code: 'ORDER_ALREADY_ACTIVE',
        options: { extra: { paymentId: taken[0]?.paymentId } },
      }),
    ]);
  });

  it('takes an order again once its payment failed, with the key that was refused before', async () => {
    const principal = merchant();
    const body = bodyOf(uniqueOrder());
    const key = newId();
    const first = await pay(one, { principal, body });
    await expect(pay(two, { principal, key, body })).rejects.toMatchObject({
      code: 'ORDER_ALREADY_ACTIVE',
    });
    await project(one, [failed(paymentOf(first))]);
    const second = await pay(two, { principal, key, body });
    expect(second).toMatchObject({ status: 202, replayed: false });
    expect(second.paymentId).not.toBe(first.paymentId);
  });

  it('keeps merchants and modes apart', async () => {
    const live = merchant();
    const test = { ...live, livemode: false };
    const request = { key: newId(), body: bodyOf(uniqueOrder()) };
    const answers = await Promise.all(
      [live, test, merchant()].map((principal) => pay(one, { ...request, principal })),
    );
    expect(new Set(answers.map((a) => a.paymentId)).size).toBe(3);
  });

  it('stores the rest of a batch whose middle conflicts', async () => {
    const principal = merchant();
    const known = { principal, key: newId(), body: bodyOf(uniqueOrder()) };
    const first = await pay(one, known);
    const before = Array.from({ length: 5 }, () => pay(two, { principal }));
    const middle = pay(two, known);
    const after = Array.from({ length: 5 }, () => pay(two, { principal }));
    expect(await middle).toEqual({ ...first, replayed: true });
    const stored = await Promise.all([...before, ...after]);
    expect(stored.every((answer) => answer.status === 202 && !answer.replayed)).toBe(true);
  });

  it('survives batches of two instances that cross each other in orders', async () => {
    const principal = merchant();
    const orders = Array.from({ length: 150 }, uniqueOrder);
    const sendAll = (instance: TestInstance, list: string[]) =>
      list.map((orderId) => pay(instance, { principal, body: bodyOf(orderId) }));
    const ends = await Promise.allSettled([
      ...sendAll(one, orders),
      ...sendAll(two, [...orders].reverse()),
    ]);
    const refused = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason.code] : []));
    expect(refused).toEqual(Array(150).fill('ORDER_ALREADY_ACTIVE'));
    const { rows } = await one.pool.query<{ orders: number }>(
      'select count(distinct order_id)::int as orders from payment where merchant_id = $1',
      [principal.merchantId],
    );
    expect(rows[0]?.orders).toBe(150);
  });
});

describe('an intake whose Redis forgets', () => {
  it('still takes a payment once', async () => {
    const prefix = uniquePrefix();
    const instance = startInstance({ database, prefix });
    await waitFor(async () => (await instance.redis.run((c) => c.ping())) === 'PONG', {
      what: 'Redis',
    });
    const request = { principal: merchant(), key: newId(), body: bodyOf(uniqueOrder()) };
    const first = await pay(instance, request);
    await deleteAll(prefix);
    expect(await pay(instance, request)).toEqual({ ...first, replayed: true });
    await instance.stop();
  });
});

describe('an intake whose clock is an hour ahead', () => {
  it('lets go of the key of a request that died as soon as any other', async () => {
    const ahead = startInstance({
      database,
      prefix: uniquePrefix(),
      clock: { now: () => new Date(Date.now() + 3_600_000) },
    });
    const { paymentId } = await pay(ahead, { principal: merchant(), waitSeconds: 1 });
    const { rows } = await ahead.pool.query<{ soon: boolean }>(
      `select due_at < now() + interval '1 minute' as soon from idempotency_key where resource = $1`,
      [paymentId],
    );
    expect(rows).toEqual([{ soon: true }]);
    await ahead.stop();
  });
});

describe('an intake that refuses', () => {
  let instance: TestInstance;
  let now = new Date('2026-03-31T05:00:00Z');
  let outboxAgeMs = 0;

  beforeAll(() => {
    instance = startInstance({
      database,
      prefix: uniquePrefix(),
      clock: { now: () => now },
      outboxAgeMs: () => outboxAgeMs,
    });
  });

  afterAll(() => instance.stop());

  it.each([
    [
      'a PG that is off',
      { source: { kind: 'window', pg: 'stripe', paymentKey: 'k' } },
      'PG_NOT_AVAILABLE',
    ],
    [
      'a PG that the profile does not have',
      { source: { kind: 'window', pg: 'inicis', paymentKey: 'k' } },
      'PG_NOT_AVAILABLE',
    ],
    ['an expiry in the past', { expiresAt: '2026-03-31T04:59:59Z' }, 'VALIDATION_FAILED'],
    ['an expiry more than a day ahead', { expiresAt: '2026-04-01T05:00:01Z' }, 'VALIDATION_FAILED'],
  ])('%s writes nothing and does not burn the key', async (_what, change, code) => {
    const principal = merchant();
    const key = newId();
    const orderId = uniqueOrder();
    await expect(
      pay(instance, { principal, key, body: bodyOf(orderId, change) }),
    ).rejects.toMatchObject({
      code,
    });
    expect(await pay(instance, { principal, key, body: bodyOf(orderId) })).toMatchObject({
      status: 202,
    });
  });

  it('answers a repeat of what it took, though its expiry has passed since', async () => {
    const body = bodyOf(uniqueOrder(), { expiresAt: '2026-03-31T05:01:00Z' });
    const request = { principal: merchant(), key: newId(), body };
    const first = await pay(instance, request);
    now = new Date('2026-03-31T06:00:00Z');
    expect(await pay(instance, request)).toEqual({ ...first, replayed: true });
    now = new Date('2026-03-31T05:00:00Z');
  });

  it('takes nothing new while its outbox is too old, but answers repeats', async () => {
    const request = { principal: merchant(), key: newId(), body: bodyOf(uniqueOrder()) };
    const first = await pay(instance, request);
    outboxAgeMs = TEST_PROFILE.limits.outboxAgeMaxMs + 1;
    await expect(pay(instance, { principal: merchant() })).rejects.toMatchObject({
      code: 'OVERLOADED',
    });
    expect(await pay(instance, request)).toEqual({ ...first, replayed: true });
    outboxAgeMs = 0;
  });
});

describe('an intake whose queue is full', () => {
  it('refuses what has no place, with when to come again, and stores the rest once', async () => {
    const profile = { ...TEST_PROFILE, limits: { ...TEST_PROFILE.limits, intakeQueueMax: 3 } };
    const instance = startInstance({ database, prefix: uniquePrefix(), profile });
    const admin = startInstance({
      database,
      prefix: uniquePrefix(),
      postgresUrl: database.adminUrl,
    });
    const principal = merchant();
    const blocker = await admin.pool.connect();
    await blocker.query('begin; lock table payment.payment in exclusive mode');
    const requests = Array.from({ length: 40 }, () => {
      const body = bodyOf(uniqueOrder());
      const key = newId();
      return { key, body, end: pay(instance, { principal, key, body }).catch((e) => e) };
    });
    await waitFor(
      async () => {
        const settled = await Promise.race([
          ...requests.map(({ end }) => end),
          new Promise((resolve) => setImmediate(resolve, undefined)),
        ]);
        return settled !== undefined;
      },
      { what: 'the first refusal' },
    );
    await blocker.query('commit');
    blocker.release();
    const ends = await Promise.all(requests.map(({ end }) => end));
    const refused = ends.filter((end) => end.code === 'OVERLOADED');
    const stored = ends.filter((end) => end.status === 202);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length + stored.length).toBe(40);
    expect(refused[0].options.retryAfterSeconds).toBe(1);
    const again = await Promise.all(
      requests.map(({ key, body }) =>
        waitFor(() => pay(instance, { principal, key, body }).catch(() => undefined), {
          what: 'room in the queue',
        }),
      ),
    );
    expect(again.filter((answer) => answer.replayed)).toHaveLength(stored.length);
    const { rows } = await instance.pool.query<{ count: number }>(
      'select count(*)::int as count from payment where merchant_id = $1',
      [principal.merchantId],
    );
    expect(rows[0]?.count).toBe(40);
    await Promise.all([instance.stop(), admin.stop()]);
  });
});

describe('an intake without its database', () => {
  it('says that nothing was stored when it cannot be reached', async () => {
    const instance = startInstance({
      database,
      prefix: uniquePrefix(),
      postgresUrl: 'postgres://nobody@127.0.0.1:1/none',
    });
    await expect(pay(instance, { principal: merchant() })).rejects.toMatchObject({
      code: 'OVERLOADED',
      options: { retryAfterSeconds: 1 },
    });
    await instance.pool.end().catch(() => undefined);
  });

  it('stores once when the connection ends in the middle of the statement', async () => {
    const instance = startInstance({ database, prefix: uniquePrefix() });
    const admin = startInstance({
      database,
      prefix: uniquePrefix(),
      postgresUrl: database.adminUrl,
    });
    const principal = merchant();
    const blocker = await admin.pool.connect();
    await blocker.query('begin; lock table payment.payment in exclusive mode');
    const answer = pay(instance, { principal });
    await waitFor(
      async () => {
        const { rows } = await admin.pool.query<{ pid: number }>(
          `select pid from pg_stat_activity
           where application_name = 'test-payment-api' and wait_event_type = 'Lock'
             and datname = current_database() and query like '%idempotency_key%'`,
        );
        if (rows.length === 0) return false;
        await admin.pool.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
        return true;
      },
      { what: 'the statement to wait for the lock' },
    );
    await blocker.query('commit');
    blocker.release();
    expect(await answer).toMatchObject({ status: 202 });
    const { rows } = await instance.pool.query('select 1 from payment where merchant_id = $1', [
      principal.merchantId,
    ]);
    expect(rows).toHaveLength(1);
    await Promise.all([instance.stop(), admin.stop()]);
  });

  it('says that the result is not known when the statement never ends in time', async () => {
    const profile = {
      ...TEST_PROFILE,
      limits: { ...TEST_PROFILE.limits, intakeTimeoutMs: 500 },
    };
    const instance = startInstance({ database, prefix: uniquePrefix(), profile });
    const admin = startInstance({
      database,
      prefix: uniquePrefix(),
      postgresUrl: database.adminUrl,
    });
    const blocker = await admin.pool.connect();
    await blocker.query('begin; lock table payment.payment in exclusive mode');
    const request = { principal: merchant(), key: newId(), body: bodyOf(uniqueOrder()) };
    await expect(pay(instance, request)).rejects.toMatchObject({ code: 'RESULT_UNKNOWN' });
    await blocker.query('commit');
    blocker.release();
    const answer = await waitFor(() => pay(instance, request).catch(() => false as const), {
      what: 'the key to be free',
    });
    expect(answer).toMatchObject({ status: 202 });
    await Promise.all([instance.stop(), admin.stop()]);
  });
});

async function storedId(instance: TestInstance, key: string): Promise<string | undefined> {
  const { rows } = await instance.pool.query<{ resource: string }>(
    'select resource from idempotency_key where key = $1',
    [key],
  );
  return rows[0]?.resource;
}

function asPayment(row: Record<string, unknown> | undefined) {
  return {
    id: String(row?.id),
    merchantId: String(row?.merchant_id),
    livemode: row?.livemode === true,
    orderId: String(row?.order_id),
    amount: Number(row?.amount),
  };
}

async function deleteAll(prefix: string): Promise<void> {
  const client = createClient({ url: process.env.STACK_REDIS_URL ?? '' });
  await client.connect();
  for await (const keys of client.scanIterator({ MATCH: `${prefix}*` })) {
    if (keys.length > 0) await client.del(keys);
  }
  await client.close();
}
