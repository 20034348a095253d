import { createTestDatabase, type TestDatabase, testStack, waitFor } from '@mini-pg/testing';
import type { LightMyRequestResponse } from 'fastify';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  newMerchant,
  operatorToken,
  startApi,
  type TestApi,
} from '../../test/support/api-fixture.ts';
import { STOPPED_REDIS_URL, uniquePrefix } from '../../test/support/intake-fixture.ts';
import { migrations } from '../db/migrations/index.ts';

const PAYMENTS = '/api/v1/payments';
const LIMIT = 5;
/** More than any instance takes in the windows that this many requests can reach into. */
const BURST = 200;

let database: TestDatabase;
/** Registers the merchants: its requests count for nobody who is tested. */
let office: TestApi;

beforeAll(async () => {
  database = await createTestDatabase({ payment: migrations });
  office = await startApi({ database, prefix: uniquePrefix(), redisUrl: STOPPED_REDIS_URL });
});

afterAll(async () => {
  await office.stop();
  await database.drop();
});

const list = (api: TestApi, token: string, remoteAddress = '192.0.2.1') =>
  api.call({ method: 'GET', url: PAYMENTS, token, remoteAddress });

function burst(call: (index: number) => Promise<LightMyRequestResponse>) {
  return Promise.all(Array.from({ length: BURST }, (_, index) => call(index)));
}

const statusesOf = (responses: readonly LightMyRequestResponse[]) =>
  new Set(responses.map((response) => response.statusCode));

function assertLimited(response: LightMyRequestResponse | undefined): void {
  expect(response?.json().code).toBe('RATE_LIMITED');
  expect(response?.headers['content-type']).toContain('application/problem+json');
  expect(response?.headers['retry-after']).toBe('1');
}

describe.each([
  ['Redis running', undefined],
  ['Redis stopped', STOPPED_REDIS_URL],
])('the rate limit with %s', (_state, redisUrl) => {
  let one: TestApi;

  beforeAll(async () => {
    one = await startApi({
      database,
      prefix: uniquePrefix(),
      limits: { requestsPerSecond: LIMIT },
      ...(redisUrl !== undefined && { redisUrl }),
    });
    if (redisUrl === undefined) await connected(one);
  });

  afterAll(() => one.stop());

  it('refuses what is above it with 429 and Retry-After', async () => {
    const { secretKey } = await newMerchant(office);
    const responses = await burst(() => list(one, secretKey));
    expect(statusesOf(responses)).toEqual(new Set([200, 429]));
    assertLimited(responses.find((response) => response.statusCode === 429));
  });

  it('takes requests again when the second is over', async () => {
    const { secretKey } = await newMerchant(office);
    await burst(() => list(one, secretKey));
    await waitFor(async () => (await list(one, secretKey)).statusCode === 200, {
      what: 'a request to be taken again',
      intervalMs: 250,
    });
  });

  it('is each for itself: merchants and operators do not use up that of others', async () => {
    const [busy, quiet] = [await newMerchant(office), await newMerchant(office)];
    await burst(() => list(one, busy.secretKey));
    expect((await list(one, quiet.secretKey)).statusCode).toBe(200);
    const url = `/api/v1/admin/merchants/${quiet.id}`;
    const token = operatorToken('viewer', { name: 'park' });
    expect((await one.call({ method: 'GET', url, token })).statusCode).toBe(200);
  });

  it('counts requests without a key by their address', async () => {
    const { secretKey } = await newMerchant(office);
    const responses = await burst(() => list(one, 'sk_live_wrong', '192.0.2.66'));
    expect(statusesOf(responses)).toEqual(new Set([401, 429]));
    assertLimited(responses.find((response) => response.statusCode === 429));
    expect((await list(one, 'sk_live_wrong', '192.0.2.67')).statusCode).toBe(401);
    expect((await list(one, secretKey, '192.0.2.66')).statusCode).toBe(200);
  });

  it('counts an IPv6 network as one address', async () => {
    const responses = await burst((index) =>
      list(one, 'sk_live_wrong', `2001:db8:0:1::${(index + 1).toString(16)}`),
    );
    expect(statusesOf(responses)).toEqual(new Set([401, 429]));
  });

  it('never refuses a probe', async () => {
    const probes = await burst(() => one.call({ method: 'GET', url: '/health/live' }));
    expect(statusesOf(probes)).toEqual(new Set([200]));
  });
});

describe('the rate limit of two instances that share Redis', () => {
  it('is one: what one took is gone for the other', async () => {
    const options = {
      database,
      prefix: uniquePrefix(),
      limits: { requestsPerSecond: 1 },
    };
    const [one, two] = await Promise.all([startApi(options), startApi(options)]);
    const observer = createClient({ url: testStack().redisUrl });
    await observer.connect();
    try {
      await Promise.all([connected(one), connected(two)]);
      const merchant = await newMerchant(office);
      // The window is held open, so that the answer does not hang on how fast this test runs.
      const counter = `${options.prefix}rate:merchant:${merchant.id}`;
      await observer.set(counter, '0', { PX: 60_000 });
      expect((await list(one, merchant.secretKey)).statusCode).toBe(200);
      const refused = await list(two, merchant.secretKey);
      expect(refused.statusCode).toBe(429);
      expect(Number(refused.headers['retry-after'])).toBeGreaterThan(50);
      expect(await observer.get(counter)).toBe('2');
    } finally {
      await Promise.all([one.stop(), two.stop(), observer.close()]);
    }
  });

  it.each(['GET', 'HEAD', 'POST'] as const)('counts a %s once', async (method) => {
    const prefix = uniquePrefix();
    const one = await startApi({ database, prefix });
    const observer = createClient({ url: testStack().redisUrl });
    await observer.connect();
    try {
      await connected(one);
      const { id, secretKey } = await newMerchant(office);
      await observer.set(`${prefix}rate:merchant:${id}`, '0', { PX: 60_000 });
      await one.call({ method, url: PAYMENTS, token: secretKey });
      expect(await observer.get(`${prefix}rate:merchant:${id}`)).toBe('1');
    } finally {
      await Promise.all([one.stop(), observer.close()]);
    }
  });

  it('takes exactly as many as it allows of requests that come at once', async () => {
    const prefix = uniquePrefix();
    const one = await startApi({ database, prefix, limits: { requestsPerSecond: LIMIT } });
    const observer = createClient({ url: testStack().redisUrl });
    await observer.connect();
    try {
      await connected(one);
      const { id, secretKey } = await newMerchant(office);
      const counter = `${prefix}rate:merchant:${id}`;
      await observer.set(counter, '0', { PX: 60_000 });
      const responses = await burst(() => list(one, secretKey));
      const taken = responses.filter((response) => response.statusCode === 200);
      expect(taken).toHaveLength(LIMIT);
      expect(await observer.get(counter)).toBe(String(BURST));
    } finally {
      await Promise.all([one.stop(), observer.close()]);
    }
  });

  it('gives a counter an end, whatever was left behind', async () => {
    const prefix = uniquePrefix();
    const one = await startApi({ database, prefix });
    const observer = createClient({ url: testStack().redisUrl });
    await observer.connect();
    try {
      await connected(one);
      const { id, secretKey } = await newMerchant(office);
      await observer.set(`${prefix}rate:merchant:${id}`, '3');
      await list(one, secretKey);
      expect(await observer.pTTL(`${prefix}rate:merchant:${id}`)).toBeGreaterThan(-1);
    } finally {
      await Promise.all([one.stop(), observer.close()]);
    }
  });
});

async function connected(api: TestApi): Promise<void> {
  await waitFor(async () => (await api.deps.redis.run((client) => client.ping())) === 'PONG', {
    what: 'Redis',
  });
}
