import { newId } from '@mini-pg/runtime';
import {
  createTestDatabase,
  startTcpProxy,
  type TcpProxy,
  type TestDatabase,
  waitFor,
} from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  newKey,
  newMerchant,
  operatorToken,
  startApi,
  type TestApi,
} from '../../test/support/api-fixture.ts';
import { STOPPED_REDIS_URL, uniquePrefix } from '../../test/support/intake-fixture.ts';
import { migrations } from '../db/migrations/index.ts';
import { createSecretKey } from './secret-key.ts';

const PAYMENTS = '/api/v1/payments';
const MERCHANTS = '/api/v1/admin/merchants';
const EFFECTIVE_WITHIN_MS = 1_000;

let database: TestDatabase;
let one: TestApi;
let two: TestApi;

beforeAll(async () => {
  database = await createTestDatabase({ payment: migrations });
  // Nothing of this may need Redis.
  const options = { database, prefix: uniquePrefix(), redisUrl: STOPPED_REDIS_URL };
  [one, two] = await Promise.all([startApi(options), startApi(options)]);
});

afterAll(async () => {
  await Promise.all([one.stop(), two.stop()]);
  await database.drop();
});

const list = (api: TestApi, token: string) => api.call({ method: 'GET', url: PAYMENTS, token });

function pay(api: TestApi, token: string) {
  const orderId = `order-${newId()}`;
  const source = { kind: 'window', pg: 'toss', paymentKey: orderId };
  return api.call({
    method: 'POST',
    url: PAYMENTS,
    token,
    headers: { 'idempotency-key': newId() },
    payload: { orderId, amount: 1_000, source },
  });
}

/** Lets the second pass within which a change takes effect. */
async function secondAfter(changedAtMs: number): Promise<void> {
  await waitFor(() => performance.now() - changedAtMs >= EFFECTIVE_WITHIN_MS, {
    what: 'the second to pass',
  });
}

describe('a request without the right key', () => {
  it.each([
    ['no header', undefined],
    ['an empty header', ''],
    ['another scheme', `Basic ${Buffer.from('sk:').toString('base64')}`],
    ['no token', 'Bearer '],
    ['two tokens', 'Bearer a b'],
    ['a token that is no key', 'Bearer sk_live_short'],
    ['a key that nobody has', `Bearer ${createSecretKey(true)}`],
    ["an operator's token", `Bearer ${operatorToken()}`],
  ])('is 401 with a challenge: %s', async (_what, authorization) => {
    const headers = authorization === undefined ? {} : { authorization };
    const response = await one.call({ method: 'GET', url: PAYMENTS, headers });
    expect(response.statusCode).toBe(401);
    expect(response.headers['www-authenticate']).toMatch(/^Bearer realm="mini-pg"/);
    expect(response.json().code).toBe('UNAUTHORIZED');
  });

  it('is refused before its body is read', async () => {
    const headers = { 'content-type': 'application/json' };
    const response = await one.call({ method: 'POST', url: PAYMENTS, headers, payload: '{' });
    expect(response.statusCode).toBe(401);
  });
});

describe('a request with a key', () => {
  it('passes, whatever the case of the scheme', async () => {
    const { secretKey } = await newMerchant(one);
    const headers = { authorization: `bearer ${secretKey}` };
    expect((await one.call({ method: 'GET', url: PAYMENTS, headers })).statusCode).toBe(200);
  });

  it('sees its own mode only', async () => {
    const merchant = await newMerchant(one);
    const test = await newKey(one, merchant.id, false);
    const payment = (await pay(one, merchant.secretKey)).json();
    expect(payment).toMatchObject({ merchantId: merchant.id, livemode: true });
    expect((await list(one, merchant.secretKey)).json().data).toHaveLength(1);
    expect((await list(one, test.secretKey)).json().data).toEqual([]);
    const url = `${PAYMENTS}/${payment.id}`;
    expect((await one.call({ method: 'GET', url, token: test.secretKey })).statusCode).toBe(404);
  });
});

describe("an operator's path", () => {
  it.each([
    ['a merchant key', async () => (await newMerchant(one)).secretKey],
    ['an expired token', async () => operatorToken('admin', { expired: true })],
    ['a forged token', async () => operatorToken('admin', { forged: true })],
    ['an unknown role', async () => operatorToken('root' as never)],
    ['no signature', async () => operatorToken().split('.').slice(0, 2).join('.')],
    ['rubbish', async () => 'rubbish'],
  ])('is 401 with %s', async (_what, token) => {
    const url = `${MERCHANTS}/${newId()}`;
    const response = await one.call({ method: 'GET', url, token: await token() });
    expect(response.statusCode).toBe(401);
    expect(response.headers['www-authenticate']).toContain('error="invalid_token"');
  });
});

describe('a key in use on two instances', () => {
  it('is refused by both a second after it was revoked by one', async () => {
    const { id, keyId, secretKey } = await newMerchant(one);
    expect((await list(one, secretKey)).statusCode).toBe(200);
    expect((await list(two, secretKey)).statusCode).toBe(200);
    const url = `${MERCHANTS}/${id}/keys/${keyId}`;
    await one.call({ method: 'DELETE', url, token: operatorToken() });
    const revokedAtMs = performance.now();
    await secondAfter(revokedAtMs);
    expect((await list(one, secretKey)).statusCode).toBe(401);
    expect((await list(two, secretKey)).statusCode).toBe(401);
  });

  it('makes no payments a second after the suspension, while reads go on', async () => {
    const { id, secretKey } = await newMerchant(one);
    expect((await pay(one, secretKey)).statusCode).toBe(202);
    expect((await pay(two, secretKey)).statusCode).toBe(202);
    const change = { method: 'PATCH', url: `${MERCHANTS}/${id}`, token: operatorToken() } as const;
    await one.call({ ...change, payload: { status: 'SUSPENDED' } });
    await secondAfter(performance.now());
    for (const api of [one, two]) {
      const refused = await pay(api, secretKey);
      expect([refused.statusCode, refused.json().code]).toEqual([403, 'MERCHANT_SUSPENDED']);
      expect((await list(api, secretKey)).json().data).toHaveLength(2);
    }
    await one.call({ ...change, payload: { status: 'ACTIVE' } });
    await secondAfter(performance.now());
    expect((await pay(two, secretKey)).statusCode).toBe(202);
  });

  it('works on the other instance at once when it is new', async () => {
    const { id, secretKey } = await newMerchant(one);
    const second = await newKey(one, id, true);
    expect((await list(two, second.secretKey)).statusCode).toBe(200);
    expect((await list(two, secretKey)).statusCode).toBe(200);
  });
});

describe('a database that is away', () => {
  let proxy: TcpProxy;
  let cut: TestApi;

  beforeAll(async () => {
    const url = new URL(database.urls.payment);
    proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
    url.hostname = '127.0.0.1';
    url.port = String(proxy.port);
    cut = await startApi({
      database,
      prefix: uniquePrefix(),
      redisUrl: STOPPED_REDIS_URL,
      postgresUrl: url.href,
    });
  });

  afterAll(async () => {
    await cut.stop();
    await proxy.stop();
  });

  it('makes every call 503 with Retry-After, and passes by itself', async () => {
    const { id, secretKey } = await newMerchant(one);
    expect((await list(cut, secretKey)).statusCode).toBe(200);
    await proxy.refuse();
    await secondAfter(performance.now());
    const refused = [
      await list(cut, secretKey),
      await cut.call({ method: 'GET', url: `${MERCHANTS}/${id}`, token: operatorToken() }),
      await cut.call({
        method: 'PATCH',
        url: `${MERCHANTS}/${id}`,
        token: operatorToken(),
        payload: { name: 'b' },
      }),
    ];
    for (const response of refused) {
      expect([response.statusCode, response.json().code]).toEqual([503, 'OVERLOADED']);
      expect(response.headers['retry-after']).toBe('1');
      expect(response.body).not.toMatch(/ECONN|postgres|select/i);
    }
    await proxy.accept();
    expect((await list(cut, secretKey)).statusCode).toBe(200);
  });
});
