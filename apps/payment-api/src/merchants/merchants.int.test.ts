import { addDays, businessDateOf, EVENT_SCHEMAS } from '@mini-pg/domain';
import { newId } from '@mini-pg/runtime';
import { createTestDatabase, type TestDatabase } from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  newKey,
  newMerchant,
  operatorToken,
  startApi,
  TERMS,
  type TestApi,
} from '../../test/support/api-fixture.ts';
import { STOPPED_REDIS_URL, uniquePrefix } from '../../test/support/intake-fixture.ts';
import { migrations } from '../db/migrations/index.ts';

const MERCHANTS = '/api/v1/admin/merchants';
const NOW = new Date('2026-03-31T03:00:00.000Z');
const TODAY = '2026-03-31';
const TOMORROW = '2026-04-01';

let database: TestDatabase;
let api: TestApi;

beforeAll(async () => {
  database = await createTestDatabase({ payment: migrations });
  api = await startApi({
    database,
    prefix: uniquePrefix(),
    redisUrl: STOPPED_REDIS_URL,
    overrides: { clock: { now: () => NOW } },
  });
});

afterAll(async () => {
  await api.stop();
  await database.drop();
});

const admin = operatorToken('admin', { name: 'lee' });

function post(url: string, payload: unknown, token = admin) {
  return api.call({ method: 'POST', url, token, payload: payload as object });
}

function patch(id: string, payload: unknown, token = admin) {
  return api.call({
    method: 'PATCH',
    url: `${MERCHANTS}/${id}`,
    token,
    payload: payload as object,
  });
}

function read(id: string, token = admin) {
  return api.call({ method: 'GET', url: `${MERCHANTS}/${id}`, token });
}

function revoke(id: string, keyId: string, token = admin) {
  return api.call({ method: 'DELETE', url: `${MERCHANTS}/${id}/keys/${keyId}`, token });
}

async function announced(merchantId: string) {
  const { rows } = await api.pool.query<{ key: string; payload: string; headers: object }>(
    `select key, payload, headers from outbox
     where topic = 'merchant.updated' and key = $1 order by seq`,
    [merchantId],
  );
  return rows.map((row) => ({
    headers: row.headers,
    data: EVENT_SCHEMAS['merchant.updated'].parse(JSON.parse(row.payload)).data,
  }));
}

async function actions(merchantId: string) {
  const { rows } = await api.pool.query<{ operator: string; action: string; detail: object }>(
    'select operator, action, detail from operator_action where target = $1 order by at, id',
    [merchantId],
  );
  return rows;
}

describe('registering a merchant', () => {
  it('answers it with its first key, from today', async () => {
    const response = await post(MERCHANTS, { name: '한빛 서점', terms: TERMS });
    expect(response.statusCode).toBe(201);
    const merchant = response.json();
    expect(merchant).toEqual({
      id: expect.any(String),
      name: '한빛 서점',
      status: 'ACTIVE',
      terms: [{ ...TERMS, from: TODAY }],
      secretKey: expect.stringMatching(/^sk_live_[0-9A-Za-z]{32}$/),
      keyId: expect.any(String),
    });
    expect(response.headers.location).toBe(`${MERCHANTS}/${merchant.id}`);
  });

  it('takes the date that is given for the first terms, also one that is past', async () => {
    const terms = { ...TERMS, from: '2020-01-01' };
    expect((await post(MERCHANTS, { name: 'a', terms })).json().terms).toEqual([terms]);
  });

  it('refuses first terms that begin later: what is paid before could not be settled', async () => {
    const response = await post(MERCHANTS, { name: 'a', terms: { ...TERMS, from: TOMORROW } });
    expect(response.statusCode).toBe(400);
    expect(response.json().errors).toEqual([
      { pointer: '/terms/from', message: expect.stringContaining('today') },
    ]);
  });

  it('stores the key as its hash only', async () => {
    const { secretKey } = await newMerchant(api);
    const { rows } = await api.pool.query('select to_jsonb(k)::text as row from merchant_key k');
    expect(JSON.stringify(rows)).not.toContain(secretKey.slice(8));
    const { rows: hashed } = await api.pool.query(
      `select from merchant_key where key_hash = sha256(convert_to($1, 'UTF8'))`,
      [secretKey],
    );
    expect(hashed).toHaveLength(1);
  });

  it('announces it and records who did it, without the key', async () => {
    const merchant = await newMerchant(api);
    const [event] = await announced(merchant.id);
    expect(event?.data).toEqual({
      merchantId: merchant.id,
      name: 'Hanbit Books',
      status: 'ACTIVE',
      terms: [{ ...TERMS, from: TODAY }],
      version: 1,
      updatedAt: NOW.toISOString(),
    });
    expect(event?.headers).toEqual({ traceparent: expect.stringMatching(/^00-/) });
    const [action] = await actions(merchant.id);
    expect(action).toMatchObject({ operator: 'kim', action: 'MERCHANT_CREATED' });
    expect(JSON.stringify(action)).not.toContain(merchant.secretKey.slice(8));
  });
});

describe('a registered merchant', () => {
  it('is read with its terms and live keys, never a secret', async () => {
    const merchant = await newMerchant(api);
    const response = await read(merchant.id, operatorToken('viewer'));
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({
      id: merchant.id,
      name: 'Hanbit Books',
      status: 'ACTIVE',
      version: 1,
      terms: [{ ...TERMS, from: TODAY }],
      keys: [{ keyId: merchant.keyId, livemode: true, createdAt: expect.any(String) }],
    });
  });

  it('keeps what a change leaves out, and every change is a version that is announced', async () => {
    const { id } = await newMerchant(api);
    expect((await patch(id, { name: 'Hanbit' })).json()).toMatchObject({
      name: 'Hanbit',
      status: 'ACTIVE',
      version: 2,
    });
    expect((await patch(id, { status: 'SUSPENDED' })).json()).toMatchObject({
      name: 'Hanbit',
      status: 'SUSPENDED',
      version: 3,
    });
    const events = await announced(id);
    expect(events.map(({ data }) => [data.version, data.name, data.status])).toEqual([
      [1, 'Hanbit Books', 'ACTIVE'],
      [2, 'Hanbit', 'ACTIVE'],
      [3, 'Hanbit', 'SUSPENDED'],
    ]);
    expect((await actions(id)).map(({ operator, action }) => [operator, action])).toEqual([
      ['kim', 'MERCHANT_CREATED'],
      ['lee', 'MERCHANT_UPDATED'],
      ['lee', 'MERCHANT_UPDATED'],
    ]);
  });

  it('gets new terms from tomorrow on, and announces all of them', async () => {
    const { id } = await newMerchant(api);
    const response = await patch(id, { terms: { ...TERMS, feePpm: 25_000 } });
    const terms = [
      { ...TERMS, from: TODAY },
      { ...TERMS, feePpm: 25_000, from: TOMORROW },
    ];
    expect(response.statusCode).toBe(200);
    expect(response.json().terms).toEqual(terms);
    expect((await announced(id)).at(-1)?.data.terms).toEqual(terms);
  });

  it('may have terms replaced that are not in effect yet', async () => {
    const { id } = await newMerchant(api);
    await patch(id, { terms: { ...TERMS, feePpm: 25_000, from: '2026-05-01' } });
    const response = await patch(id, { terms: { ...TERMS, feePpm: 20_000, from: '2026-05-01' } });
    expect(response.json().terms.map((t: { feePpm: number }) => t.feePpm)).toEqual([
      29_000, 20_000,
    ]);
  });

  it.each([TODAY, '2020-01-01'])('refuses terms from %s and keeps everything', async (from) => {
    const { id } = await newMerchant(api);
    const response = await patch(id, { name: 'other', terms: { ...TERMS, from } });
    expect(response.statusCode).toBe(422);
    expect(response.json().code).toBe('TERMS_TOO_EARLY');
    expect((await read(id)).json()).toMatchObject({ name: 'Hanbit Books', version: 1 });
    expect(await announced(id)).toHaveLength(1);
  });

  it('takes changes that come at once, one version each', async () => {
    const { id } = await newMerchant(api);
    const names = Array.from({ length: 6 }, (_, index) => `name ${index}`);
    const answers = await Promise.all(names.map((name) => patch(id, { name })));
    expect(answers.map((answer) => answer.statusCode)).toEqual(names.map(() => 200));
    expect((await announced(id)).map(({ data }) => data.version)).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });
});

describe('the keys of a merchant', () => {
  it('are live ones unless it is said otherwise', async () => {
    const { id } = await newMerchant(api);
    const response = await post(`${MERCHANTS}/${id}/keys`, {});
    expect(response.statusCode).toBe(201);
    expect(response.json()).toEqual({
      keyId: expect.any(String),
      secretKey: expect.stringMatching(/^sk_live_/),
      livemode: true,
    });
  });

  it('are two of a mode at the most, each mode for itself', async () => {
    const { id } = await newMerchant(api);
    await newKey(api, id, true);
    const third = await post(`${MERCHANTS}/${id}/keys`, { livemode: true });
    expect(third.statusCode).toBe(409);
    expect(third.json().code).toBe('KEY_LIMIT_REACHED');
    await newKey(api, id, false);
    await newKey(api, id, false);
    expect((await post(`${MERCHANTS}/${id}/keys`, { livemode: false })).statusCode).toBe(409);
  });

  it('are two of a mode at the most, however many are asked for at once', async () => {
    const { id } = await newMerchant(api);
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => post(`${MERCHANTS}/${id}/keys`, { livemode: false })),
    );
    const statuses = answers.map((answer) => answer.statusCode);
    expect(statuses.filter((status) => status === 201)).toHaveLength(2);
    expect(statuses.filter((status) => status === 409)).toHaveLength(6);
    expect((await read(id)).json().keys).toHaveLength(3);
  });

  it('make room when one is revoked, and the last may go', async () => {
    const merchant = await newMerchant(api);
    const second = await newKey(api, merchant.id, true);
    expect((await revoke(merchant.id, merchant.keyId)).statusCode).toBe(204);
    const third = await newKey(api, merchant.id, true);
    await revoke(merchant.id, second.keyId);
    await revoke(merchant.id, third.keyId);
    expect((await read(merchant.id)).json().keys).toEqual([]);
  });

  it('are recorded as made and revoked, without their secret, and announce nothing', async () => {
    const merchant = await newMerchant(api);
    const { keyId, secretKey } = await newKey(api, merchant.id, false);
    await revoke(merchant.id, keyId);
    await revoke(merchant.id, keyId);
    const recorded = await actions(merchant.id);
    expect(recorded.map(({ operator, action }) => [operator, action])).toEqual([
      ['kim', 'MERCHANT_CREATED'],
      ['kim', 'KEY_CREATED'],
      ['lee', 'KEY_REVOKED'],
    ]);
    expect(recorded[1]?.detail).toMatchObject({ keyId, livemode: false });
    expect(JSON.stringify(recorded)).not.toContain(secretKey.slice(8));
    expect(await announced(merchant.id)).toHaveLength(1);
  });

  it('are revoked again without an error, and only under their own merchant', async () => {
    const merchant = await newMerchant(api);
    const other = await newMerchant(api);
    expect((await revoke(other.id, merchant.keyId)).statusCode).toBe(404);
    expect((await revoke(merchant.id, newId())).statusCode).toBe(404);
    expect((await revoke(merchant.id, merchant.keyId)).statusCode).toBe(204);
    expect((await revoke(merchant.id, merchant.keyId)).statusCode).toBe(204);
  });
});

describe('roles', () => {
  it.each(['operator', 'admin'] as const)('of %s may change', async (role) => {
    const token = operatorToken(role);
    expect((await post(MERCHANTS, { name: 'a', terms: TERMS }, token)).statusCode).toBe(201);
  });

  it('of viewer may only read', async () => {
    const { id, keyId } = await newMerchant(api);
    const token = operatorToken('viewer');
    const refused = [
      await post(MERCHANTS, { name: 'a', terms: TERMS }, token),
      await patch(id, { name: 'b' }, token),
      await post(`${MERCHANTS}/${id}/keys`, {}, token),
      await revoke(id, keyId, token),
    ];
    expect(refused.map((r) => [r.statusCode, r.json().code])).toEqual(
      refused.map(() => [403, 'FORBIDDEN']),
    );
    expect((await read(id)).json()).toMatchObject({ version: 1, keys: [{ keyId }] });
  });
});

describe('bad input', () => {
  it.each([
    [{}, ['/name', '/terms']],
    [{ name: '', terms: TERMS }, ['/name']],
    [{ name: 'x'.repeat(101), terms: TERMS }, ['/name']],
    [{ name: 'a\u0000b', terms: TERMS }, ['/name']],
    [{ name: 'a', terms: TERMS, colour: 'red' }, ['/colour']],
    [{ name: 'a', terms: { ...TERMS, rate: 1 } }, ['/terms/rate']],
    [{ name: 'a', terms: { ...TERMS, feePpm: 1_000_001 } }, ['/terms/feePpm']],
    [{ name: 'a', terms: { ...TERMS, feePpm: -1 } }, ['/terms/feePpm']],
    [{ name: 'a', terms: { ...TERMS, feePpm: 1.5 } }, ['/terms/feePpm']],
    [{ name: 'a', terms: { ...TERMS, feePpm: '29000' } }, ['/terms/feePpm']],
    [{ name: 'a', terms: { ...TERMS, vatMode: 'NONE' } }, ['/terms/vatMode']],
    [{ name: 'a', terms: { ...TERMS, payoutDays: 0 } }, ['/terms/payoutDays']],
    [{ name: 'a', terms: { ...TERMS, from: '2026-02-30' } }, ['/terms/from']],
    [{ name: 'a', terms: { ...TERMS, from: '0000-01-01' } }, ['/terms/from']],
    [[], ['']],
    [null, ['']],
  ])('to register %j is 400 and points at %j', async (payload, pointers) => {
    const response = await api.call({
      method: 'POST',
      url: MERCHANTS,
      token: admin,
      headers: { 'content-type': 'application/json' },
      payload: JSON.stringify(payload),
    });
    expect(response.statusCode).toBe(400);
    expect(response.headers['content-type']).toContain('application/problem+json');
    expect(response.json().code).toBe('VALIDATION_FAILED');
    expect(response.json().errors.map((e: { pointer: string }) => e.pointer)).toEqual(pointers);
  });

  it.each([[{}], [{ status: 'CLOSED' }], [{ id: newId() }], [{ name: null }]])(
    'to change %j is 400',
    async (payload) => {
      const { id } = await newMerchant(api);
      expect((await patch(id, payload)).statusCode).toBe(400);
    },
  );

  it.each([
    ['{"name":', 'application/json', 400, 'MALFORMED_REQUEST'],
    ['', 'application/json', 400, 'MALFORMED_REQUEST'],
    ['name=a', 'application/x-www-form-urlencoded', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    [JSON.stringify({ name: 'x'.repeat(70_000) }), 'application/json', 413, 'BODY_TOO_LARGE'],
  ])('of bytes %.20j as %s is %i', async (payload, type, status, code) => {
    const headers = { 'content-type': type };
    const options = { method: 'POST', url: MERCHANTS, token: admin, headers, payload } as const;
    const response = await api.call(options);
    expect([response.statusCode, response.json().code]).toEqual([status, code]);
  });

  it.each(['x', '123', '01a1fda0-d337-7701-b10c', "' or 1=1"])(
    'as the id %j is 400 INVALID_ID',
    async (id) => {
      const response = await read(encodeURIComponent(id));
      expect([response.statusCode, response.json().code]).toEqual([400, 'INVALID_ID']);
    },
  );

  it('as an id that nobody has is 404', async () => {
    const id = newId();
    expect((await read(id)).statusCode).toBe(404);
    expect((await patch(id, { name: 'a' })).statusCode).toBe(404);
    expect((await post(`${MERCHANTS}/${id}/keys`, {})).statusCode).toBe(404);
  });

  it('as the method is 405 with those that the path takes', async () => {
    const response = await api.call({ method: 'PUT', url: `${MERCHANTS}/${newId()}` });
    expect(response.statusCode).toBe(405);
    expect(String(response.headers.allow).split(', ').sort()).toEqual(['GET', 'HEAD', 'PATCH']);
  });
});

describe('a commit that is never answered', () => {
  beforeAll(async () => {
    await api.pool.query(`
      create function end_session() returns trigger language plpgsql as $$
      begin
        perform pg_terminate_backend(pg_backend_pid());
        return null;
      end $$`);
    await api.pool.query(`
      create constraint trigger end_at_commit after insert on operator_action
      deferrable initially deferred for each row execute function end_session()`);
  });

  afterAll(() => api.pool.query('drop function end_session cascade'));

  it('is told as such, with what to do', async () => {
    const response = await post(MERCHANTS, { name: 'a', terms: TERMS });
    expect([response.statusCode, response.json().code]).toEqual([504, 'RESULT_UNKNOWN']);
    expect(response.json().detail).toContain('read the merchant before you repeat');
  });
});

describe('the real clock', () => {
  it('dates the first terms today in Seoul', async () => {
    const real = await startApi({
      database,
      prefix: uniquePrefix(),
      redisUrl: STOPPED_REDIS_URL,
    });
    try {
      const before = businessDateOf(new Date());
      const { id } = await newMerchant(real);
      const terms = (await real.call({ url: `${MERCHANTS}/${id}`, token: admin })).json().terms;
      expect([before, addDays(before, 1)]).toContain(terms[0].from);
    } finally {
      await real.stop();
    }
  });
});
