/**
 * Registers the first merchants of a system of containers, unless they are there, and writes what
 * a client needs to know of it to the standard output, as `npm run up` does to `local.json`.
 */
import { join } from 'node:path';
import { exitWithError, loadConfig } from '@mini-pg/runtime';
import { z } from 'zod';
import { keepMerchants } from './merchants.ts';
import { keepSecrets, signOperatorToken } from './secrets.ts';

const environment = z.object({
  API_URL: z.url(),
  SECRETS_DIR: z.string(),
  DATABASE: z.string(),
  /** What is published of the containers, as `host:port`; of a range, the first port. */
  PUBLISHED_HOST: z.string(),
  PAYMENT_API_PORT: z.string(),
  PG_PROCESSOR_PORT: z.string(),
  SETTLEMENT_WORKER_PORT: z.string(),
  PG_SIMULATOR_PORT: z.string(),
  POSTGRES_PORT: z.string(),
  REDIS_PORT: z.string(),
  KAFKA_PORT: z.string(),
  /** By which `docker compose --project-name` finds the containers again. */
  COMPOSE_PROJECT: z.string(),
});

try {
  const env = loadConfig(environment, process.env);
  const keys = join(env.SECRETS_DIR, 'keys');
  const secrets = keepSecrets(join(keys, 'secrets.json'));
  const adminToken = await signOperatorToken(secrets, { name: 'local-admin', role: 'admin' });
  const merchants = await keepMerchants(
    { api: env.API_URL, adminToken },
    join(keys, 'merchants.json'),
  );
  const at = (port: string): string => `${env.PUBLISHED_HOST}:${port.split('-')[0]}`;
  const auditor = `${env.DATABASE}_auditor:${secrets.databasePasswords.auditor}`;
  const urls = {
    api: `http://${at(env.PAYMENT_API_PORT)}`,
    processor: `http://${at(env.PG_PROCESSOR_PORT)}`,
    settlement: `http://${at(env.SETTLEMENT_WORKER_PORT)}`,
    simulator: `http://${at(env.PG_SIMULATOR_PORT)}`,
  };
  const instance = (name: string, url: string) => ({ name, service: name, url, pid: null });
  const local = {
    ...urls,
    postgres: `postgres://${auditor}@${at(env.POSTGRES_PORT)}/${env.DATABASE}`,
    redis: `redis://${at(env.REDIS_PORT)}`,
    kafka: at(env.KAFKA_PORT),
    adminToken,
    merchants,
    pids: {},
    instances: [
      instance('payment-api', urls.api),
      instance('pg-processor', urls.processor),
      instance('settlement-worker', urls.settlement),
      instance('pg-simulator', urls.simulator),
    ],
    compose: { project: env.COMPOSE_PROJECT },
  };
  process.stdout.write(`${JSON.stringify(local, null, 2)}\n`);
} catch (error) {
  exitWithError(error);
}
