import { spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { ServiceSchema } from '@mini-pg/database';
import { loadProfile } from '@mini-pg/runtime';
import { type TestDatabase, testStack } from '@mini-pg/testing';

/** The services that keep data, and the schema of each. */
export const OWNERS = {
  'payment-api': 'payment',
  'pg-processor': 'processor',
  'settlement-worker': 'settlement',
} as const satisfies Record<string, ServiceSchema>;

export type Owner = keyof typeof OWNERS;
export type Environment = Record<string, string | undefined>;

export interface Ended {
  /** Null when it was killed, because it was still running. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const RUN_TIMEOUT_MS = 60_000;

/** Runs a program of an app from its build to its end, or kills it after a minute. */
export function runProgram(
  app: string,
  program: string,
  environment: Environment,
  args: readonly string[] = [],
): Promise<Ended> {
  const entry = fileURLToPath(new URL(`../../apps/${app}/dist/${program}.js`, import.meta.url));
  const child = spawn(process.execPath, [entry, ...args], {
    env: { PATH: process.env.PATH, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: RUN_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  const text = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    text.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    text.err += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...text }));
  });
}

/** What a service needs to start, on the servers of this run and a database of the test's own. */
export function environmentOf(
  app: Owner,
  database: TestDatabase,
  topicPrefix: string,
): Environment {
  return {
    DATABASE_URL: database.urls[OWNERS[app]],
    KAFKA_BROKERS: testStack().kafkaBrokers,
    TOPIC_PREFIX: topicPrefix,
    REDIS_URL: testStack().redisUrl,
    SEAL_KEYS: `test:${randomBytes(32).toString('base64')}`,
    OPERATOR_PUBLIC_KEY: OPERATORS.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    UV_THREADPOOL_SIZE: '16',
    ...ACCOUNT_SECRETS,
  };
}

const OPERATORS = generateKeyPairSync('ed25519');

const ACCOUNT_SECRETS = Object.fromEntries(
  loadProfile('local').accounts.map(({ secretEnv, livemode }) => [
    secretEnv,
    `${livemode ? 'live' : 'test'}_sk_e2e`,
  ]),
);
