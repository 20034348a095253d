import { createKysely, createPool, migrateToLatest } from '@mini-pg/database';
import { createTopics } from '@mini-pg/messaging';
import {
  createLogger,
  eventEnvShape,
  exitWithError,
  loadConfig,
  serviceEnvShape,
} from '@mini-pg/runtime';
import { z } from 'zod';
import { CONSUMED_TOPICS } from './consumers/intake.ts';
import { migrations } from './db/migrations/index.ts';

const STATEMENT_TIMEOUT_MS = 600_000;

/** Brings schema `processor` and this service's topics up to date, then ends. */
async function migrate(): Promise<void> {
  const config = loadConfig(z.object({ ...serviceEnvShape, ...eventEnvShape }), process.env);
  const logger = createLogger({ service: 'pg-processor-migrate', level: config.LOG_LEVEL });
  const pool = createPool({
    connectionString: config.DATABASE_URL.reveal(),
    applicationName: 'pg-processor-migrate',
    connectionsMax: 1,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
  const database = createKysely<unknown>(pool);
  const applied = await migrateToLatest(database, migrations);
  await database.destroy();
  const topics = await createTopics({
    brokers: config.KAFKA_BROKERS,
    producer: 'pg-processor',
    consumes: CONSUMED_TOPICS,
    topicPrefix: config.TOPIC_PREFIX,
    logger,
  });
  logger.info({ applied, topics }, 'migrated');
}

await migrate().catch(exitWithError);
