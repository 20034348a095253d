import { assertMigrated, connecting, createKysely } from '@mini-pg/database';
import { createProducer, startConsumer, startRelay } from '@mini-pg/messaging';
import { type Loop, listen, type Running, startLoop } from '@mini-pg/runtime';
import { buildApp } from './app.ts';
import { startCancels } from './cancels/start-cancels.ts';
import { CONSUMED_TOPICS, handleIntake } from './consumers/intake.ts';
import { migrations } from './db/migrations/index.ts';
import type { Deps } from './deps.ts';
import { refreshGauges } from './repairs/gauges.ts';
import { sweepExpired, sweepLeases, sweepOverdue } from './repairs/sweeper.ts';

/** Polls below the wake-ups: what another instance stored, and what becomes due by itself. */
const DISPATCHER_IDLE_MS = 200;
const INQUIRER_IDLE_MS = 200;
const FOLLOW_UP_IDLE_MS = 2_000;
const CANCELS_IDLE_MS = 200;
const SWEEPER_IDLE_MS = 500;
const GAUGES_IDLE_MS = 2_000;

/**
 * Starts every part of the service: it listens first, so that it joins nothing where its port is
 * taken. Stopping takes no new work and finishes what is held.
 */
export async function startProcessor(deps: Deps): Promise<Running> {
  const { config, logger, registry, health, pool } = deps;
  const target = { url: config.DATABASE_URL.reveal(), setting: 'DATABASE_URL' };
  await connecting(target, () => assertMigrated(createKysely<unknown>(pool), migrations));
  const brokers = config.KAFKA_BROKERS;
  const topicPrefix = config.TOPIC_PREFIX;
  const clientId = config.INSTANCE_ID ?? 'pg-processor';
  const producer = await createProducer({ brokers, clientId, logger, registry });
  health.addReady('database', async () => {
    await pool.query('select');
  });
  const app = await buildApp(deps);
  health.starting();
  await listen(app, { host: config.HOST, port: config.PORT, logger });
  const relay = startRelay({
    connectionString: config.DATABASE_URL,
    producer,
    topicPrefix,
    applicationName: 'pg-processor',
    logger,
    registry,
  });
  deps.wakes.relay = () => relay.wake();
  deps.wakes.dispatcher = () => deps.dispatcher.wake();
  startPumps(deps);
  const loops = startLoops(deps);
  const consumer = await startConsumer({
    brokers,
    groupId: `${topicPrefix}pg-processor.intake`,
    clientId,
    topics: CONSUMED_TOPICS,
    topicPrefix,
    producer,
    handle: (events) => handleIntake(deps.intake, events),
    logger,
    registry,
    health,
  });
  health.started();

  return {
    async stop() {
      health.drain();
      await consumer.stop();
      await Promise.all([deps.dispatcher.stop(), deps.inquirer.stop(), deps.followUp.stop()]);
      await Promise.all(loops.map((loop) => loop.stop()));
      await deps.results.drain();
      await relay.stop();
      await producer.stop();
      await app.close();
      await deps.gateways.close();
      await pool.end();
    },
  };
}

function startPumps(deps: Deps): void {
  deps.dispatcher.start(DISPATCHER_IDLE_MS);
  deps.inquirer.start(INQUIRER_IDLE_MS);
  deps.followUp.start(FOLLOW_UP_IDLE_MS);
}

function startLoops({ sweeper, pool, metrics, logger, wakes, ...deps }: Deps): Loop[] {
  const cancels = startLoop({
    name: 'cancels',
    runOnce: () => startCancels(deps.startCancels),
    idleMs: CANCELS_IDLE_MS,
    logger,
  });
  wakes.cancels = () => cancels.wake();
  const sweep = (name: string, runOnce: () => Promise<number>): Loop =>
    startLoop({ name, runOnce, idleMs: SWEEPER_IDLE_MS, logger });
  return [
    cancels,
    sweep('sweep-leases', () => sweepLeases(sweeper)),
    sweep('sweep-expired', () => sweepExpired(sweeper)),
    sweep('sweep-overdue', () => sweepOverdue(sweeper)),
    startLoop({
      name: 'gauges',
      idleMs: GAUGES_IDLE_MS,
      logger,
      runOnce: async () => {
        await refreshGauges(pool, metrics);
        return 0;
      },
    }),
  ];
}
