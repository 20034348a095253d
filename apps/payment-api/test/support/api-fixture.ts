import { generateKeyPairSync, sign } from 'node:crypto';
import type { PostgresPool } from '@mini-pg/database';
import {
  OPERATOR_TOKEN_AUDIENCE,
  OPERATOR_TOKEN_ISSUER,
  type OperatorRole,
  type Profile,
  Secret,
} from '@mini-pg/runtime';
import { type TestDatabase, testStack } from '@mini-pg/testing';
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify';
import { buildApp } from '../../src/app.ts';
import type { Config } from '../../src/config.ts';
import { createDeps, type Deps } from '../../src/deps.ts';
import { TEST_PROFILE, testLogger } from './intake-fixture.ts';

const OPERATORS = generateKeyPairSync('ed25519');
const STRANGERS = generateKeyPairSync('ed25519');
/** What verifies the tokens of `operatorToken`. */
export const OPERATOR_PUBLIC_KEY = OPERATORS.publicKey;
const TOKEN_LIFETIME_SECONDS = 600;

/** An instance of the gateway that is called in memory; Kafka is not its part. */
export interface TestApi {
  readonly app: FastifyInstance;
  readonly deps: Deps;
  readonly pool: PostgresPool;
  call(options: InjectOptions & { readonly token?: string }): Promise<LightMyRequestResponse>;
  stop(): Promise<void>;
}

export interface TestApiOptions {
  readonly database: TestDatabase;
  readonly prefix: string;
  readonly redisUrl?: string;
  readonly postgresUrl?: string;
  readonly limits?: Partial<Profile['limits']>;
  readonly origins?: string[];
  readonly overrides?: Partial<Deps>;
}

export async function startApi(options: TestApiOptions): Promise<TestApi> {
  const deps = await createDeps(configOf(options), {
    logger: testLogger,
    producer: { publish: async () => [], stop: async () => undefined },
    relay: {
      start: () => undefined,
      leading: false,
      wake: () => undefined,
      oldestAgeMs: () => 0,
      stop: async () => undefined,
    },
    ...options.overrides,
  });
  const app = await buildApp(deps);
  await app.ready();
  return {
    app,
    deps,
    pool: deps.pool,
    call: ({ token, headers, ...request }) =>
      app.inject({
        ...request,
        headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) },
      }),
    async stop() {
      await app.close();
      await deps.waiters.stop();
      await deps.intake.drain();
      await deps.cancels.drain();
      await deps.redis.stop();
      await deps.database.destroy();
    },
  };
}

function configOf(options: TestApiOptions): Config {
  return {
    APP_ENV: 'local',
    HOST: '127.0.0.1',
    PORT: 0,
    LOG_LEVEL: 'silent',
    DATABASE_URL: new Secret(options.postgresUrl ?? options.database.urls.payment),
    KAFKA_BROKERS: '127.0.0.1:1',
    TOPIC_PREFIX: '',
    REDIS_URL: options.redisUrl ?? testStack().redisUrl,
    REDIS_PREFIX: options.prefix,
    SEAL_KEYS: new Secret(`k1:${Buffer.alloc(32, 7).toString('base64')}`),
    OPERATOR_PUBLIC_KEY: OPERATORS.publicKey,
    profile: {
      ...TEST_PROFILE,
      limits: { ...TEST_PROFILE.limits, ...options.limits },
      cors: { origins: options.origins ?? [] },
    },
  };
}

/** A token as the platform signs it. */
export function operatorToken(
  role: OperatorRole = 'admin',
  claims: { readonly name?: string; readonly expired?: boolean; readonly forged?: boolean } = {},
): string {
  const now = Math.floor(Date.now() / 1_000);
  const body = {
    sub: claims.name ?? 'kim',
    role,
    iss: OPERATOR_TOKEN_ISSUER,
    aud: OPERATOR_TOKEN_AUDIENCE,
    iat: now,
    exp: now + (claims.expired ? -TOKEN_LIFETIME_SECONDS : TOKEN_LIFETIME_SECONDS),
  };
  const signed = [{ alg: 'EdDSA', typ: 'JWT' }, body]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  const { privateKey } = claims.forged ? STRANGERS : OPERATORS;
  return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`;
}

export const TERMS = { feePpm: 29_000, fixedFee: 0, vatMode: 'EXCLUSIVE', payoutDays: 3 } as const;

export interface NewMerchant {
  readonly id: string;
  readonly secretKey: string;
  readonly keyId: string;
}

/** A merchant with a live key, registered as an operator does it. */
export async function newMerchant(api: TestApi): Promise<NewMerchant> {
  const response = await api.call({
    method: 'POST',
    url: '/api/v1/admin/merchants',
    token: operatorToken(),
    payload: { name: 'Hanbit Books', terms: TERMS },
  });
  if (response.statusCode !== 201) throw new Error(`not registered: ${response.body}`);
  return response.json();
}

/** A further key of a merchant. */
export async function newKey(
  api: TestApi,
  merchantId: string,
  livemode: boolean,
): Promise<{ keyId: string; secretKey: string }> {
  const response = await api.call({
    method: 'POST',
    url: `/api/v1/admin/merchants/${merchantId}/keys`,
    token: operatorToken(),
    payload: { livemode },
  });
  if (response.statusCode !== 201) throw new Error(`no key: ${response.body}`);
  return response.json();
}
