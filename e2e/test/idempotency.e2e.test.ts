import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type System, startSystem } from '@mini-pg/local-stack';
import { waitFor } from '@mini-pg/testing';
import {
  type CaseResult,
  type Hooks,
  type Plan,
  readPlan,
  reportTable,
  runSuite,
} from '@mini-pg/testing/idempotency';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectCleanAtRest } from '../support/at-rest.ts';
import { idempotencyPage } from '../support/idempotency-page.ts';
import { Merchant } from '../support/merchant.ts';

const PLAN = fileURLToPath(new URL('../idempotency-plan.json', import.meta.url));
const PAGE = fileURLToPath(new URL('../../docs/reference/idempotency.md', import.meta.url));

/** An answer is remembered for half an hour, a request that runs for half a minute. */
const RUNNING_LIFETIME_MS = 30_000;
/** What is left of the half hour when the repeats begin. */
const EDGE_MS = 200;
const LOST = -2;

describe('two instances of payment-api, held to what their keys promise', () => {
  let system: System;
  let plan: Plan;
  let results: CaseResult[];

  beforeAll(async () => {
    system = await startSystem({ isolate: true, own: ['redis'], scale: { 'payment-api': 2 } });
    const [merchant, other] = await Promise.all([
      Merchant.register(system),
      Merchant.register(system),
    ]);
    plan = readPlan(readFileSync(PLAN, 'utf8'), {
      API: system.api,
      OTHER_API: system.service('payment-api', 1).url,
      SIMULATOR: system.simulator,
      REDIS_URL: system.redis,
      MERCHANT_KEY: merchant.secretKey,
      OTHER_MERCHANT_KEY: other.secretKey,
    });
  });

  afterAll(() => system?.stop());

  it('pass every case', async () => {
    results = await runSuite(plan, hooks());
    expect(results.filter(({ verdict }) => verdict === 'failed' || verdict === 'not run')).toEqual(
      [],
    );
  });

  it('are described as they are; else run this file with --update', async () => {
    await expect(idempotencyPage(reportTable(results))).toMatchFileSnapshot(PAGE);
  });

  it('are clean', async () => {
    await expectCleanAtRest(system);
  });

  function hooks(): Hooks {
    const redis = system.stack.server('redis');
    return {
      loseCache: () => redis.kill('SIGKILL'),
      restoreCache: () => redis.start(),
      expireCache: letExpire,
    };
  }

  /** Puts the end of what Redis remembers of a key right before us; resolves when it is past. */
  async function letExpire(key: string): Promise<void> {
    const client = createClient({ url: system.redis });
    await client.connect();
    try {
      const name = await waitFor(
        async () => {
          const [found] = await client.keys(`*${key}`);
          // The marker of a request that runs may still stand, and would be written over.
          return found !== undefined && (await client.pTTL(found)) > RUNNING_LIFETIME_MS && found;
        },
        { what: 'a remembered answer' },
      );
      await client.pExpire(name, EDGE_MS);
      await waitFor(
        async () => {
          const leftMs = await client.pTTL(name);
          return leftMs === LOST || leftMs > EDGE_MS;
        },
        { what: 'the end of what is remembered' },
      );
    } finally {
      client.destroy();
    }
  }
});
