import { PAYMENT_STATUSES } from '@mini-pg/domain';
import { newId } from '@mini-pg/runtime';
import { createTestDatabase, type TestDatabase } from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { newKey, newMerchant, startApi, type TestApi } from '../../test/support/api-fixture.ts';
import { STOPPED_REDIS_URL, uniqueOrder, uniquePrefix } from '../../test/support/intake-fixture.ts';
import { completed } from '../../test/support/outcomes.ts';
import { migrations } from '../db/migrations/index.ts';
import { createCursorCodec } from '../http/cursor.ts';
import type { PaymentView } from './view.ts';

const PAYMENTS = '/api/v1/payments';

let database: TestDatabase;
let api: TestApi;
let nowMs = Date.parse('2026-03-31T03:00:00.000Z');

beforeAll(async () => {
  database = await createTestDatabase({ payment: migrations });
  api = await startApi({
    database,
    prefix: uniquePrefix(),
    redisUrl: STOPPED_REDIS_URL,
    overrides: { clock: { now: () => new Date(nowMs) } },
  });
});

afterAll(async () => {
  await api.stop();
  await database.drop();
});

async function pay(secretKey: string, orderId = uniqueOrder()): Promise<PaymentView> {
  const source = { kind: 'window', pg: 'toss', paymentKey: `key-${orderId}` };
  const response = await api.call({
    method: 'POST',
    url: PAYMENTS,
    token: secretKey,
    headers: { 'idempotency-key': newId() },
    payload: { orderId, amount: 10_000, source },
  });
  if (response.statusCode !== 202) throw new Error(response.body);
  return response.json();
}

function list(token: string, query: Record<string, string> | string = {}) {
  const search = typeof query === 'string' ? query : new URLSearchParams(query).toString();
  return api.call({ method: 'GET', url: `${PAYMENTS}?${search}`, token });
}

async function idsOf(token: string, query: Record<string, string> = {}): Promise<string[]> {
  const response = await list(token, query);
  if (response.statusCode !== 200) throw new Error(response.body);
  return response.json().data.map((payment: PaymentView) => payment.id);
}

/** Follows `nextCursor` to the end. */
async function allPages(token: string, query: Record<string, string>): Promise<string[][]> {
  const pages: string[][] = [];
  let cursor: string | null = null;
  do {
    const more: Record<string, string> = cursor === null ? {} : { cursor };
    const page = (await list(token, { ...query, ...more })).json();
    pages.push(page.data.map((payment: PaymentView) => payment.id));
    cursor = page.nextCursor;
  } while (cursor !== null);
  return pages;
}

describe('the payments of a merchant', () => {
  it('come newest first, each once, however the pages are cut', async () => {
    const { secretKey } = await newMerchant(api);
    const ids: string[] = [];
    for (let batch = 0; batch < 5; batch += 1) {
      nowMs += 1;
      // Those of one batch share their instant, so that the id decides.
      const paid = await Promise.all(Array.from({ length: 5 }, () => pay(secretKey)));
      ids.unshift(...paid.map(({ id }) => id).sort((a, b) => (a < b ? 1 : -1)));
    }
    expect(await idsOf(secretKey, { limit: '100' })).toEqual(ids);
    for (const limit of ['1', '3', '5', '24', '25']) {
      const pages = await allPages(secretKey, { limit });
      expect(pages.flat()).toEqual(ids);
      expect(pages.slice(0, -1).every((page) => page.length === Number(limit))).toBe(true);
    }
  });

  it('are twenty a page, and the last page has no cursor', async () => {
    const { secretKey } = await newMerchant(api);
    await Promise.all(Array.from({ length: 21 }, () => pay(secretKey)));
    const pages = await allPages(secretKey, {});
    expect(pages.map((page) => page.length)).toEqual([20, 1]);
  });

  it('do not shift when a new one comes between two pages', async () => {
    const { secretKey } = await newMerchant(api);
    const old = [await pay(secretKey)];
    for (let more = 0; more < 3; more += 1) {
      nowMs += 1;
      old.unshift(await pay(secretKey));
    }
    const first = (await list(secretKey, { limit: '2' })).json();
    nowMs += 1;
    await pay(secretKey);
    const second = (await list(secretKey, { limit: '2', cursor: first.nextCursor })).json();
    expect([...first.data, ...second.data].map(({ id }) => id)).toEqual(old.map(({ id }) => id));
  });

  it('look as they do when they are read alone', async () => {
    const { secretKey } = await newMerchant(api);
    const payment = await pay(secretKey);
    const alone = await api.call({
      method: 'GET',
      url: `${PAYMENTS}/${payment.id}`,
      token: secretKey,
    });
    expect((await list(secretKey)).json().data).toEqual([alone.json()]);
  });

  it("are never another merchant's or another mode's", async () => {
    const [mine, other] = await Promise.all([newMerchant(api), newMerchant(api)]);
    const test = await newKey(api, mine.id, false);
    const orderId = uniqueOrder();
    const payment = await pay(mine.secretKey, orderId);
    for (const token of [other.secretKey, test.secretKey]) {
      expect(await idsOf(token)).toEqual([]);
      expect(await idsOf(token, { orderId })).toEqual([]);
    }
    expect(await idsOf(mine.secretKey, { orderId })).toEqual([payment.id]);
  });

  it('are found by their order', async () => {
    const { secretKey } = await newMerchant(api);
    const payment = await pay(secretKey, 'order-found-by');
    await pay(secretKey, 'order-found-bx');
    expect(await idsOf(secretKey, { orderId: 'order-found-by' })).toEqual([payment.id]);
  });

  it('are found from an instant on, and before another', async () => {
    const { secretKey } = await newMerchant(api);
    const ids: string[] = [];
    const start = nowMs + 1_000;
    for (const offset of [0, 1, 2]) {
      nowMs = start + offset;
      ids.push((await pay(secretKey)).id);
    }
    const at = (offset: number) => new Date(start + offset).toISOString();
    expect(await idsOf(secretKey, { from: at(1) })).toEqual([ids[2], ids[1]]);
    expect(await idsOf(secretKey, { to: at(1) })).toEqual([ids[0]]);
    expect(await idsOf(secretKey, { from: at(1), to: at(2) })).toEqual([ids[1]]);
    expect(await idsOf(secretKey, { from: at(1), to: at(1) })).toEqual([]);
    const seoul = new Date(start + 1 + 9 * 3_600_000).toISOString().replace('Z', '+09:00');
    expect(await idsOf(secretKey, { from: seoul })).toEqual([ids[2], ids[1]]);
  });
});

describe('the status filter', () => {
  const KINDS = [
    'APPROVED',
    'FAILED',
    'CANCEL_REQUESTED',
    'PARTLY',
    'CANCELLED',
    'SETTLED',
  ] as const;
  const DECIDING: readonly string[] = ['APPROVED', 'FAILED', 'PARTLY', 'CANCELLED'];

  /** A payment with a set of facts, as they would be stored. */
  async function given(secretKey: string, kinds: readonly (typeof KINDS)[number][]) {
    const payment = await pay(secretKey);
    const { data } = completed(payment as never).event;
    const cancel = {
      ...data,
      cancelId: newId(),
      cancelAmount: 1,
      cancelTaxFreeAmount: 0,
      cancelledAt: payment.requestedAt,
    };
    const dataOf = {
      APPROVED: data,
      FAILED: { failure: { code: 'EXPIRED', message: '', retryable: true, pgCode: null } },
      PARTLY: { ...cancel, remainingAfter: 4_000 },
      CANCELLED: { ...cancel, remainingAfter: 0 },
      CANCEL_REQUESTED: {
        paymentId: payment.id,
        cancelId: newId(),
        amount: 1,
        taxFreeAmount: 0,
        reason: 'r',
        origin: 'MERCHANT',
        requestedAt: payment.requestedAt,
      },
      SETTLED: { settledAt: payment.requestedAt },
    };
    for (const kind of kinds) {
      await api.pool.query(
        `insert into payment_fact (payment_id, kind, fact_key, event_id, data, occurred_at)
         values ($1, $2, $3, $4, $5, now())`,
        [
          payment.id,
          kind === 'PARTLY' ? 'CANCELLED' : kind,
          newId(),
          newId(),
          JSON.stringify(dataOf[kind]),
        ],
      );
    }
    if (kinds.some((kind) => DECIDING.includes(kind))) {
      await api.pool.query('delete from payment_open where payment_id = $1', [payment.id]);
    }
    return payment.id;
  }

  it('agrees with the status that is answered, for every set of facts', async () => {
    const { secretKey } = await newMerchant(api);
    const sets = Array.from({ length: 2 ** KINDS.length }, (_, bits) =>
      KINDS.filter((_kind, index) => bits & (1 << index)),
    );
    for (const kinds of sets) await given(secretKey, kinds);
    const all: PaymentView[] = (await list(secretKey, { limit: '100' })).json().data;
    expect(all).toHaveLength(sets.length);
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set(PAYMENT_STATUSES));
    for (const status of PAYMENT_STATUSES) {
      const expected = all.filter((payment) => payment.status === status).map(({ id }) => id);
      expect(await idsOf(secretKey, { status, limit: '100' }), status).toEqual(expected);
      expect((await allPages(secretKey, { status, limit: '2' })).flat(), status).toEqual(expected);
    }
  });

  it('goes on beyond what one call looks at', async () => {
    const { secretKey } = await newMerchant(api);
    nowMs += 1_000;
    const rare = await given(secretKey, ['FAILED']);
    await api.pool.query(
      `insert into payment (id, merchant_id, livemode, order_id, amount, tax_free_amount, currency,
                            pg, source, metadata, event_id, requested_at, expires_at)
       select uuidv7(), merchant_id, livemode, order_id, amount, tax_free_amount, currency, pg,
              source, metadata, event_id, requested_at + n * interval '1 second', expires_at
       from payment, generate_series(1, 21000) n where id = $1`,
      [rare],
    );
    const first = (await list(secretKey, { status: 'FAILED' })).json();
    expect(first.data).toEqual([]);
    expect(first.nextCursor).not.toBeNull();
    expect((await allPages(secretKey, { status: 'FAILED' })).flat()).toEqual([rare]);
  });

  it('finds what has no outcome among many that do not', async () => {
    const { secretKey } = await newMerchant(api);
    const open = await given(secretKey, ['SETTLED']);
    nowMs += 1;
    await given(secretKey, ['APPROVED']);
    expect(await idsOf(secretKey, { status: 'REQUESTED' })).toEqual([open]);
  });
});

describe('bad input', () => {
  const codec = createCursorCodec('payments', z.tuple([z.string(), z.string()]));
  const settlements = createCursorCodec('settlements', z.tuple([z.string(), z.string()]));
  const TOO_LATE = '999999999999999999';

  it.each([
    ['limit=0', 'limit'],
    ['limit=101', 'limit'],
    ['limit=ten', 'limit'],
    ['limit=', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['status=PAID', 'status'],
    ['status=READY', 'status'],
    ['orderId=a', 'orderId'],
    ['orderId=a%20b%20c%20d', 'orderId'],
    ['from=2026-03-31', 'from'],
    ['from=0000-01-01T00:00:00Z', 'from'],
    ['to=yesterday', 'to'],
    ['from=2026-04-01T00:00:00Z&to=2026-03-31T00:00:00Z', 'from'],
    ['cursor=', 'cursor'],
    ['sort=amount', 'sort'],
  ])('of ?%s is 400 and names %s', async (query, parameter) => {
    const { secretKey } = await newMerchant(api);
    const response = await list(secretKey, query);
    expect([response.statusCode, response.json().code]).toEqual([400, 'VALIDATION_FAILED']);
    expect(response.json().errors[0].pointer).toBe(parameter);
  });

  it.each([
    ['rubbish', 'rubbish'],
    ["another call's", settlements.encode(['2026-03-31', newId()])],
    ['a time that no clock shows', codec.encode([TOO_LATE, newId()])],
    ['no id', codec.encode(['1', 'x'])],
    ['SQL', codec.encode(["1' or 1=1", newId()])],
  ])('as a cursor is 400 INVALID_CURSOR: %s', async (_what, cursor) => {
    const { secretKey } = await newMerchant(api);
    const response = await list(secretKey, { cursor });
    expect([response.statusCode, response.json().code]).toEqual([400, 'INVALID_CURSOR']);
  });

  it('as the method is 405', async () => {
    const response = await api.call({ method: 'DELETE', url: PAYMENTS });
    expect(response.statusCode).toBe(405);
    expect(String(response.headers.allow).split(', ').sort()).toEqual(['GET', 'HEAD', 'POST']);
  });
});
