import { newId } from '@mini-pg/runtime';
import { createTestDatabase, type TestDatabase } from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type NewMerchant,
  newKey,
  newMerchant,
  operatorToken,
  startApi,
  type TestApi,
} from '../../test/support/api-fixture.ts';
import { STOPPED_REDIS_URL, uniqueOrder, uniquePrefix } from '../../test/support/intake-fixture.ts';
import { cancelFailed, cancelled, completed } from '../../test/support/outcomes.ts';
import { migrations } from '../db/migrations/index.ts';
import type { PaymentView } from '../payments/view.ts';
import type { Delivered } from '../projection/delivered.ts';
import { projectDelivered } from '../projection/outcomes.ts';
import { cancelSchema } from './cancel-view.ts';

const PAYMENTS = '/api/v1/payments';
const ADMIN_PAYMENTS = '/api/v1/admin/payments';

let database: TestDatabase;
let api: TestApi;
let merchant: NewMerchant;

beforeAll(async () => {
  database = await createTestDatabase({ payment: migrations });
  api = await startApi({ database, prefix: uniquePrefix(), redisUrl: STOPPED_REDIS_URL });
  merchant = await newMerchant(api);
});

afterAll(async () => {
  await api.stop();
  await database.drop();
});

async function project(...delivered: Delivered[]): Promise<void> {
  const { pool, cache, waiters } = api.deps;
  const parkedTotal = { inc: () => undefined } as never;
  await projectDelivered({ pool, cache, waiters, parkedTotal }, delivered);
}

async function approvedPayment(): Promise<PaymentView> {
  const orderId = uniqueOrder();
  const response = await api.call({
    method: 'POST',
    url: PAYMENTS,
    token: merchant.secretKey,
    headers: { 'idempotency-key': newId() },
    payload: {
      orderId,
      amount: 10_000,
      source: { kind: 'window', pg: 'toss', paymentKey: `k-${orderId}` },
    },
  });
  await project(completed(response.json()));
  return response.json();
}

interface Call {
  readonly base?: string;
  readonly token?: string;
  readonly key?: string;
  readonly headers?: Record<string, string>;
}

const post = (paymentId: string, payload: unknown, call: Call = {}) =>
  api.call({
    method: 'POST',
    url: `${call.base ?? PAYMENTS}/${paymentId}/cancels`,
    token: call.token ?? merchant.secretKey,
    headers: { 'idempotency-key': call.key ?? newId(), ...call.headers },
    payload: payload as object,
  });

const get = (url: string, token = merchant.secretKey) => api.call({ method: 'GET', url, token });

describe('a cancel over HTTP', () => {
  it('is taken with its location, where it is read with its own state', async () => {
    const payment = await approvedPayment();
    const taken = await post(payment.id, { amount: 4_000, reason: '부분 취소' });
    const cancel = cancelSchema.parse(taken.json());
    expect(taken.statusCode).toBe(202);
    expect(taken.headers.location).toBe(`${PAYMENTS}/${payment.id}/cancels/${cancel.id}`);
    expect(taken.headers['idempotent-replayed']).toBeUndefined();
    expect((await get(`${taken.headers.location}`)).json()).toEqual(cancel);
    await project(cancelled(payment, { cancelId: cancel.id, cancelAmount: 4_000 }));
    expect((await get(`${taken.headers.location}`)).json()).toMatchObject({ status: 'DONE' });
  });

  it('is shown by the payment and by the list', async () => {
    const payment = await approvedPayment();
    const first = (await post(payment.id, { amount: 1_000, reason: 'one' })).json();
    const second = (await post(payment.id, { amount: 2_000, reason: 'two' })).json();
    await project(cancelFailed(payment, first.id));
    const expected = [
      { id: first.id, status: 'FAILED', amount: 1_000, failedAt: expect.any(String) },
      { id: second.id, status: 'REQUESTED', amount: 2_000, failedAt: null },
    ];
    const read = (await get(`${PAYMENTS}/${payment.id}`)).json();
    expect(read).toMatchObject({ status: 'APPROVED', balanceAmount: 10_000, cancels: expected });
    const list = (await get(`${PAYMENTS}?orderId=${payment.orderId}`)).json();
    expect(list.data).toMatchObject([{ cancels: expected }]);
  });

  it('answers a repeat with the first answer, marked as such', async () => {
    const payment = await approvedPayment();
    const key = newId();
    const first = await post(payment.id, { reason: 'once' }, { key });
    const again = await post(payment.id.toUpperCase(), { reason: 'once' }, { key: `"${key}"` });
    expect([again.statusCode, again.body]).toEqual([202, first.body]);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect(again.headers.location).toBe(first.headers.location);
  });

  it('waits as long as the caller prefers, and says that it was no longer', async () => {
    const payment = await approvedPayment();
    const answer = await post(payment.id, { reason: 'wait' }, { headers: { prefer: 'wait=1' } });
    expect([answer.statusCode, answer.json().status]).toEqual([202, 'REQUESTED']);
  });

  it('is taken of a suspended merchant, who may not pay', async () => {
    const mine = await newMerchant(api);
    const token = mine.secretKey;
    const orderId = uniqueOrder();
    const pay = () =>
      api.call({
        method: 'POST',
        url: PAYMENTS,
        token,
        headers: { 'idempotency-key': newId() },
        payload: {
          orderId,
          amount: 1_000,
          source: { kind: 'window', pg: 'toss', paymentKey: 'k' },
        },
      });
    const payment = (await pay()).json();
    await api.pool.query(`update merchant set status = 'SUSPENDED' where id = $1`, [mine.id]);
    // A key is remembered for a moment; another one is read anew.
    const fresh = await newKey(api, mine.id, true);
    const answer = await post(payment.id, { reason: 'the end' }, { token: fresh.secretKey });
    expect(answer.statusCode).toBe(202);
  });
});

describe('bad input', () => {
  it.each<[string, object, string]>([
    ['amount 0', { amount: 0, reason: 'r' }, '/amount'],
    ['a negative amount', { amount: -1, reason: 'r' }, '/amount'],
    ['a fraction', { amount: 1.5, reason: 'r' }, '/amount'],
    ['a string amount', { amount: '1', reason: 'r' }, '/amount'],
    ['an amount above 10^12', { amount: 1e12 + 1, reason: 'r' }, '/amount'],
    ['no reason', { amount: 1 }, '/reason'],
    ['an empty reason', { reason: '' }, '/reason'],
    ['a blank reason', { reason: '   ' }, '/reason'],
    ['a reason over 200', { reason: 'x'.repeat(201) }, '/reason'],
    [
      'a tax-free part above the amount',
      { amount: 1, taxFreeAmount: 2, reason: 'r' },
      '/taxFreeAmount',
    ],
    ['a negative tax-free part', { taxFreeAmount: -1, reason: 'r' }, '/taxFreeAmount'],
    ['a negative balance', { expectedBalance: -1, reason: 'r' }, '/expectedBalance'],
    ['an unknown field', { reason: 'r', ammount: 1 }, '/ammount'],
  ])('with %s is 400 with its pointer', async (_what, body, pointer) => {
    const answer = await post(newId(), body);
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ code: 'VALIDATION_FAILED', errors: [{ pointer }] });
  });

  it.each<[string, object, number, object]>([
    [
      'above the balance',
      { amount: 10_001, reason: 'r' },
      422,
      { code: 'AMOUNT_EXCEEDS_BALANCE', balanceAmount: 10_000, errors: [{ pointer: '/amount' }] },
    ],
    [
      'above what is free of tax',
      { amount: 5, taxFreeAmount: 1, reason: 'r' },
      422,
      { code: 'AMOUNT_EXCEEDS_BALANCE', errors: [{ pointer: '/taxFreeAmount' }] },
    ],
    [
      'with another balance expected',
      { expectedBalance: 9_999, reason: 'r' },
      409,
      { code: 'BALANCE_CHANGED', balanceAmount: 10_000 },
    ],
  ])('%s is told with the number', async (_what, body, status, problem) => {
    const payment = await approvedPayment();
    const answer = await post(payment.id, body);
    expect(answer.statusCode).toBe(status);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.json()).toMatchObject(problem);
  });

  it('without a key or with a malformed one is 400', async () => {
    const payment = await approvedPayment();
    const missing = await post(payment.id, { reason: 'r' }, { key: '' });
    const short = await post(payment.id, { reason: 'r' }, { key: 'short' });
    expect([missing, short].map((answer) => answer.json().code)).toEqual([
      'IDEMPOTENCY_KEY_MISSING',
      'IDEMPOTENCY_KEY_INVALID',
    ]);
  });

  it("of an unknown payment, of another merchant's or of the other mode is 404", async () => {
    const payment = await approvedPayment();
    const other = await newMerchant(api);
    const test = await newKey(api, merchant.id, false);
    const { id } = (await post(payment.id, { amount: 1, reason: 'r' })).json();
    const answers = await Promise.all([
      post(newId(), { reason: 'r' }),
      post(payment.id, { reason: 'r' }, { token: other.secretKey }),
      post(payment.id, { reason: 'r' }, { token: test.secretKey }),
      get(`${PAYMENTS}/${payment.id}/cancels/${newId()}`),
      get(`${PAYMENTS}/${newId()}/cancels/${id}`),
      get(`${PAYMENTS}/${payment.id}/cancels/${id}`, other.secretKey),
      get(`${PAYMENTS}/${payment.id}/cancels/${id}`, test.secretKey),
    ]);
    expect(answers.map((a) => [a.statusCode, a.json().code])).toEqual(
      answers.map(() => [404, 'NOT_FOUND']),
    );
  });

  it('is 400 for what is no id', async () => {
    const answers = [
      await post('x', { reason: 'r' }),
      await get(`${PAYMENTS}/${newId()}/cancels/x`),
    ];
    expect(answers.map((a) => a.json().code)).toEqual(['INVALID_ID', 'INVALID_ID']);
  });
});

describe('an operator', () => {
  const admin = { base: ADMIN_PAYMENTS, token: operatorToken('operator', { name: 'lee' }) };

  it('cancels within the same reserve, and reads what became of it', async () => {
    const payment = await approvedPayment();
    await post(payment.id, { amount: 9_000, reason: 'by the merchant' });
    const above = await post(payment.id, { amount: 1_001, reason: 'r' }, admin);
    expect(above.json()).toMatchObject({ code: 'AMOUNT_EXCEEDS_BALANCE', balanceAmount: 1_000 });
    const taken = await post(payment.id, { reason: 'ticket 4711' }, admin);
    expect(taken.json()).toMatchObject({ status: 'REQUESTED', origin: 'OPERATOR', amount: 1_000 });
    expect(taken.headers.location).toBe(
      `${ADMIN_PAYMENTS}/${payment.id}/cancels/${taken.json().id}`,
    );
    expect((await get(`${taken.headers.location}`, admin.token)).json()).toEqual(taken.json());
  });

  it('may not when only a viewer, and a merchant may not in their place', async () => {
    const payment = await approvedPayment();
    const viewer = await post(
      payment.id,
      { reason: 'r' },
      { ...admin, token: operatorToken('viewer') },
    );
    const stranger = await post(payment.id, { reason: 'r' }, { base: ADMIN_PAYMENTS });
    expect([viewer, stranger].map((a) => a.json().code)).toEqual(['FORBIDDEN', 'UNAUTHORIZED']);
  });

  it('is told when there is no such payment', async () => {
    expect((await post(newId(), { reason: 'r' }, admin)).json().code).toBe('NOT_FOUND');
  });
});

describe('the timeline of a payment that was cancelled', () => {
  it('shows who asked, what was done and what failed', async () => {
    const payment = await approvedPayment();
    const first = (await post(payment.id, { amount: 1_000, reason: 'one' })).json();
    const admin = { base: ADMIN_PAYMENTS, token: operatorToken('operator', { name: 'lee' }) };
    const second = (await post(payment.id, { amount: 2_000, reason: 'two' }, admin)).json();
    const done = cancelled(payment, { cancelId: first.id, cancelAmount: 1_000 });
    const refused = cancelFailed(payment, second.id);
    const [at, later] = ['2099-01-01T00:00:00.000Z', '2099-01-01T00:00:01.000Z'];
    Object.assign(done.event, { time: at });
    Object.assign(refused.event, { time: later });
    await project(refused, done);
    const { data } = (await get(`${PAYMENTS}/${payment.id}/timeline`)).json();
    const steps = data.filter((step: { step: string }) => step.step.startsWith('CANCEL'));
    expect(steps).toMatchObject([
      {
        step: 'CANCEL_REQUESTED',
        service: 'payment-api',
        at: first.requestedAt,
        traceId: expect.any(String),
        detail: { cancelId: first.id, origin: 'MERCHANT', amount: 1_000, reason: 'one' },
      },
      {
        step: 'CANCEL_REQUESTED',
        service: 'payment-api',
        detail: { cancelId: second.id, origin: 'OPERATOR', amount: 2_000, reason: 'two' },
      },
      {
        step: 'CANCELLED',
        service: 'pg-processor',
        at,
        eventId: done.event.id,
        detail: { cancelId: first.id, cancelAmount: 1_000, remainingAfter: 9_000 },
      },
      {
        step: 'CANCEL_FAILED',
        service: 'pg-processor',
        at: later,
        detail: { cancelId: second.id, code: 'NOT_CANCELABLE', message: 'The PG refuses.' },
      },
    ]);
    expect(JSON.stringify(data)).not.toContain('lee');
  });
});
