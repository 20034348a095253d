import { randomBytes } from 'node:crypto';
import { createPool, type PostgresPool } from '@mini-pg/database';
import { Sealer } from '@mini-pg/messaging';
import {
  type Clock,
  createLogger,
  type Logger,
  newId,
  type Profile,
  systemClock,
} from '@mini-pg/runtime';
import { type TestDatabase, testStack } from '@mini-pg/testing';
import { cancelFingerprint, createCancelSchema } from '../../src/cancels/cancel-request.ts';
import { type CancelAuthor, type Cancels, createCancels } from '../../src/cancels/cancels.ts';
import type { Answer } from '../../src/intake/answer-once.ts';
import { createFastPath } from '../../src/intake/fast-path.ts';
import { createIntake, type Intake, type IntakeAnswer } from '../../src/intake/intake.ts';
import { createOutcomeWaiters, type OutcomeWaiters } from '../../src/intake/outcome-waiters.ts';
import { admissionOf } from '../../src/overload/admission.ts';
import { readDecided } from '../../src/payments/repository.ts';
import { createPaymentSchema, fingerprintOf } from '../../src/payments/request.ts';
import { createStatusCache, type StatusCache } from '../../src/payments/status-cache.ts';
import type { Principal } from '../../src/principal.ts';
import { createFastRedis, type FastRedis } from '../../src/redis/fast-redis.ts';

/** No server listens there: what a service sees of a Redis that is stopped. */
export const STOPPED_REDIS_URL = 'redis://127.0.0.1:1';

const PG_SETTINGS = {
  baseUrl: 'http://127.0.0.1:7400',
  connectTimeoutMs: 1_000,
  readTimeoutMs: 5_000,
  concurrency: 8,
  weight: 100,
  inquiryScheduleMs: [1_000],
  lateCaptureScheduleMs: [1_000],
  executionTimeMaxMs: 1_000,
  retries: { shareOfFirstCalls: 0.1, perSecond: 1, burst: 500 },
};

export const TEST_PROFILE: Profile = {
  env: 'local',
  cors: { origins: ['*'] },
  limits: {
    bodyBytes: 65_536,
    requestsPerSecond: 100_000,
    intakeQueueMax: 10_000,
    intakeQueueAgeMaxMs: 60_000,
    // What a busy machine does to a test is not what it is about.
    eventLoopDelayMaxMs: 60_000,
    intakeTimeoutMs: 3_000,
    outboxAgeMaxMs: 300_000,
  },
  pgs: { toss: { ...PG_SETTINGS, on: true }, stripe: { ...PG_SETTINGS, on: false } },
  accounts: [
    { pg: 'toss', id: 'live01', livemode: true, secretEnv: 'TOSS_LIVE_SECRET_KEY' },
    { pg: 'toss', id: 'test01', livemode: false, secretEnv: 'TOSS_TEST_SECRET_KEY' },
  ],
};

export const testLogger: Logger = createLogger({ service: 'test', level: 'silent' });

/** An instance of the intake with everything real around it but the relay, which is not its part. */
export interface TestInstance {
  readonly intake: Intake;
  readonly cancels: Cancels;
  readonly pool: PostgresPool;
  readonly redis: FastRedis;
  readonly waiters: OutcomeWaiters;
  readonly cache: StatusCache;
  stop(): Promise<void>;
}

export function startInstance(options: {
  readonly database: TestDatabase;
  readonly prefix: string;
  readonly redisUrl?: string;
  readonly postgresUrl?: string;
  readonly clock?: Clock;
  readonly profile?: Profile;
  readonly outboxAgeMs?: () => number;
}): TestInstance {
  const pool = createPool({
    connectionString: options.postgresUrl ?? options.database.urls.payment,
    applicationName: 'test-payment-api',
  });
  const url = options.redisUrl ?? testStack().redisUrl;
  const redis = createFastRedis({ url, logger: testLogger });
  const waiters = createOutcomeWaiters({
    redis,
    channel: `${options.prefix}outcomes`,
    readDecided: (ids) => readDecided(pool, ids),
    logger: testLogger,
  });
  const fastPath = createFastPath(redis, `${options.prefix}idem:`);
  const cache = createStatusCache(redis, options.prefix);
  const relay = { wake: () => undefined, oldestAgeMs: options.outboxAgeMs ?? (() => 0) };
  const profile = options.profile ?? TEST_PROFILE;
  const clock = options.clock ?? systemClock;
  const sealer = Sealer.parse(`k1:${Buffer.alloc(32, 7).toString('base64')}`);
  const admission = admissionOf(profile.limits);
  const intake = createIntake({
    pool,
    sealer,
    fastPath,
    waiters,
    admission,
    relay,
    profile,
    clock,
  });
  const cancels = createCancels({ pool, fastPath, cache, waiters, relay, profile, clock });
  return {
    intake,
    cancels,
    pool,
    redis,
    waiters,
    cache,
    async stop() {
      await waiters.stop();
      await Promise.all([intake.drain(), cancels.drain()]);
      await redis.stop();
      await pool.end();
    },
  };
}

export function uniquePrefix(): string {
  return `t${randomBytes(6).toString('hex')}:`;
}

export function merchant(change: Partial<Principal> = {}): Principal {
  return {
    merchantId: newId(),
    livemode: true,
    keyId: newId(),
    suspended: false,
    apiVersion: '2026-11-01',
    ...change,
  };
}

export interface Request {
  readonly principal: Principal;
  readonly key?: string;
  readonly waitSeconds?: number;
  readonly body?: object;
}

let orders = 0;

export function uniqueOrder(): string {
  orders += 1;
  return `order-${String(orders).padStart(6, '0')}`;
}

/** Sends a request to an instance as the route does. */
export function pay(instance: TestInstance, request: Request): Promise<IntakeAnswer> {
  const orderId = uniqueOrder();
  const body = createPaymentSchema.parse({
    orderId,
    amount: 10_000,
    source: { kind: 'window', pg: 'toss', paymentKey: `key-${orderId}` },
    ...request.body,
  });
  return instance.intake.take({
    principal: request.principal,
    idempotencyKey: request.key ?? newId(),
    fingerprint: fingerprintOf('/api/v1/payments', body),
    body,
    waitSeconds: request.waitSeconds ?? 0,
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  });
}

/** The body of one order, for requests that must be equal. */
export function bodyOf(orderId: string, change: object = {}): object {
  return {
    orderId,
    amount: 10_000,
    source: { kind: 'window', pg: 'toss', paymentKey: `key-${orderId}` },
    ...change,
  };
}

export interface CancelCall {
  /** The merchant of the payment, unless an operator is named. */
  readonly author: Principal | { readonly operator: string };
  readonly paymentId: string;
  readonly key?: string;
  readonly waitSeconds?: number;
  readonly body?: object;
}

/** Sends a request for a cancel to an instance as the route does. */
export function cancel(instance: TestInstance, call: CancelCall): Promise<Answer> {
  const body = createCancelSchema.parse({ reason: 'The shopper changed their mind', ...call.body });
  const author: CancelAuthor =
    'operator' in call.author
      ? { kind: 'OPERATOR', name: call.author.operator }
      : { kind: 'MERCHANT', principal: call.author };
  return instance.cancels.take({
    author,
    paymentId: call.paymentId,
    idempotencyKey: call.key ?? newId(),
    fingerprint: cancelFingerprint(`/api/v1/payments/${call.paymentId}/cancels`, body),
    body,
    waitSeconds: call.waitSeconds ?? 0,
    traceparent: `00-${'c'.repeat(32)}-${'d'.repeat(16)}-01`,
  });
}
