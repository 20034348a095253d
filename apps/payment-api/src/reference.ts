/**
 * Prints what the documents say of this service: its environment as JSON Schema, and its OpenAPI
 * document. The app is built as ever, and nothing of it listens or connects.
 */
import { generateKeyPairSync } from 'node:crypto';
import { createLogger } from '@mini-pg/runtime';
import { z } from 'zod';
import { buildApp } from './app.ts';
import { envSchema, readConfig } from './config.ts';
import { createDeps } from './deps.ts';

/** Well-formed, and nobody's. */
const ENVIRONMENT = {
  DATABASE_URL: 'postgres://localhost/none',
  KAFKA_BROKERS: 'localhost:1',
  REDIS_URL: 'redis://localhost:1',
  SEAL_KEYS: `k1:${Buffer.alloc(32).toString('base64')}`,
  OPERATOR_PUBLIC_KEY: generateKeyPairSync('ed25519')
    .publicKey.export({ type: 'spki', format: 'pem' })
    .toString(),
};

const nothing = async (): Promise<undefined> => undefined;

const deps = await createDeps(readConfig(ENVIRONMENT), {
  logger: createLogger({ service: 'reference', level: 'silent' }),
  redis: { run: nothing, subscribe: nothing, stop: nothing },
  producer: { publish: async () => [], stop: nothing },
  relay: {
    start: () => undefined,
    leading: false,
    wake: () => undefined,
    oldestAgeMs: () => 0,
    stop: nothing,
  },
});
const app = await buildApp(deps);
await app.ready();
console.log(
  JSON.stringify({
    environment: z.toJSONSchema(envSchema, { io: 'input' }),
    openapi: app.swagger(),
  }),
);
await app.close();
await deps.waiters.stop();
await deps.database.destroy();
