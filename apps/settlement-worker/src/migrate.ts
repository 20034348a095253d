import { createKysely, createPool, migrateToLatest } from '@mini-pg/database';
import { createTopics } from '@mini-pg/messaging';
import { createLogger, exitWithError } from '@mini-pg/runtime';
import { seedCalendar } from './calendar/calendar-seed.ts';
import { readCommandConfig } from './config.ts';
import { migrations } from './db/migrations/index.ts';
import { CONSUMED_TOPICS } from './facts/consumed.ts';

const STATEMENT_TIMEOUT_MS = 600_000;

/** Brings schema `settlement`, its calendar and this service's topics up to date, then ends. */
async function migrate(): Promise<void> {
  const config = readCommandConfig(process.env);
  const logger = createLogger({ service: 'settlement-worker-migrate', level: config.LOG_LEVEL });
  const pool = createPool({
    connectionString: config.DATABASE_URL.reveal(),
    applicationName: 'settlement-worker-migrate',
    connectionsMax: 1,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
  const database = createKysely<unknown>(pool);
  const applied = await migrateToLatest(database, migrations);
  await seedCalendar(pool);
  await database.destroy();
  const topics = await createTopics({
    brokers: config.KAFKA_BROKERS,
    producer: 'settlement-worker',
    consumes: CONSUMED_TOPICS,
    topicPrefix: config.TOPIC_PREFIX,
    logger,
  });
  logger.info({ applied, topics }, 'migrated');
}

await migrate().catch(exitWithError);
