import {
  connecting,
  createKysely,
  createPool,
  type Migration,
  migrateToLatest,
  type PostgresPool,
} from '@mini-pg/database';
import type { Topic } from '@mini-pg/domain';
import { createLogger, eventEnvShape, loadConfig, serviceEnvShape } from '@mini-pg/runtime';
import { z } from 'zod';
import { createTopics, type Service } from './topics.ts';

export interface ServiceMigration {
  readonly service: Service;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly migrations: Record<string, Migration>;
  /** Topics whose dead letters this service writes. */
  readonly consumes: readonly Topic[];
  /** Data that belong to the schema, brought up to date after it. */
  readonly seed?: (pool: PostgresPool) => Promise<unknown>;
}

const STATEMENT_TIMEOUT_MS = 600_000;

/**
 * The migrate command of a service: brings its schema and its topics up to date. Safe to run twice
 * and at once.
 *
 * @throws ConfigError, CannotConnectError, NewerSchemaError, KafkaError
 */
export async function migrateService(options: ServiceMigration): Promise<void> {
  const { service, migrations, consumes } = options;
  const schema = z.object({ ...serviceEnvShape, ...eventEnvShape });
  const config = loadConfig(schema, options.environment);
  const logger = createLogger({ service: `${service}-migrate`, level: config.LOG_LEVEL });
  const pool = createPool({
    connectionString: config.DATABASE_URL.reveal(),
    applicationName: `${service}-migrate`,
    connectionsMax: 1,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
  const database = createKysely<unknown>(pool);
  const target = { url: config.DATABASE_URL.reveal(), setting: 'DATABASE_URL' };
  const applied = await connecting(target, () => migrateToLatest(database, migrations));
  await options.seed?.(pool);
  await database.destroy();
  const topics = await createTopics({
    brokers: config.KAFKA_BROKERS,
    producer: service,
    consumes,
    topicPrefix: config.TOPIC_PREFIX,
    logger,
  });
  logger.info({ applied, topics }, 'migrated');
}
