import { createRegistry, Health, newId } from '@mini-pg/runtime';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Books, createBooks } from '../../test/support/books.ts';
import { completed } from '../../test/support/events.ts';
import { OPERATOR_PUBLIC_KEY, operatorToken } from '../../test/support/operators.ts';
import { silent } from '../../test/support/site.ts';
import { buildApp } from '../app.ts';
import type { Deps } from '../deps.ts';

const RUNS = '/api/v1/admin/settlement-runs';
const HELD = '/api/v1/admin/facts/held';

let books: Books;
let app: FastifyInstance;
const unknownMerchant = newId();

beforeAll(async () => {
  books = await createBooks();
  const merchantId = await books.addMerchant('2026-03-12');
  await books.store(
    completed({ merchantId, amount: 50_000, approvedAt: '2026-03-12T03:00:00Z' }),
    completed({ merchantId, amount: 700, approvedAt: '2026-03-11T03:00:00Z' }),
    completed({ merchantId: unknownMerchant, approvedAt: '2026-03-13T03:00:00Z' }),
    completed({ merchantId: unknownMerchant, approvedAt: '2026-03-13T04:00:00Z' }),
  );
  await books.close('2026-03-13');
  const deps = {
    pool: books.pool,
    logger: silent,
    registry: createRegistry('test'),
    health: new Health(),
    config: { OPERATOR_PUBLIC_KEY },
  };
  app = buildApp(deps as unknown as Deps);
});
afterAll(async () => {
  await app.close();
  await books.drop();
});

async function get(url: string, token: string | null = operatorToken('viewer')) {
  const response = await app.inject({
    url,
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
  });
  return { status: response.statusCode, headers: response.headers, body: response.json() };
}

describe('the views for operators', () => {
  it.each([
    ['without a token', null],
    ['with a token that is over', operatorToken('admin', -60)],
    ['with a merchant key', 'sk_live_0123456789abcdef0123456789abcdef'],
  ])('are closed %s', async (_what, token) => {
    for (const url of [RUNS, HELD]) {
      const { status, headers, body } = await get(url, token);
      expect(status).toBe(401);
      expect(body.code).toBe('UNAUTHORIZED');
      expect(headers['www-authenticate']).toBe('Bearer');
    }
  });

  it('list runs with their control totals, newest date first, in pages', async () => {
    const first = await get(`${RUNS}?limit=2`);
    expect(first.body.data).toMatchObject([
      { date: '2026-03-13', status: 'CLOSED', factsHeld: 3, totals: [] },
      {
        date: '2026-03-12',
        status: 'CLOSED',
        requestedBy: 'test',
        tries: 1,
        factsHeld: 1,
        failure: null,
        totals: [
          { stage: 'FACTS', currency: 'KRW', count: 1, gross: 50_000, fee: null, net: null },
          { stage: 'ITEMS', currency: 'KRW', count: 1, gross: 50_000, fee: 1_650, net: 48_185 },
          { stage: 'STATEMENTS', currency: 'KRW', count: 1, gross: 50_000, fee: 1_650 },
        ],
      },
    ]);
    const second = await get(`${RUNS}?limit=2&cursor=${first.body.nextCursor}`);
    expect(second.body).toMatchObject({ data: [{ date: '2026-03-11' }], nextCursor: null });
  });

  it('list the facts that are held with the reason, oldest sale first, in pages', async () => {
    const first = await get(`${HELD}?limit=2`);
    expect(first.body.data).toMatchObject([
      { reason: 'NO_TERMS', saleDate: '2026-03-11', amount: 700, currency: 'KRW' },
      { reason: 'NO_MERCHANT', saleDate: '2026-03-13', merchantId: unknownMerchant },
    ]);
    const second = await get(`${HELD}?limit=2&cursor=${first.body.nextCursor}`);
    expect(second.body.data).toMatchObject([{ reason: 'NO_MERCHANT', amount: 10_000 }]);
    expect(second.body.nextCursor).toBeNull();
    expect(second.body.data[0].id).not.toBe(first.body.data[1].id);
  });

  it.each([
    [`${RUNS}?limit=0`, 'VALIDATION_FAILED', 'limit'],
    [`${RUNS}?limit=101`, 'VALIDATION_FAILED', 'limit'],
    [`${HELD}?limit=x`, 'VALIDATION_FAILED', 'limit'],
    [`${HELD}?page=2`, 'VALIDATION_FAILED', 'page'],
    [`${HELD}?cursor=%21`, 'INVALID_CURSOR', undefined],
    [`${RUNS}?cursor=eyJ4IjoxfQ`, 'INVALID_CURSOR', undefined],
  ])('refuse %s', async (url, code, pointer) => {
    const { status, body } = await get(url);
    expect({ status, code: body.code }).toEqual({ status: 400, code });
    expect(body.errors?.[0]?.pointer).toBe(pointer);
  });

  it('tell which methods a path takes', async () => {
    const response = await app.inject({ method: 'DELETE', url: RUNS });
    expect(response.statusCode).toBe(405);
    expect(response.headers.allow).toContain('GET');
  });
});
