import { startConsumer } from '@mini-pg/messaging';
import { failpoint, startLoop } from '@mini-pg/runtime';
import { closeDays } from './close/close-days.ts';
import { CloseBusyError } from './close/errors.ts';
import { readDays } from './close/run.ts';
import { createSchedule, dueDateOf } from './close/schedule.ts';
import type { Deps } from './deps.ts';
import { CONSUMED_TOPICS, factsGroupOf, readFactsProgress } from './facts/consumed.ts';
import { storeEvents } from './facts/store-events.ts';
import { watchBooks } from './watch-books.ts';

/** What runs beside the HTTP server: the consumer of facts, the schedule, the gauges. */
export interface Workers {
  stop(): Promise<void>;
}

/** Nobody waits for a fact: many at once cost Kafka and Postgres less. A close waits for them. */
const GATHER_MS = 500;
const SCHEDULE_EVERY_MS = 15_000;
const SCHEDULE_BACKOFF_MAX_MS = 5 * 60_000;
const WATCH_EVERY_MS = 30_000;

export async function startWorkers(deps: Deps): Promise<Workers> {
  const { config, logger, registry, pool, metrics, clock, health } = deps;
  const facts = await startConsumer({
    brokers: config.KAFKA_BROKERS,
    groupId: factsGroupOf(config.TOPIC_PREFIX),
    clientId: config.INSTANCE_ID ?? 'settlement-worker',
    topics: CONSUMED_TOPICS,
    topicPrefix: config.TOPIC_PREFIX,
    gatherMs: GATHER_MS,
    producer: deps.producer,
    handle: async (events) => {
      const stored = await storeEvents(pool, events);
      failpoint('settlement-worker.facts.after-commit');
      metrics.factsStored.inc(stored.facts);
      metrics.reversalsBooked.inc(stored.reversals);
    },
    logger,
    registry,
    health,
  });
  const stopping = new AbortController();
  const schedule = createSchedule({
    clock,
    readLastClosed: async () => (await readDays(pool)).lastClosed,
    close: (date) => closeOnSchedule(deps, date, stopping.signal),
  });
  const loops = [
    startLoop({
      name: 'watch-books',
      idleMs: WATCH_EVERY_MS,
      logger,
      runOnce: () => watchBooks(pool, metrics, dueDateOf(clock.now())),
    }),
    ...(config.CLOSE_SCHEDULE === 'off'
      ? []
      : [
          startLoop({
            name: 'close-schedule',
            idleMs: SCHEDULE_EVERY_MS,
            backoffMaxMs: SCHEDULE_BACKOFF_MAX_MS,
            logger,
            runOnce: () => schedule.runOnce(),
          }),
        ]),
  ];
  return {
    async stop() {
      stopping.abort();
      await Promise.all([facts.stop(), ...loops.map((loop) => loop.stop())]);
    },
  };
}

/** Closes a day unless another instance is at it; returns whether the day is closed. */
async function closeOnSchedule(deps: Deps, date: string, signal: AbortSignal): Promise<boolean> {
  const { config, clock, logger, metrics, relay } = deps;
  const stopTimer = metrics.closeSeconds.startTimer();
  try {
    const { outcome } = await closeDays(date, {
      connectionString: config.DATABASE_URL,
      readProgress: () => readFactsProgress(config),
      requestedBy: 'schedule',
      lockWaitMaxMs: 0,
      clock,
      logger,
      signal,
    });
    metrics.closes.inc({ outcome });
    if (outcome === 'closed') stopTimer();
  } catch (error) {
    if (error instanceof CloseBusyError || signal.aborted) return false;
    metrics.closes.inc({ outcome: 'failed' });
    throw error;
  }
  relay.wake();
  return true;
}
