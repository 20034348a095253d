import { createKysely, createPool, type Kysely, type PostgresPool } from '@mini-pg/database';
import {
  createProducer,
  createRelay,
  type EventProducer,
  type Relay,
  Sealer,
} from '@mini-pg/messaging';
import {
  type Clock,
  createLogger,
  createRegistry,
  Health,
  type Logger,
  movedClock,
  type Registry,
} from '@mini-pg/runtime';
import { type Cancels, createCancels } from './cancels/cancels.ts';
import type { Config } from './config.ts';
import type { PaymentDatabase } from './db/schema.ts';
import { createFastPath, type FastPath } from './intake/fast-path.ts';
import { createIntake, type Intake } from './intake/intake.ts';
import { createOutcomeWaiters, type OutcomeWaiters } from './intake/outcome-waiters.ts';
import { type Admission, admissionOf } from './overload/admission.ts';
import { readDecided } from './payments/repository.ts';
import { createStatusCache, type StatusCache } from './payments/status-cache.ts';
import { createFastRedis, type FastRedis } from './redis/fast-redis.ts';

const SERVICE = 'payment-api';

/** Everything that the service is made of. The relay is made, and not yet started. */
export interface Deps {
  readonly config: Config;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly health: Health;
  readonly clock: Clock;
  readonly pool: PostgresPool;
  readonly database: Kysely<PaymentDatabase>;
  readonly redis: FastRedis;
  readonly cache: StatusCache;
  readonly fastPath: FastPath;
  readonly waiters: OutcomeWaiters;
  readonly admission: Admission;
  readonly producer: EventProducer;
  readonly relay: Relay;
  readonly intake: Intake;
  readonly cancels: Cancels;
}

/** Builds everything in plain order; a test replaces what it needs to by `overrides`. */
export async function createDeps(config: Config, overrides: Partial<Deps> = {}): Promise<Deps> {
  const base = createBase(config, overrides);
  const { logger, registry, pool } = base;
  const redis = overrides.redis ?? createFastRedis({ url: config.REDIS_URL, logger });
  const cache = overrides.cache ?? createStatusCache(redis, config.REDIS_PREFIX);
  const fastPath = overrides.fastPath ?? createFastPath(redis, `${config.REDIS_PREFIX}idem:`);
  const waiters =
    overrides.waiters ??
    createOutcomeWaiters({
      redis,
      channel: `${config.REDIS_PREFIX}outcomes`,
      readDecided: (ids) => readDecided(pool, ids),
      logger,
      waitingMax: config.profile.limits.waitingMax,
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
  const sealer = Sealer.parse(config.SEAL_KEYS.reveal());
  const { profile } = config;
  const { clock } = base;
  const admission = overrides.admission ?? admissionOf(profile.limits);
  const intake =
    overrides.intake ??
    createIntake({ pool, sealer, fastPath, waiters, admission, relay, profile, clock });
  const cancels =
    overrides.cancels ?? createCancels({ pool, fastPath, cache, waiters, relay, profile, clock });
  return { ...base, redis, cache, fastPath, waiters, admission, producer, relay, intake, cancels };
}

function createBase(config: Config, overrides: Partial<Deps>) {
  const logger =
    overrides.logger ??
    createLogger({ service: SERVICE, level: config.LOG_LEVEL, instanceId: config.INSTANCE_ID });
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
  return {
    config,
    logger,
    pool,
    health,
    registry: overrides.registry ?? createRegistry(SERVICE),
    clock: overrides.clock ?? movedClock(config.CLOCK_OFFSET_MS),
    database: overrides.database ?? createKysely<PaymentDatabase>(pool),
  };
}
