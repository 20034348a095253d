import { newId, type Profile } from '@mini-pg/runtime';
import { createTestDatabase, type TestDatabase, waitFor } from '@mini-pg/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  type NewMerchant,
  newMerchant,
  operatorToken,
  startApi,
  type TestApi,
} from '../../test/support/api-fixture.ts';
import { bodyOf, uniqueOrder, uniquePrefix } from '../../test/support/intake-fixture.ts';
import { migrations } from '../db/migrations/index.ts';

const PAYMENTS = '/api/v1/payments';
const BLOCK_MS = 60;
const QUEUE_AGE_MAX_MS = 400;

let database: TestDatabase;
let api: TestApi;
let merchant: NewMerchant;

beforeAll(async () => {
  database = await createTestDatabase({ payment: migrations });
});

afterEach(() => api.stop());

afterAll(() => database.drop());

async function start(limits: Partial<Profile['limits']>): Promise<void> {
  api = await startApi({ database, prefix: uniquePrefix(), limits });
  merchant = await newMerchant(api);
}

const post = (url: string, payload: object, key: string = newId()) =>
  api.call({
    method: 'POST',
    url,
    token: merchant.secretKey,
    headers: { 'idempotency-key': key },
    payload,
  });

const pay = (key?: string, body = bodyOf(uniqueOrder())) => post(PAYMENTS, body, key);

const get = (url: string, token?: string) =>
  api.call({ method: 'GET', url, ...(token !== undefined && { token }) });

async function metric(name: string): Promise<number> {
  const { payload } = await get('/metrics');
  return Number(new RegExp(`^${name}.* (\\S+)$`, 'm').exec(payload)?.[1] ?? 0);
}

async function readiness(): Promise<[number, string | undefined]> {
  const answer = await get('/health/ready');
  return [answer.statusCode, answer.json().checks.load];
}

/** Keeps the event loop busy, as a flood of requests would. */
function block(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BLOCK_MS);
}

describe('an instance whose event loop is late', () => {
  it('sheds payments and cancels, serves everybody else, and recovers by itself', async () => {
    await start({ eventLoopDelayMaxMs: 10 });
    const taken = () =>
      waitFor(
        async () => {
          const answer = await pay();
          return answer.statusCode === 202 && answer;
        },
        { what: 'a payment that is taken' },
      );
    const { id } = (await taken()).json();
    const whileLate = <T>(call: () => Promise<T>, isWanted: (answer: T) => boolean) =>
      waitFor(
        async () => {
          block();
          const answer = await call();
          return isWanted(answer) && answer;
        },
        { what: 'a late event loop', intervalMs: 1 },
      );
    const shed = await whileLate(pay, ({ statusCode }) => statusCode === 503);
    expect(shed.json()).toMatchObject({ status: 503, code: 'OVERLOADED' });
    expect(shed.headers['retry-after']).toBe('1');
    expect(shed.headers['content-type']).toContain('application/problem+json');
    await whileLate(
      () => post(`${PAYMENTS}/${id}/cancels`, { reason: 'The shopper changed their mind' }),
      ({ statusCode }) => statusCode === 503,
    );
    expect(await metric('shed_requests_total\\{reason="event-loop"')).toBeGreaterThanOrEqual(2);

    block();
    expect((await get(`${PAYMENTS}/${id}`, merchant.secretKey)).statusCode).toBe(200);
    expect((await get(`/api/v1/admin/merchants/${merchant.id}`, operatorToken())).statusCode).toBe(
      200,
    );
    expect((await get('/health/live')).statusCode).toBe(200);
    expect(await readiness()).toEqual([503, 'new work is shed: event-loop']);

    await taken();
    await waitFor(async () => (await readiness())[0] === 200, {
      what: 'an instance that is ready',
    });
  });
});

describe('an instance whose queue does not move', () => {
  it('sheds payments before it looks at them, and stores nothing that waited for too long', async () => {
    await start({ intakeQueueAgeMaxMs: QUEUE_AGE_MAX_MS, intakeBatchMax: 1, intakeFlushesMax: 1 });
    const blocker = await startApi({
      database,
      prefix: uniquePrefix(),
      postgresUrl: database.adminUrl,
    });
    const client = await blocker.pool.connect();
    await client.query('begin; lock table payment.payment in exclusive mode');
    const writing = pay();
    await waitFor(() => isBlocked(blocker), { what: 'a statement that waits' });
    const key = newId();
    const body = bodyOf(uniqueOrder());
    const waiting = pay(key, body);
    await waitFor(() => api.deps.admission.refusal() === 'queue-age', { what: 'a queue too old' });
    const tooLateMs = performance.now() + QUEUE_AGE_MAX_MS;
    expect((await pay()).json()).toMatchObject({ status: 503, code: 'OVERLOADED' });
    const stranger = await api.call({ method: 'POST', url: PAYMENTS, token: 'nobody' });
    expect([stranger.statusCode, stranger.json().code]).toEqual([503, 'OVERLOADED']);
    expect(await readiness()).toEqual([503, 'new work is shed: queue-age']);
    expect((await get('/health/live')).statusCode).toBe(200);
    await waitFor(() => performance.now() >= tooLateMs, { what: 'a row that is too old' });
    await client.query('commit');
    client.release();

    expect((await writing).statusCode).toBe(202);
    const late = await waiting;
    const { rows } = await api.pool.query('select from idempotency_key where key = $1', [key]);
    expect([late.statusCode, rows.length]).toEqual([503, 0]);
    const again = await waitFor(
      async () => {
        const answer = await pay(key, body);
        return answer.statusCode !== 503 && answer;
      },
      { what: 'room in the queue' },
    );
    expect([again.statusCode, again.headers['idempotent-replayed']]).toEqual([202, undefined]);
    await waitFor(async () => (await readiness())[0] === 200, {
      what: 'an instance that is ready',
    });
    await blocker.stop();
  });
});

describe('an instance where as many wait as may', () => {
  it('answers who comes then at once', async () => {
    await start({ waitingMax: 1 });
    const first = payWaiting('wait=30');
    await waitFor(() => api.deps.waiters.isFull, { what: 'a request that waits' });
    const second = await payWaiting('wait=30');
    expect([second.statusCode, second.json().status]).toEqual([202, 'REQUESTED']);
    // The first, which came before it, waits on.
    expect(api.deps.waiters.isFull).toBe(true);
    await api.deps.waiters.stop();
    expect((await first).statusCode).toBe(202);
  });

  const payWaiting = (prefer: string) =>
    api.call({
      method: 'POST',
      url: PAYMENTS,
      token: merchant.secretKey,
      headers: { 'idempotency-key': newId(), prefer },
      payload: bodyOf(uniqueOrder()),
    });
});

async function isBlocked({ pool }: TestApi): Promise<boolean> {
  const { rows } = await pool.query<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity
     where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return (rows[0]?.count ?? 0) > 0;
}
