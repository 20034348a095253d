import { randomBytes } from 'node:crypto';
import { createTopics, deleteTopics } from '@mini-pg/messaging';
import { loadProfile, newId, Secret } from '@mini-pg/runtime';
import { createTestDatabase, type TestDatabase, testStack } from '@mini-pg/testing';
import type { Config } from '../../src/config.ts';
import { migrations } from '../../src/db/migrations/index.ts';
import type { Deps } from '../../src/deps.ts';
import { type PaymentApi, startPaymentApi } from '../../src/payment-api.ts';
import { OUTCOME_TOPICS } from '../../src/projection/delivered.ts';
import { OPERATOR_PUBLIC_KEY, operatorToken, TERMS } from './api-fixture.ts';
import { testLogger } from './intake-fixture.ts';

/** What the instances of one test file share: a database, topics and a Redis prefix of its own. */
export interface Site {
  readonly database: TestDatabase;
  readonly prefix: string;
  config(change?: Partial<Config>): Config;
  start(change?: Partial<Config>, overrides?: Partial<Deps>): Promise<RunningApi>;
  drop(): Promise<void>;
}

export interface RunningApi extends PaymentApi {
  readonly url: string;
}

export async function createSite(): Promise<Site> {
  const database = await createTestDatabase({ payment: migrations });
  const prefix = `t${randomBytes(6).toString('hex')}.`;
  const { kafkaBrokers, redisUrl } = testStack();
  // As many partitions as instances that share them: a broker is slow with thousands.
  const topics = { brokers: kafkaBrokers, topicPrefix: prefix, partitions: 3, logger: testLogger };
  await createTopics({
    producer: 'payment-api',
    consumes: [...OUTCOME_TOPICS, 'settlement.closed', 'settlement.items'],
    ...topics,
  });
  for (const producer of ['pg-processor', 'settlement-worker'] as const) {
    await createTopics({ producer, ...topics });
  }
  const config = (change: Partial<Config> = {}): Config => ({
    APP_ENV: 'local',
    HOST: '127.0.0.1',
    PORT: 0,
    LOG_LEVEL: 'silent',
    INSTANCE_ID: newId(),
    PROFILES_DIR: undefined,
    DATABASE_URL: new Secret(database.urls.payment),
    KAFKA_BROKERS: kafkaBrokers,
    TOPIC_PREFIX: prefix,
    REDIS_URL: redisUrl,
    REDIS_PREFIX: prefix,
    SEAL_KEYS: new Secret(`k1:${Buffer.alloc(32, 7).toString('base64')}`),
    OPERATOR_PUBLIC_KEY,
    profile: loadProfile('local'),
    ...change,
  });
  return {
    database,
    prefix,
    config,
    async start(change = {}, overrides = {}) {
      const api = await startPaymentApi(config(change), { logger: testLogger, ...overrides });
      return { ...api, url: `http://127.0.0.1:${api.port}` };
    },
    async drop() {
      await deleteTopics({ brokers: kafkaBrokers, topicPrefix: prefix });
      await database.drop();
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
  readonly body: any;
}

/** Sends a request and reads its JSON; a string body goes as it is. */
export async function send(
  method: string,
  url: string,
  options: { token?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const { token, body } = options;
  const response = await fetch(url, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text.startsWith('{') ? JSON.parse(text) : text,
  };
}

export interface TestMerchant {
  readonly id: string;
  readonly secretKey: string;
}

export async function registerMerchant(api: RunningApi): Promise<TestMerchant> {
  const { body } = await send('POST', `${api.url}/api/v1/admin/merchants`, {
    token: operatorToken(),
    body: { name: 'Seoul Shop', terms: TERMS },
  });
  return { id: body.id, secretKey: body.secretKey };
}
