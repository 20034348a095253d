import { newId } from '@mini-pg/runtime';
import { testStack, waitFor } from '@mini-pg/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testLogger, uniquePrefix } from '../../test/support/intake-fixture.ts';
import { createFastRedis, type FastRedis } from '../redis/fast-redis.ts';
import { createStatusCache, type StatusCache } from './status-cache.ts';
import type { PaymentView } from './view.ts';

let redis: FastRedis;
let cache: StatusCache;
const prefix = uniquePrefix();

beforeAll(async () => {
  redis = createFastRedis({ url: testStack().redisUrl, logger: testLogger });
  cache = createStatusCache(redis, prefix);
  await waitFor(async () => (await redis.run((c) => c.ping())) === 'PONG', { what: 'Redis' });
});

afterAll(() => redis.stop());

const view = (id: string, version: number, status: PaymentView['status'] = 'APPROVED') =>
  ({ id, version, status, merchantId: 'm', livemode: true, cancels: [] }) as unknown as PaymentView;

const lifetimeMs = (id: string) => redis.run((client) => client.pTTL(`${prefix}payment:${id}`));

describe('the status cache', () => {
  it('gives back what was written, with its owner', async () => {
    const id = newId();
    await cache.write([view(id, 2)]);
    expect(await cache.read(id)).toEqual({
      version: 2,
      merchantId: 'm',
      livemode: true,
      body: JSON.stringify(view(id, 2)),
    });
  });

  it('keeps the newer answer when a reader that missed comes late with an older one', async () => {
    const id = newId();
    const readStartedAtMs = performance.now();
    await cache.write([view(id, 2)]);
    await cache.fill(view(id, 1), readStartedAtMs);
    expect((await cache.read(id))?.version).toBe(2);
  });

  it('keeps a reader that was slower than an entry lives from writing at all', async () => {
    const id = newId();
    await cache.fill(view(id, 1), performance.now() - 2_001);
    expect(await cache.read(id)).toBeUndefined();
  });

  it('ends with the newest version in whatever order readers and the projector write', async () => {
    const versions = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(versions, async (list) => {
        const id = newId();
        await Promise.all(list.map((version) => cache.write([view(id, version)])));
        expect((await cache.read(id))?.version).toBe(Math.max(...list));
      }),
      { numRuns: 50 },
    );
  });

  it('lets only final answers live longer than 5 seconds', async () => {
    const [approved, failed] = [newId(), newId()];
    await cache.write([view(approved, 2, 'APPROVED'), view(failed, 2, 'FAILED')]);
    expect(await lifetimeMs(approved)).toBeLessThanOrEqual(5_000);
    expect(await lifetimeMs(failed)).toBeGreaterThan(5_000);
  });

  it('lets no answer live longer while a cancel waits for its outcome', async () => {
    const id = newId();
    const waiting = { ...view(id, 3, 'CANCELLED'), cancels: [{ status: 'REQUESTED' }] };
    await cache.write([waiting as PaymentView]);
    expect(await lifetimeMs(id)).toBeLessThanOrEqual(5_000);
  });
});
