import { createTestDatabase, type TestDatabase } from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi, type TestApi } from '../../test/support/api-fixture.ts';
import { STOPPED_REDIS_URL, uniquePrefix } from '../../test/support/intake-fixture.ts';
import { migrations } from '../db/migrations/index.ts';

const SHOP = 'https://shop.example';

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase({ payment: migrations });
});

afterAll(() => database.drop());

async function withOrigins<T>(origins: string[], work: (api: TestApi) => Promise<T>): Promise<T> {
  const prefix = uniquePrefix();
  const api = await startApi({ database, prefix, redisUrl: STOPPED_REDIS_URL, origins });
  try {
    return await work(api);
  } finally {
    await api.stop();
  }
}

function preflight(api: TestApi, origin: string) {
  return api.call({
    method: 'OPTIONS',
    url: '/api/v1/payments',
    headers: { origin, 'access-control-request-method': 'POST' },
  });
}

describe('an answer of the API', () => {
  it.each(['/api/v1/payments', '/health/live', '/nowhere'])(
    'may not be framed, sniffed or kept: %s',
    async (url) => {
      await withOrigins([], async (api) => {
        expect((await api.call({ method: 'GET', url })).headers).toMatchObject({
          'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
          'x-content-type-options': 'nosniff',
          'x-frame-options': 'DENY',
          'referrer-policy': 'no-referrer',
          'cache-control': 'no-store',
          'strict-transport-security': expect.stringContaining('max-age='),
        });
      });
    },
  );

  it('does not say what it is made with', async () => {
    await withOrigins([], async (api) => {
      const { headers } = await api.call({ method: 'GET', url: '/api/v1/payments' });
      expect(headers).not.toHaveProperty('x-powered-by');
      expect(headers).not.toHaveProperty('server');
    });
  });
});

describe('the page of Swagger UI', () => {
  it('may load its own files and nothing else', async () => {
    await withOrigins([], async (api) => {
      const page = await api.call({ method: 'GET', url: '/docs' });
      expect(page.statusCode).toBe(200);
      const policy = String(page.headers['content-security-policy']);
      expect(policy).toContain("default-src 'self'");
      expect(policy).toContain("script-src 'self'");
      expect(policy).not.toMatch(/https:|unsafe|upgrade-insecure|swagger\.io/);
      for (const [, path] of page.body.matchAll(/(?:src|href)="(\/docs[^"]+)"/g)) {
        expect((await api.call({ method: 'GET', url: path ?? '' })).statusCode).toBe(200);
      }
    });
  });
});

describe('CORS', () => {
  it('is off where the profile names no origin', async () => {
    await withOrigins([], async (api) => {
      const response = await preflight(api, SHOP);
      expect(response.statusCode).toBe(405);
      expect(response.headers).not.toHaveProperty('access-control-allow-origin');
    });
  });

  it('allows the origins of the profile, without credentials', async () => {
    await withOrigins([SHOP], async (api) => {
      const { statusCode, headers } = await preflight(api, SHOP);
      expect(statusCode).toBe(204);
      expect(headers['access-control-allow-origin']).toBe(SHOP);
      expect(headers['access-control-allow-methods']).toContain('PATCH');
      expect(headers).not.toHaveProperty('access-control-allow-credentials');
    });
  });

  it('allows no other origin', async () => {
    await withOrigins([SHOP], async (api) => {
      const { headers } = await preflight(api, 'https://evil.example');
      expect(headers).not.toHaveProperty('access-control-allow-origin');
    });
  });

  it('with a wildcard allows all, and never credentials', async () => {
    await withOrigins(['*'], async (api) => {
      const headers = { origin: 'https://any.example' };
      const response = await api.call({ method: 'GET', url: '/health/live', headers });
      expect(response.headers['access-control-allow-origin']).toBe('*');
      expect(response.headers).not.toHaveProperty('access-control-allow-credentials');
    });
  });

  it('lets a refusal be read, so that a page can show it', async () => {
    await withOrigins([SHOP], async (api) => {
      const headers = { origin: SHOP };
      const response = await api.call({ method: 'GET', url: '/api/v1/payments', headers });
      expect(response.statusCode).toBe(401);
      expect(response.headers['access-control-allow-origin']).toBe(SHOP);
    });
  });
});
