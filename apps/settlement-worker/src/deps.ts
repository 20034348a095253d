import { createKysely, createPool, type Kysely, type PostgresPool } from '@mini-pg/database';
import { createProducer, createRelay, type EventProducer, type Relay } from '@mini-pg/messaging';
import {
  type Clock,
  createLogger,
  createRegistry,
  Health,
  type Logger,
  movedClock,
  type Registry,
} from '@mini-pg/runtime';
import type { Config } from './config.ts';
import { createSettlementMetrics, type SettlementMetrics } from './metrics.ts';

const SERVICE = 'settlement-worker';

/** Everything that the service is made of. The relay is made, and not yet started. */
export interface Deps {
  readonly config: Config;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly metrics: SettlementMetrics;
  readonly health: Health;
  readonly clock: Clock;
  readonly pool: PostgresPool;
  readonly database: Kysely<unknown>;
  readonly producer: EventProducer;
  readonly relay: Relay;
}

/** Builds everything in plain order; a test replaces what it needs to by `overrides`. */
export async function createDeps(config: Config, overrides: Partial<Deps> = {}): Promise<Deps> {
  const logger =
    overrides.logger ??
    createLogger({ service: SERVICE, level: config.LOG_LEVEL, instanceId: config.INSTANCE_ID });
  const registry = overrides.registry ?? createRegistry(SERVICE);
  const pool =
    overrides.pool ??
    createPool({
      connectionString: config.DATABASE_URL.reveal(),
      applicationName: SERVICE,
      onError: (error) => logger.warn({ err: error }, 'an idle connection ended'),
    });
  const health = overrides.health ?? new Health();
  health.addReady('postgres', async () => {
    await pool.query('select 1');
  });
  const clientId = config.INSTANCE_ID ?? SERVICE;
  const producer =
    overrides.producer ??
    (await createProducer({ brokers: config.KAFKA_BROKERS, clientId, logger, registry }));
  const relay =
    overrides.relay ??
    createRelay({
      connectionString: config.DATABASE_URL,
      producer,
      topicPrefix: config.TOPIC_PREFIX,
      applicationName: `${SERVICE}-relay`,
      logger,
      registry,
    });
  return {
    config,
    logger,
    registry,
    pool,
    health,
    producer,
    relay,
    metrics: overrides.metrics ?? createSettlementMetrics(registry),
    clock: overrides.clock ?? movedClock(config.CLOCK_OFFSET_MS),
    database: overrides.database ?? createKysely<unknown>(pool),
  };
}
