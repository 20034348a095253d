import { join } from 'node:path';
import type { DatabaseUser } from '@mini-pg/database';
import { accountSecrets, operatorPublicKey, type Secrets } from '@mini-pg/local-setup';
import type { ServiceName } from './services.ts';
import type { StackUrls } from './stack.ts';

const APP_ENV = 'local';

/** What keeps two systems on the same servers apart. */
export type Isolation = { database: string; topicPrefix: string; redisPrefix: string };

export type SystemFacts = {
  stack: StackUrls;
  databaseUrls: Record<DatabaseUser, string>;
  isolation: Isolation;
  secrets: Secrets;
  simulatorUrl: string;
  dataDir: string;
  buildsDir?: string | undefined;
};

/** What every service reads, whatever it does. Nothing of this process's environment leaks in. */
const COMMON = {
  APP_ENV,
  HOST: '127.0.0.1',
  LOG_LEVEL: 'info',
  PATH: process.env.PATH ?? '',
  // Each Kafka client takes a thread of the pool while it waits; the default of 4 is too few.
  UV_THREADPOOL_SIZE: '16',
  // Each thread would keep freed memory of its own, and the Kafka clients have many.
  MALLOC_ARENA_MAX: '2',
};

/** The environment of a service's programs, without the port of an instance. */
export function serviceEnvironment(name: ServiceName, facts: SystemFacts): Record<string, string> {
  return { ...COMMON, ...ENVIRONMENTS[name](facts) };
}

const ENVIRONMENTS: Record<ServiceName, (facts: SystemFacts) => Record<string, string>> = {
  'payment-api': (facts) => ({
    ...eventVariables(facts, 'payment'),
    OPERATOR_PUBLIC_KEY: operatorPublicKey(facts.secrets),
    SEAL_KEYS: facts.secrets.sealKeys,
    REDIS_URL: facts.stack.redisUrl,
    REDIS_PREFIX: facts.isolation.redisPrefix,
  }),
  'pg-processor': (facts) => ({
    ...eventVariables(facts, 'processor'),
    OPERATOR_PUBLIC_KEY: operatorPublicKey(facts.secrets),
    SEAL_KEYS: facts.secrets.sealKeys,
    TOSS_BASE_URL: facts.simulatorUrl,
    ...accountSecrets(),
  }),
  'settlement-worker': (facts) => ({
    ...eventVariables(facts, 'settlement'),
    OPERATOR_PUBLIC_KEY: operatorPublicKey(facts.secrets),
  }),
  'pg-simulator': (facts) => ({
    // On disk, so that the truth about money outlives a restart of the simulator.
    LEDGER_FILE: join(facts.dataDir, 'pg-simulator-ledger.jsonl'),
  }),
};

function eventVariables(
  { stack, databaseUrls, isolation }: SystemFacts,
  user: DatabaseUser,
): Record<string, string> {
  return {
    DATABASE_URL: databaseUrls[user],
    KAFKA_BROKERS: stack.kafkaBrokers,
    TOPIC_PREFIX: isolation.topicPrefix,
  };
}
