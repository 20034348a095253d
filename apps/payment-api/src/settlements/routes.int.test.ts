import { addDays } from '@mini-pg/domain';
import { newId } from '@mini-pg/runtime';
import { createTestDatabase, startTcpProxy, type TestDatabase } from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type NewMerchant,
  newKey,
  newMerchant,
  startApi,
  type TestApi,
} from '../../test/support/api-fixture.ts';
import { STOPPED_REDIS_URL, uniquePrefix } from '../../test/support/intake-fixture.ts';
import { item, type Statement, statement } from '../../test/support/settlements.ts';
import { migrations } from '../db/migrations/index.ts';
import { createSettlementProjection, type ProjectSettlements } from './projection.ts';

const SETTLEMENTS = '/api/v1/settlements';

let database: TestDatabase;
let api: TestApi;
let project: ProjectSettlements;

beforeAll(async () => {
  database = await createTestDatabase({ payment: migrations });
  api = await startApi({ database, prefix: uniquePrefix(), redisUrl: STOPPED_REDIS_URL });
  project = createSettlementProjection(api.deps);
});

afterAll(async () => {
  await api.stop();
  await database.drop();
});

function get(token: string, path: string, accept?: string) {
  const headers = accept === undefined ? {} : { accept };
  return api.call({ method: 'GET', url: `${SETTLEMENTS}${path}`, token, headers });
}

async function closed(
  merchant: NewMerchant,
  options: Partial<Parameters<typeof statement>[0]> = {},
): Promise<Statement> {
  const made = statement({ merchantId: merchant.id, ...options });
  await project([made.closed, ...made.parts]);
  return made;
}

const datesOf = (body: { data: { date: string }[] }) => body.data.map(({ date }) => date);

describe('a settlement', () => {
  it('is read as it was closed', async () => {
    const merchant = await newMerchant(api);
    const { id } = await closed(merchant);
    const response = await get(merchant.secretKey, `/${id}`);
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({
      id,
      merchantId: merchant.id,
      livemode: true,
      date: '2026-03-31',
      currency: 'KRW',
      count: 3,
      gross: 10_000 + 10_001 - 10_002,
      fee: 290,
      vat: 29,
      net: 9_999 - 290 - 29,
      carryIn: 0,
      payout: 9_680,
      carryOut: 0,
      payoutDate: '2026-04-03',
      status: 'CLOSED',
      closedAt: '2026-03-31T15:10:00.000Z',
    });
  });

  it.each([
    { carryIn: -680, payout: 9_000, carryOut: 0 },
    { carryIn: -10_000, payout: 0, carryOut: -320 },
  ])('pays off what earlier ones were short of first: %o', async (shown) => {
    const merchant = await newMerchant(api);
    const { id } = await closed(merchant, { carryIn: shown.carryIn });
    expect((await get(merchant.secretKey, `/${id}`)).json()).toMatchObject(shown);
  });

  it('is RECEIVING, and its items are 409, until all lines are here', async () => {
    const merchant = await newMerchant(api);
    const { id, closed: close, parts } = statement({ merchantId: merchant.id });
    await project([close]);
    expect((await get(merchant.secretKey, `/${id}`)).json().status).toBe('RECEIVING');
    for (const accept of ['application/json', 'text/csv']) {
      const early = await get(merchant.secretKey, `/${id}/items`, accept);
      expect([early.statusCode, early.json().code]).toEqual([409, 'SETTLEMENT_INCOMPLETE']);
      expect(early.headers['retry-after']).toBe('5');
    }
    await project(parts);
    expect((await get(merchant.secretKey, `/${id}`)).json().status).toBe('CLOSED');
    expect((await get(merchant.secretKey, `/${id}/items`)).statusCode).toBe(200);
  });

  it.each(['', '/items'])('%s is 404 to another merchant and to the other mode', async (path) => {
    const [mine, other] = await Promise.all([newMerchant(api), newMerchant(api)]);
    const test = await newKey(api, mine.id, false);
    const { id } = await closed(mine);
    for (const token of [other.secretKey, test.secretKey]) {
      expect((await get(token, `/${id}${path}`)).statusCode).toBe(404);
    }
    expect((await get(mine.secretKey, `/${newId()}${path}`)).statusCode).toBe(404);
    const malformed = await get(mine.secretKey, `/x${path}`);
    expect([malformed.statusCode, malformed.json().code]).toEqual([400, 'INVALID_ID']);
  });
});

describe('the settlements of a merchant', () => {
  it('come newest date first, between business dates that are both included', async () => {
    const merchant = await newMerchant(api);
    const dates = Array.from({ length: 5 }, (_, days) => addDays('2026-03-31', days));
    for (const date of dates) await closed(merchant, { date });
    const newest = dates.toReversed();
    const list = async (query = '') => datesOf((await get(merchant.secretKey, query)).json());
    expect(await list()).toEqual(newest);
    expect(await list('?from=2026-04-01')).toEqual(newest.slice(0, 4));
    expect(await list('?to=2026-04-01')).toEqual(newest.slice(3));
    expect(await list('?from=2026-04-01&to=2026-04-02')).toEqual(['2026-04-02', '2026-04-01']);
    expect(await list('?from=2026-04-01&to=2026-04-01')).toEqual(['2026-04-01']);
  });

  it('are paged, also within one date', async () => {
    const merchant = await newMerchant(api);
    for (const date of ['2026-03-31', '2026-03-31', '2026-04-01']) await closed(merchant, { date });
    const all = (await get(merchant.secretKey, '')).json();
    expect(all.nextCursor).toBeNull();
    const seen: { id: string }[] = [];
    let cursor = '';
    do {
      const page = (await get(merchant.secretKey, `?limit=1${cursor}`)).json();
      seen.push(...page.data);
      cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`;
    } while (cursor !== '');
    expect(seen).toEqual(all.data);
  });

  it('are never those of another merchant or mode', async () => {
    const [mine, other] = await Promise.all([newMerchant(api), newMerchant(api)]);
    const test = await newKey(api, mine.id, false);
    await closed(mine);
    expect((await get(other.secretKey, '')).json().data).toEqual([]);
    expect((await get(test.secretKey, '')).json().data).toEqual([]);
  });
});

describe('the items of a settlement', () => {
  it('come page by page in the order of their ids', async () => {
    const merchant = await newMerchant(api);
    const { id, items } = await closed(merchant, { count: 25, perPart: 10 });
    const first = (await get(merchant.secretKey, `/${id}/items`)).json();
    expect(first.data).toEqual(items.slice(0, 20));
    const path = `/${id}/items?cursor=${first.nextCursor}`;
    const second = (await get(merchant.secretKey, path)).json();
    expect(second).toEqual({ data: items.slice(20), nextCursor: null });
  });

  it('are a CSV file when that is accepted', async () => {
    const merchant = await newMerchant(api);
    const { id, items } = await closed(merchant);
    const response = await get(merchant.secretKey, `/${id}/items`, 'text/csv');
    expect(response.statusCode).toBe(200);
    expect(response.headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': `attachment; filename="settlement-2026-03-31-${id}.csv"`,
      vary: expect.stringContaining('accept'),
    });
    const lines = items.map((line) =>
      [line.id, line.kind, line.paymentId, line.orderId, line.saleDate]
        .concat([line.amount, line.fee, line.vat, line.net].map(String))
        .join(','),
    );
    const header = 'id,kind,paymentId,orderId,saleDate,amount,fee,vat,net';
    const text = `${[header, ...lines].join('\r\n')}\r\n`;
    const bytes = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(text)]);
    expect(response.rawPayload.equals(bytes)).toBe(true);
  });

  it('are the whole statement as a file, however long', async () => {
    const merchant = await newMerchant(api);
    const { id, items } = await closed(merchant, { count: 2_345, perPart: 500 });
    const { body } = await get(merchant.secretKey, `/${id}/items`, 'text/csv');
    const lines = body.trimEnd().split('\r\n').slice(1);
    expect(lines.map((line) => line.slice(0, 36))).toEqual(items.map((line) => line.id));
    const net = lines.reduce((sum, line) => sum + Number(line.split(',').at(-1)), 0);
    expect(net).toBe((await get(merchant.secretKey, `/${id}`)).json().net);
  });

  it('tell by HEAD what the file would be', async () => {
    const merchant = await newMerchant(api);
    const { id } = await closed(merchant);
    const response = await api.call({
      method: 'HEAD',
      url: `${SETTLEMENTS}/${id}/items`,
      token: merchant.secretKey,
      headers: { accept: 'text/csv' },
    });
    expect([response.statusCode, response.body]).toEqual([200, '']);
    expect(response.headers['content-type']).toBe('text/csv; charset=utf-8');
  });

  it('never run as a formula', async () => {
    const merchant = await newMerchant(api);
    const { id } = await closed(merchant, { items: [{ ...item(0), orderId: '-SUM-A1' }] });
    const { body } = await get(merchant.secretKey, `/${id}/items`, 'text/csv');
    expect(body).toContain(`,"'-SUM-A1",`);
  });

  it.each([
    ['text/csv;q=0.1, application/json', 'application/json; charset=utf-8'],
    ['application/json;q=0.1, text/csv', 'text/csv; charset=utf-8'],
    ['*/*', 'application/json; charset=utf-8'],
    ['text/*', 'text/csv; charset=utf-8'],
  ])('follow the qualities of Accept %j: %s', async (accept, type) => {
    const merchant = await newMerchant(api);
    const { id } = await closed(merchant);
    const response = await get(merchant.secretKey, `/${id}/items`, accept);
    expect([response.statusCode, response.headers['content-type']]).toEqual([200, type]);
  });

  it('are 406 in any other form', async () => {
    const merchant = await newMerchant(api);
    const { id } = await closed(merchant);
    const response = await get(merchant.secretKey, `/${id}/items`, 'application/pdf');
    expect([response.statusCode, response.json().code]).toEqual([406, 'NOT_ACCEPTABLE']);
  });
});

describe('a database that goes away in the middle of a file', () => {
  it('breaks the transfer, so that a part is never taken for the whole', async () => {
    const url = new URL(database.urls.payment);
    const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
    Object.assign(url, { hostname: '127.0.0.1', port: String(proxy.port) });
    const cut = await startApi({
      database,
      prefix: uniquePrefix(),
      redisUrl: STOPPED_REDIS_URL,
      postgresUrl: url.href,
    });
    try {
      const merchant = await newMerchant(api);
      const { id } = await closed(merchant, { count: 20_000, perPart: 500 });
      const base = await cut.app.listen({ host: '127.0.0.1', port: 0 });
      proxy.delay(20);
      const response = await fetch(`${base}${SETTLEMENTS}/${id}/items`, {
        headers: { authorization: `Bearer ${merchant.secretKey}`, accept: 'text/csv' },
      });
      expect(response.status).toBe(200);
      await proxy.refuse();
      await expect(response.text()).rejects.toThrow();
    } finally {
      await cut.stop();
      await proxy.stop();
    }
  });
});

describe('bad input', () => {
  it.each([
    ['?limit=101', 'limit'],
    ['?from=2026-04-02&to=2026-04-01', 'from'],
    ['?from=2026-02-30', 'from'],
    ['?to=0000-01-01', 'to'],
    ['?from=2026-03-31T00:00:00Z', 'from'],
    ['?status=CLOSED', 'status'],
  ])('of %s is 400 and names %s', async (query, parameter) => {
    const { secretKey } = await newMerchant(api);
    const response = await get(secretKey, query);
    expect([response.statusCode, response.json().code]).toEqual([400, 'VALIDATION_FAILED']);
    expect(response.json().errors[0].pointer).toBe(parameter);
  });

  it('as a cursor is 400', async () => {
    const merchant = await newMerchant(api);
    const { id } = await closed(merchant);
    for (const path of ['?cursor=x', `/${id}/items?cursor=x`]) {
      const response = await get(merchant.secretKey, path);
      expect([response.statusCode, response.json().code]).toEqual([400, 'INVALID_CURSOR']);
    }
  });

  it('that would cut the file is 400', async () => {
    const merchant = await newMerchant(api);
    const { id } = await closed(merchant);
    const response = await get(merchant.secretKey, `/${id}/items?limit=1`, 'text/csv');
    expect([response.statusCode, response.json().errors[0].pointer]).toEqual([400, 'limit']);
  });
});
