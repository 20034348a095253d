import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate, type LoadPlan, openWindows } from '@mini-pg/bench';
import { createPool } from '@mini-pg/database';
import { type System, startSystem } from '@mini-pg/local-stack';
import { loadProfile, type Profile } from '@mini-pg/runtime';
import { waitFor } from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { checkedBy, expectCleanAtRest } from '../support/at-rest.ts';
import { type Answer, send } from '../support/http.ts';
import { awaitOutcomes } from '../support/load.ts';
import { Merchant, openWindow, paymentOf } from '../support/merchant.ts';
import { metricOf } from '../support/metrics.ts';

/*
 * One system, whose payment-api has a short queue, so that an overload of any machine is one. The
 * tests follow each other: its capacity, three times that, and afterwards.
 */
const QUEUE_AGE_MAX_MS = 1_000;
const CAPACITY_CONNECTIONS = 64;
const CAPACITY_MS = 3_000;
const CONNECTIONS = 2_048;
const TIMES_CAPACITY = 3;
const OVERLOAD_MS = 10_000;
/** Shoppers' windows for what is taken; more than any machine of ours takes. */
const CAPACITY_PER_SECOND_MAX = 8_000;
const TAKEN_OF_CAPACITY_MAX = 2;
const FINAL_TIMEOUT_MS = 120_000;
const LOOKED_AT = 100;

const problemSchema = z.looseObject({ status: z.int(), code: z.string() });

describe('a system that is asked for three times what it can take', () => {
  let system: System;
  let merchant: Merchant;
  let limits: Profile['limits'];
  let folder: string;
  let capacityPerSecond: number;
  let taken = 0;
  const extra: string[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'overload-'));
    const profile = loadProfile('local');
    limits = { ...profile.limits, intakeQueueAgeMaxMs: QUEUE_AGE_MAX_MS };
    writeFileSync(join(folder, 'local.json'), JSON.stringify({ ...profile, limits }));
    const env = { 'payment-api': { PROFILES_DIR: folder } };
    system = await startSystem({ isolate: true, env });
    merchant = await Merchant.register(system);
  });

  afterAll(async () => {
    await system?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('takes what it can', async () => {
    const load = await pay('capacity', CAPACITY_PER_SECOND_MAX, {
      connections: CAPACITY_CONNECTIONS,
      isOverload: true,
      warmupMs: 0,
      durationMs: CAPACITY_MS,
    });
    taken += load.taken;
    capacityPerSecond = load.answersPerSecond;
    expect(capacityPerSecond).toBeGreaterThan(0);
  });

  it('takes in time or refuses, and holds its memory', async () => {
    const before = await metricOf(system.api, 'process_resident_memory_bytes');
    const seen = watch();
    const load = await pay('overload', capacityPerSecond * TAKEN_OF_CAPACITY_MAX, {
      connections: CONNECTIONS,
      ratePerSecond: capacityPerSecond * TIMES_CAPACITY,
      isOverload: true,
      warmupMs: 0,
      durationMs: OVERLOAD_MS,
    }).finally(() => seen.stop());
    const { peak, unready, refusal } = await seen.done;
    taken += load.taken;
    expect(load.answers).toBeGreaterThan(0);
    expect(load.refused).toBeGreaterThan(0);
    // A row waits in the queue for so long, and its batch is written or given up within the other.
    expect(load.latency.p99).toBeLessThan(QUEUE_AGE_MAX_MS + limits.intakeTimeoutMs);
    // What the connections may hold of requests.
    expect(peak - before).toBeLessThan(CONNECTIONS * limits.bodyBytes);
    expect(unready).toEqual({ ready: 503, live: 200 });
    expect(refusal?.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expect(problemSchema.parse(JSON.parse(refusal?.text ?? ''))).toMatchObject({
      status: 503,
      code: 'OVERLOADED',
    });
    expect(await metricOf(system.api, 'shed_requests_total')).toBeGreaterThanOrEqual(load.refused);
  });

  it('is ready by itself and takes every payment again', async () => {
    await waitFor(async () => (await health('ready')) === 200, { what: 'a ready payment-api' });
    await waitFor(async () => (await payOne('after')) === 202, { what: 'a payment that is taken' });
  });

  it('brings each payment that it took to its end, once', async () => {
    const database = createPool({ connectionString: system.postgres, applicationName: 'e2e' });
    const open = 'select exists (select from payment.payment_open) as open';
    await waitFor(
      async () => (await database.query<{ open: boolean }>(open)).rows[0]?.open === false,
      {
        what: 'an outcome of every payment',
        timeoutMs: FINAL_TIMEOUT_MS,
      },
    ).finally(() => database.end());
    const report = await expectCleanAtRest(system);
    expect(checkedBy(report, 'capture-has-attempt')).toBe(taken + extra.length);
    const outcomes = await awaitOutcomes(merchant, extra.slice(0, LOOKED_AT));
    expect(outcomes.filter(({ status }) => status !== 'APPROVED')).toEqual([]);
  });

  /** Payments by the load generator, which finds fault with any answer but 202 and a good 503. */
  async function pay(
    runId: string,
    takenPerSecondMax: number,
    plan: Omit<LoadPlan, 'port' | 'statuses' | 'traffic'>,
  ) {
    const paymentKeysFile = join(folder, `${runId}.keys`);
    const count = Math.ceil((takenPerSecondMax * plan.durationMs) / 1_000) + plan.connections;
    await openWindows(system, { runId, count, file: paymentKeysFile });
    return generate({
      ...plan,
      port: Number(new URL(system.api).port),
      statuses: [202],
      traffic: {
        kind: 'payments',
        secretKeys: [merchant.secretKey],
        runId,
        marksReplays: true,
        paymentKeysFile,
      },
    });
  }

  /** A payment beside the load, again until it is taken or refused; gives its status. */
  async function payOne(name: string): Promise<number> {
    const answer = await payBeside(name);
    return answer.status;
  }

  async function payBeside(name: string): Promise<Answer> {
    const orderId = `${name}-${String(extra.length).padStart(5, '0')}`;
    const body = await openWindow(system, { orderId, amount: 1_000 });
    const answer = await merchant.pay(body, `key-${orderId}-${crypto.randomUUID()}`);
    if (answer.status === 202) extra.push(paymentOf(answer).id);
    return answer;
  }

  async function health(what: 'live' | 'ready'): Promise<number> {
    return (await send(`${system.api}/health/${what}`)).status;
  }

  /** Looks at payment-api again and again until it is told to stop. */
  function watch() {
    let isOver = false;
    const look = async () => {
      let peak = 0;
      let unready: { ready: number; live: number } | undefined;
      let refusal: Answer | undefined;
      while (!isOver) {
        peak = Math.max(peak, await metricOf(system.api, 'process_resident_memory_bytes'));
        const seen = { ready: await health('ready'), live: await health('live') };
        if (seen.ready !== 200) unready ??= seen;
        const answer = await payBeside('beside');
        if (answer.status === 503) refusal ??= answer;
      }
      return { peak, unready, refusal };
    };
    const stop = (): void => {
      isOver = true;
    };
    return { done: look(), stop };
  }
});
