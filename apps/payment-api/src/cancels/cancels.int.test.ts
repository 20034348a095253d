import { EVENT_SCHEMAS } from '@mini-pg/domain';
import { newId } from '@mini-pg/runtime';
import { createTestDatabase, type TestDatabase, waitFor } from '@mini-pg/testing';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bodyOf,
  type CancelCall,
  cancel,
  merchant,
  pay,
  STOPPED_REDIS_URL,
  startInstance,
  TEST_PROFILE,
  type TestInstance,
  uniqueOrder,
  uniquePrefix,
} from '../../test/support/intake-fixture.ts';
import { cancelFailed, cancelled, completed, failed } from '../../test/support/outcomes.ts';
import { migrations } from '../db/migrations/index.ts';
import type { Answer } from '../intake/answer-once.ts';
import type { PaymentView } from '../payments/view.ts';
import type { Principal } from '../principal.ts';
import type { Delivered } from '../projection/delivered.ts';
import { projectDelivered } from '../projection/outcomes.ts';
import type { CancelView } from './cancel-view.ts';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase({ payment: migrations });
});

afterAll(() => database.drop());

const counter = { inc: () => undefined } as never;

async function project(instance: TestInstance, ...delivered: Delivered[]) {
  const { pool, cache, waiters } = instance;
  await projectDelivered({ pool, cache, waiters, parkedTotal: counter }, delivered);
}

interface Paid {
  readonly payment: PaymentView;
  readonly author: Principal;
}

async function requestedPayment(instance: TestInstance, change: object = {}): Promise<Paid> {
  const author = merchant();
  const answer = await pay(instance, { principal: author, body: bodyOf(uniqueOrder(), change) });
  return { payment: JSON.parse(answer.body), author };
}

async function approvedPayment(instance: TestInstance, change: object = {}): Promise<Paid> {
  const paid = await requestedPayment(instance, change);
  await project(instance, completed(paid.payment));
  return paid;
}

const ask = (instance: TestInstance, { payment, author }: Paid, call: Partial<CancelCall> = {}) =>
  cancel(instance, { author, paymentId: payment.id, ...call });

const viewOf = (answer: Answer): CancelView => JSON.parse(answer.body);

async function reserveOf(instance: TestInstance, paymentId: string) {
  const { rows } = await instance.pool.query<{ reserved: number; tax_free: number }>(
    `select reserved::int, tax_free_reserved::int as tax_free
     from payment_reserve where payment_id = $1`,
    [paymentId],
  );
  return rows[0] ?? null;
}

async function storedFor(instance: TestInstance, cancelId: string) {
  const { rows } = await instance.pool.query(
    `select (select count(*) from payment_fact
             where kind = 'CANCEL_REQUESTED' and fact_key = $1)::int as facts,
            (select count(*) from idempotency_key
             where resource = $1 and scope = 'cancel')::int as keys,
            (select count(*) from cancel_open where cancel_id = $1)::int as open,
            (select count(*) from outbox
             where topic = 'payment.cancel-requested' and payload like $2)::int as events`,
    [cancelId, `%${cancelId}%`],
  );
  return rows[0];
}

describe.each([
  ['Redis running', undefined],
  ['Redis stopped', STOPPED_REDIS_URL],
])('the cancels of two instances with %s', (_state, redisUrl) => {
  let one: TestInstance;
  let two: TestInstance;

  beforeAll(async () => {
    const prefix = uniquePrefix();
    const url = redisUrl === undefined ? {} : { redisUrl };
    one = startInstance({ database, prefix, ...url });
    two = startInstance({ database, prefix, ...url });
    if (redisUrl !== undefined) return;
    for (const instance of [one, two]) {
      await waitFor(async () => (await instance.redis.run((c) => c.ping())) === 'PONG', {
        what: 'Redis',
      });
    }
  });

  afterAll(() => Promise.all([one.stop(), two.stop()]));

  it('store a cancel with its key, its reserve, its open marker and its event', async () => {
    const paid = await approvedPayment(one, { taxFreeAmount: 1_000 });
    const answer = await ask(one, paid, { body: { amount: 4_000, taxFreeAmount: 300 } });
    const { id: paymentId, merchantId } = paid.payment;
    expect(answer).toMatchObject({ status: 202, replayed: false });
    expect(viewOf(answer)).toEqual({
      id: answer.resource,
      paymentId,
      status: 'REQUESTED',
      origin: 'MERCHANT',
      amount: 4_000,
      taxFreeAmount: 300,
      reason: 'The shopper changed their mind',
      failure: null,
      requestedAt: expect.any(String),
      cancelledAt: null,
      failedAt: null,
    });
    expect(await storedFor(one, answer.resource)).toEqual({
      facts: 1,
      keys: 1,
      open: 1,
      events: 1,
    });
    expect(await reserveOf(one, paymentId)).toEqual({ reserved: 4_000, tax_free: 300 });
    const { rows } = await one.pool.query<{ key: string; payload: string; headers: object }>(
      `select key, payload, headers from outbox
       where topic = 'payment.cancel-requested' and key = $1`,
      [paymentId],
    );
    expect(rows[0]).toMatchObject({ key: paymentId, headers: { traceparent: expect.any(String) } });
    const event = EVENT_SCHEMAS['payment.cancel-requested'].parse(
      JSON.parse(rows[0]?.payload ?? ''),
    );
    expect(event.data).toEqual({
      merchantId,
      livemode: true,
      paymentId,
      cancelId: answer.resource,
      amount: 4_000,
      taxFreeAmount: 300,
      reason: 'The shopper changed their mind',
      origin: 'MERCHANT',
      requestedAt: viewOf(answer).requestedAt,
    });
  });

  it('announce a full cancel with the amount that was reserved', async () => {
    const paid = await approvedPayment(one, { taxFreeAmount: 1_000 });
    await ask(one, paid, { body: { amount: 4_000 } });
    expect(viewOf(await ask(two, paid))).toMatchObject({ amount: 6_000, taxFreeAmount: 1_000 });
    expect(await reserveOf(one, paid.payment.id)).toEqual({ reserved: 10_000, tax_free: 1_000 });
  });

  it('answer a repeat with the first answer, on either instance, also when more has happened', async () => {
    const paid = await approvedPayment(one);
    const call = { key: newId(), body: { amount: 4_000 } };
    const first = await ask(one, paid, call);
    expect(await ask(two, paid, call)).toEqual({ ...first, replayed: true });
    await project(one, cancelled(paid.payment, { cancelId: first.resource, cancelAmount: 4_000 }));
    await ask(one, paid);
    expect(await ask(two, paid, call)).toEqual({ ...first, replayed: true });
    expect(await reserveOf(one, paid.payment.id)).toMatchObject({ reserved: 10_000 });
  });

  it('answer a repeat whose payment is cancelled in full by now', async () => {
    const paid = await approvedPayment(one);
    const call = { key: newId() };
    const first = await ask(one, paid, call);
    await project(one, cancelled(paid.payment, { cancelId: first.resource, cancelAmount: 10_000 }));
    expect(await ask(two, paid, call)).toEqual({ ...first, replayed: true });
    await expect(ask(two, paid)).rejects.toMatchObject({ code: 'PAYMENT_NOT_CANCELABLE' });
  });

  it('refuse the same key with another body, or for another payment', async () => {
    const paid = await approvedPayment(one);
    const other = await requestedPayment(one);
    const key = newId();
    await ask(one, paid, { key, body: { amount: 4_000 } });
    const reused = { code: 'IDEMPOTENCY_KEY_REUSED' };
    await expect(ask(two, paid, { key, body: { amount: 4_001 } })).rejects.toMatchObject(reused);
    const elsewhere = { author: paid.author, paymentId: other.payment.id, key };
    await expect(cancel(two, elsewhere)).rejects.toMatchObject(reused);
  });

  it('do not meet a payment that has the same key', async () => {
    const author = merchant();
    const key = newId();
    const body = bodyOf(uniqueOrder());
    const paid = await pay(one, { principal: author, key, body });
    const answer = await cancel(one, { author, paymentId: paid.paymentId, key });
    expect(answer).toMatchObject({ status: 202, replayed: false });
    expect(await pay(two, { principal: author, key, body })).toEqual({ ...paid, replayed: true });
  });

  it('say that the first request is still running while it waits, and 422 wins over that', async () => {
    const paid = await approvedPayment(one);
    const call = { key: newId(), body: { amount: 4_000 } };
    const first = ask(one, paid, { ...call, waitSeconds: 20 });
    const cancelId = await waitFor(() => storedId(one, call.key), { what: 'the row' });
    await expect(ask(two, paid, call)).rejects.toMatchObject({
      code: 'IDEMPOTENCY_KEY_IN_USE',
      options: { retryAfterSeconds: 1 },
    });
    await expect(ask(two, paid, { ...call, body: { amount: 1 } })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
    await project(two, cancelled(paid.payment, { cancelId, cancelAmount: 4_000 }));
    expect(await first).toMatchObject({ status: 201, resource: cancelId, replayed: false });
  });

  it.each<[string, (paid: Paid, cancelId: string) => Delivered, object]>([
    [
      'done',
      ({ payment }, cancelId) => cancelled(payment, { cancelId, cancelAmount: 4_000 }),
      { status: 'DONE', cancelledAt: '2026-04-01T00:00:00.000Z', failure: null },
    ],
    [
      'refused',
      ({ payment }, cancelId) => cancelFailed(payment, cancelId),
      {
        status: 'FAILED',
        failedAt: '2026-04-01T00:00:00.000Z',
        failure: { code: 'NOT_CANCELABLE' },
      },
    ],
  ])(
    'answer 201 when it is %s within the wait, and the same to every repeat',
    async (_what, outcome, expected) => {
      const paid = await approvedPayment(one);
      const call = { key: newId(), body: { amount: 4_000 } };
      const waiting = ask(one, paid, { ...call, waitSeconds: 20 });
      const cancelId = await waitFor(() => storedId(one, call.key), { what: 'the row' });
      await project(two, outcome(paid, cancelId));
      const first = await waiting;
      expect(first.status).toBe(201);
      expect(viewOf(first)).toMatchObject(expected);
      // A contradiction later, or anything else, is no part of what was answered.
      await project(two, cancelFailed(paid.payment, cancelId));
      expect(await ask(two, paid, call)).toEqual({ ...first, replayed: true });
    },
  );

  it('answer 201 when the payment ended before its first call', async () => {
    const paid = await requestedPayment(one);
    const call = { key: newId() };
    const waiting = ask(one, paid, { ...call, waitSeconds: 20 });
    await waitFor(() => storedId(one, call.key), { what: 'the row' });
    await project(two, failed(paid.payment, 'CANCELLED_BEFORE_APPROVAL'));
    const first = await waiting;
    expect(first.status).toBe(201);
    expect(viewOf(first)).toMatchObject({
      status: 'DONE',
      amount: 10_000,
      cancelledAt: '2026-03-31T05:00:00.000Z',
    });
    expect(await ask(two, paid, call)).toEqual({ ...first, replayed: true });
  });

  it('answer 202 when the wait is over, and keep to it when the outcome comes later', async () => {
    const paid = await approvedPayment(one);
    const call = { key: newId() };
    const first = await ask(one, paid, { ...call, waitSeconds: 1 });
    expect(first.status).toBe(202);
    await project(one, cancelled(paid.payment, { cancelId: first.resource, cancelAmount: 10_000 }));
    expect(await ask(two, paid, call)).toEqual({ ...first, replayed: true });
  });

  it('fix 202 for a repeat that comes after the due time of a request that died', async () => {
    const paid = await approvedPayment(one);
    const call = { key: newId() };
    const first = await ask(one, paid, call);
    await one.pool.query(
      `update idempotency_key set answer = null, due_at = now() - interval '1 second'
       where resource = $1`,
      [first.resource],
    );
    const answers = await Promise.all([1, 2, 3, 4].map(() => ask(two, paid, call)));
    expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([202]));
  });

  it('take one cancel of many equal requests at the same instant', async () => {
    const paid = await approvedPayment(one);
    const call = { key: newId(), body: { amount: 6_000 } };
    const sent = Array.from({ length: 20 }, (_, i) => ask(i % 2 ? one : two, paid, call));
    const ends = await Promise.allSettled(sent);
    const answers = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
    const refused = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason.code] : []));
    expect(new Set(answers.map((answer) => answer.resource)).size).toBe(1);
    expect(answers.filter((answer) => !answer.replayed)).toHaveLength(1);
    expect(refused.every((code) => code === 'IDEMPOTENCY_KEY_IN_USE')).toBe(true);
    expect(await reserveOf(one, paid.payment.id)).toMatchObject({ reserved: 6_000 });
  });

  it('never take more than was paid of many parts at the same instant', async () => {
    const paid = await approvedPayment(one);
    const sent = Array.from({ length: 40 }, (_, i) =>
      ask(i % 2 ? one : two, paid, { body: { amount: 700 } }),
    );
    const ends = await Promise.allSettled(sent);
    const taken = ends.filter((end) => end.status === 'fulfilled');
    const refused = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
    expect(taken).toHaveLength(14);
    expect(new Set(refused.map((error) => error.code))).toEqual(
      new Set(['AMOUNT_EXCEEDS_BALANCE']),
    );
    expect(refused[0].options.extra).toEqual({ balanceAmount: 200 });
    expect(await reserveOf(one, paid.payment.id)).toMatchObject({ reserved: 9_800 });
  });

  it('take one of two full cancels at the same instant', async () => {
    const paid = await approvedPayment(one);
    const ends = await Promise.allSettled([ask(one, paid), ask(two, paid)]);
    const refused = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason.code] : []));
    expect(refused).toEqual(['PAYMENT_NOT_CANCELABLE']);
  });

  it('keep merchants and modes apart', async () => {
    const paid = await approvedPayment(one);
    const strangers = [merchant(), { ...paid.author, livemode: false }];
    for (const author of strangers) {
      await expect(ask(one, paid, { author })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
    expect(await reserveOf(one, paid.payment.id)).toBeNull();
  });

  it("let operators cancel any payment, under keys of each operator's own", async () => {
    const paid = await approvedPayment(one);
    const key = newId();
    const body = { amount: 1_000, reason: 'Ticket 4711' };
    const answers = [
      await ask(one, paid, { key, body }),
      await ask(one, paid, { author: { operator: 'kim' }, key, body }),
      await ask(two, paid, { author: { operator: 'lee' }, key, body }),
    ];
    expect(answers.map((answer) => viewOf(answer).origin)).toEqual([
      'MERCHANT',
      'OPERATOR',
      'OPERATOR',
    ]);
    const again = await ask(two, paid, { author: { operator: 'kim' }, key, body });
    expect(again).toEqual({ ...answers[1], replayed: true });
    expect(await reserveOf(one, paid.payment.id)).toMatchObject({ reserved: 3_000 });
    const { rows } = await one.pool.query(
      `select operator, action, detail from operator_action where target = $1 order by at`,
      [paid.payment.id],
    );
    expect(rows).toEqual(
      [
        ['kim', answers[1]],
        ['lee', answers[2]],
      ].map(([operator, answer]) => ({
        operator,
        action: 'CANCEL_REQUESTED',
        detail: {
          cancelId: (answer as Answer).resource,
          ...body,
          taxFreeAmount: 0,
          traceId: 'c'.repeat(32),
        },
      })),
    );
  });

  it('show the cancel to whoever reads the payment next', async () => {
    const paid = await approvedPayment(one);
    if (redisUrl !== undefined) return;
    await waitFor(
      async () => {
        const { resource } = await ask(two, paid, { body: { amount: 1 } });
        const cached = await one.cache.read(paid.payment.id);
        return cached?.body.includes(resource);
      },
      // A Redis that is slow for a moment is left alone: then the entry runs out by itself.
      { what: 'a cancel that the cache shows at once' },
    );
  });
});

describe('a cancel that is refused', () => {
  let instance: TestInstance;

  beforeAll(() => {
    instance = startInstance({ database, prefix: uniquePrefix(), redisUrl: STOPPED_REDIS_URL });
  });

  afterAll(() => instance.stop());

  const failedPayment = async () => {
    const paid = await requestedPayment(instance);
    await project(instance, failed(paid.payment));
    return paid;
  };
  const cancelledPayment = async () => {
    const paid = await approvedPayment(instance);
    await project(instance, cancelled(paid.payment, { cancelAmount: 10_000 }));
    return paid;
  };
  const withOpenCancel = (amount?: number, change?: object) => async () => {
    const paid = await approvedPayment(instance, change);
    await ask(instance, paid, { body: { amount } });
    return paid;
  };
  const approved = (change?: object) => () => approvedPayment(instance, change);

  it.each<[string, () => Promise<Paid>, object, object]>([
    ['of a failed payment', failedPayment, {}, { code: 'PAYMENT_NOT_CANCELABLE' }],
    ['of a cancelled payment', cancelledPayment, {}, { code: 'PAYMENT_NOT_CANCELABLE' }],
    [
      'of a payment that is being cancelled in full',
      withOpenCancel(),
      { amount: 1 },
      { code: 'PAYMENT_NOT_CANCELABLE' },
    ],
    [
      'in part while the payment is requested',
      () => requestedPayment(instance),
      { amount: 9_999 },
      { code: 'PAYMENT_NOT_APPROVED' },
    ],
    [
      'above the whole while the payment is requested',
      () => requestedPayment(instance),
      { amount: 10_001 },
      { code: 'AMOUNT_EXCEEDS_BALANCE', options: { extra: { balanceAmount: 10_000 } } },
    ],
    [
      'with another balance expected',
      withOpenCancel(1_000),
      { amount: 1, expectedBalance: 10_000 },
      { code: 'BALANCE_CHANGED', options: { extra: { balanceAmount: 9_000 } } },
    ],
    [
      'above what is left',
      withOpenCancel(1_000),
      { amount: 9_001 },
      {
        code: 'AMOUNT_EXCEEDS_BALANCE',
        options: { extra: { balanceAmount: 9_000 }, errors: [{ pointer: '/amount' }] },
      },
    ],
    [
      'above the tax-free part that is left',
      approved({ taxFreeAmount: 500 }),
      { amount: 1_000, taxFreeAmount: 501 },
      { code: 'AMOUNT_EXCEEDS_BALANCE', options: { errors: [{ pointer: '/taxFreeAmount' }] } },
    ],
    [
      'above the taxed part that is left',
      approved({ taxFreeAmount: 9_500 }),
      { amount: 501 },
      { code: 'AMOUNT_EXCEEDS_BALANCE', options: { errors: [{ pointer: '/taxFreeAmount' }] } },
    ],
    [
      'by its state, though the balance and the amount are wrong too',
      failedPayment,
      { amount: 20_000, expectedBalance: 1 },
      { code: 'PAYMENT_NOT_CANCELABLE' },
    ],
    [
      'by the balance expected, though the amount is wrong too',
      approved(),
      { amount: 20_000, expectedBalance: 1 },
      { code: 'BALANCE_CHANGED' },
    ],
  ])('%s writes nothing and does not burn its key', async (_what, given, body, refusal) => {
    const paid = await given();
    const before = await reserveOf(instance, paid.payment.id);
    const key = newId();
    await expect(ask(instance, paid, { key, body })).rejects.toMatchObject(refusal);
    expect(await reserveOf(instance, paid.payment.id)).toEqual(before);
    expect(await storedId(instance, key)).toBeUndefined();
    const other = await approvedPayment(instance);
    const answer = await cancel(instance, {
      author: { ...paid.author, merchantId: other.author.merchantId },
      paymentId: other.payment.id,
      key,
    });
    expect(answer.status).toBe(202);
  });

  it('is told that its key was used before it is told anything else', async () => {
    const paid = await failedPayment();
    const key = newId();
    const fine = await approvedPayment(instance);
    const author = fine.author;
    await ask(instance, fine, { key });
    await expect(
      cancel(instance, { author, paymentId: paid.payment.id, key }),
    ).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
  });
});

describe('cancels of a payment that is not approved yet', () => {
  let instance: TestInstance;

  beforeAll(() => {
    instance = startInstance({ database, prefix: uniquePrefix() });
  });

  afterAll(() => instance.stop());

  it.each([{}, { amount: 10_000 }])('are taken in full: %o', async (body) => {
    const paid = await requestedPayment(instance, { taxFreeAmount: 400 });
    const answer = await ask(instance, paid, { body });
    expect(viewOf(answer)).toMatchObject({ amount: 10_000, taxFreeAmount: 400 });
  });

  it('are taken again once one of them failed', async () => {
    const paid = await requestedPayment(instance);
    const { resource } = await ask(instance, paid);
    await project(instance, completed(paid.payment), cancelFailed(paid.payment, resource));
    expect(await ask(instance, paid, { body: { amount: 1 } })).toMatchObject({ status: 202 });
  });

  it('are taken of a merchant who is suspended', async () => {
    const paid = await requestedPayment(instance);
    const author = { ...paid.author, suspended: true };
    expect(await ask(instance, paid, { author })).toMatchObject({ status: 202 });
  });
});

describe('cancels whose Redis forgets', () => {
  it('are still taken once', async () => {
    const prefix = uniquePrefix();
    const instance = startInstance({ database, prefix });
    await waitFor(async () => (await instance.redis.run((c) => c.ping())) === 'PONG', {
      what: 'Redis',
    });
    const paid = await approvedPayment(instance);
    const call = { key: newId(), body: { amount: 6_000 } };
    const first = await ask(instance, paid, call);
    await deleteAll(prefix);
    expect(await ask(instance, paid, call)).toEqual({ ...first, replayed: true });
    await instance.stop();
  });
});

describe('cancels that meet a busy or broken database', () => {
  const profile = { ...TEST_PROFILE, limits: { ...TEST_PROFILE.limits, intakeTimeoutMs: 500 } };
  let admin: TestInstance;

  beforeAll(() => {
    admin = startInstance({ database, prefix: uniquePrefix(), postgresUrl: database.adminUrl });
  });

  afterAll(() => admin.stop());

  it('are not stored when it cannot be reached', async () => {
    const instance = startInstance({
      database,
      prefix: uniquePrefix(),
      postgresUrl: 'postgres://nobody@127.0.0.1:1/none',
    });
    await expect(
      cancel(instance, { author: merchant(), paymentId: newId() }),
    ).rejects.toMatchObject({ code: 'OVERLOADED', options: { retryAfterSeconds: 1 } });
    await instance.pool.end().catch(() => undefined);
  });

  it('are not stored while their payment is held by another, and are free to be repeated', async () => {
    const instance = startInstance({ database, prefix: uniquePrefix(), profile });
    const paid = await approvedPayment(instance);
    await ask(instance, paid, { body: { amount: 1 } });
    const blocker = await admin.pool.connect();
    await blocker.query('begin');
    await blocker.query('select from payment.payment_reserve where payment_id = $1 for update', [
      paid.payment.id,
    ]);
    const call = { key: newId(), body: { amount: 2 } };
    await expect(ask(instance, paid, call)).rejects.toMatchObject({ code: 'OVERLOADED' });
    await blocker.query('commit');
    blocker.release();
    expect(await ask(instance, paid, call)).toMatchObject({ status: 202, replayed: false });
    await instance.stop();
  });

  it('wait no longer in the queue than they may be tried', async () => {
    const instance = startInstance({ database, prefix: uniquePrefix(), profile });
    const paid = await approvedPayment(instance);
    await ask(instance, paid, { body: { amount: 1 } });
    const blocker = await admin.pool.connect();
    await blocker.query('begin');
    await blocker.query('select from payment.payment_reserve where payment_id = $1 for update', [
      paid.payment.id,
    ]);
    // One after the other they would be tried for minutes.
    const sent = Array.from({ length: 900 }, () => ask(instance, paid, { body: { amount: 1 } }));
    const ends = await Promise.allSettled(sent);
    await blocker.query('commit');
    blocker.release();
    const codes = ends.map((end) => end.status === 'rejected' && end.reason.code);
    expect(new Set(codes)).toEqual(new Set(['OVERLOADED']));
    expect(await reserveOf(instance, paid.payment.id)).toMatchObject({ reserved: 1 });
    await instance.stop();
  });

  it('are stored once when the connection ends in the middle', async () => {
    const instance = startInstance({ database, prefix: uniquePrefix() });
    const paid = await approvedPayment(instance);
    const blocker = await admin.pool.connect();
    await blocker.query('begin; lock table payment.cancel_open in exclusive mode');
    const answer = ask(instance, paid, { body: { amount: 6_000 } });
    await waitFor(
      async () => {
        const { rows } = await admin.pool.query<{ pid: number }>(
          `select pid from pg_stat_activity
           where application_name = 'test-payment-api' and wait_event_type = 'Lock'
             and datname = current_database() and query like '%cancel_open%'`,
        );
        if (rows.length === 0) return false;
        await admin.pool.query('select pg_terminate_backend($1)', [rows[0]?.pid]);
        return true;
      },
      { what: 'the statement to wait for the lock' },
    );
    await blocker.query('commit');
    blocker.release();
    const { status, resource } = await answer;
    expect(status).toBe(202);
    expect(await storedFor(instance, resource)).toEqual({ facts: 1, keys: 1, open: 1, events: 1 });
    expect(await reserveOf(instance, paid.payment.id)).toMatchObject({ reserved: 6_000 });
    await instance.stop();
  });

  it('are refused while the outbox is too old, but repeats are answered', async () => {
    let outboxAgeMs = 0;
    const instance = startInstance({
      database,
      prefix: uniquePrefix(),
      redisUrl: STOPPED_REDIS_URL,
      outboxAgeMs: () => outboxAgeMs,
    });
    const paid = await approvedPayment(instance);
    const call = { key: newId(), body: { amount: 1 } };
    const first = await ask(instance, paid, call);
    outboxAgeMs = TEST_PROFILE.limits.outboxAgeMaxMs + 1;
    await expect(ask(instance, paid)).rejects.toMatchObject({ code: 'OVERLOADED' });
    expect(await ask(instance, paid, call)).toEqual({ ...first, replayed: true });
    await instance.stop();
  });

  it('leave connections to payments, however many of them wait for one payment', async () => {
    const instance = startInstance({ database, prefix: uniquePrefix() });
    const paid = await approvedPayment(instance);
    await ask(instance, paid, { body: { amount: 1 } });
    const blocker = await admin.pool.connect();
    await blocker.query('begin');
    await blocker.query('select from payment.payment_reserve where payment_id = $1 for update', [
      paid.payment.id,
    ]);
    const waiting = Array.from({ length: 50 }, () => ask(instance, paid, { body: { amount: 1 } }));
    const held = async () => {
      const { rows } = await admin.pool.query<{ count: number }>(
        `select count(*)::int as count from pg_stat_activity
         where application_name = 'test-payment-api' and wait_event_type = 'Lock'
           and datname = current_database() and query like '%payment_reserve%'`,
      );
      return rows[0]?.count ?? 0;
    };
    await waitFor(async () => (await held()) >= 3, { what: 'cancels to wait for the lock' });
    expect(await held()).toBeLessThanOrEqual(3);
    expect(await pay(instance, { principal: merchant() })).toMatchObject({ status: 202 });
    await blocker.query('commit');
    blocker.release();
    // Those whose deadline came while they waited are refused, and hold nothing.
    const answers = await Promise.allSettled(waiting);
    const taken = answers.filter(({ status }) => status === 'fulfilled').length;
    expect(taken).toBeGreaterThan(0);
    expect(await reserveOf(instance, paid.payment.id)).toMatchObject({ reserved: 1 + taken });
    await instance.stop();
  });
});

async function storedId(instance: TestInstance, key: string): Promise<string | undefined> {
  const { rows } = await instance.pool.query<{ resource: string }>(
    'select resource from idempotency_key where key = $1',
    [key],
  );
  return rows[0]?.resource;
}

async function deleteAll(prefix: string): Promise<void> {
  const client = createClient({ url: process.env.STACK_REDIS_URL ?? '' });
  await client.connect();
  for await (const keys of client.scanIterator({ MATCH: `${prefix}*` })) {
    if (keys.length > 0) await client.del(keys);
  }
  await client.close();
}
