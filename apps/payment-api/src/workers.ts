import type { Topic } from '@mini-pg/domain';
import { type ConsumerOptions, startConsumer } from '@mini-pg/messaging';
import { Counter, Gauge, type Loop, startLoop } from '@mini-pg/runtime';
import { reEmitOpenCancels } from './cancels/cancel-re-emitter.ts';
import type { Deps } from './deps.ts';
import { reEmitOpen } from './intake/re-emitter.ts';
import { OUTCOME_TOPICS } from './projection/delivered.ts';
import { type ProjectionDeps, projectDelivered, projectOutcomes } from './projection/outcomes.ts';
import { retryParked } from './projection/parked-events.ts';
import { createSettlementProjection, SETTLEMENT_TOPICS } from './settlements/projection.ts';

/** What runs beside the HTTP server: the projection and the sweepers. */
export interface Workers {
  stop(): Promise<void>;
}

const RE_EMIT_EVERY_MS = 5_000;
const PARKED_EVERY_MS = 5_000;

export async function startWorkers(deps: Deps): Promise<Workers> {
  const { config, logger, registry, pool } = deps;
  const parkedTotal = new Counter({
    name: 'parked_events_total',
    help: 'Events parked because their payment or cancel is not known',
    registers: [registry],
  });
  const projection = { pool, cache: deps.cache, waiters: deps.waiters, parkedTotal };

  const consume = <T extends Topic>(
    group: string,
    topics: readonly T[],
    handle: ConsumerOptions<T>['handle'],
  ) =>
    startConsumer({
      brokers: config.KAFKA_BROKERS,
      groupId: `${config.TOPIC_PREFIX}payment-api.${group}`,
      clientId: config.INSTANCE_ID ?? 'payment-api',
      topics,
      topicPrefix: config.TOPIC_PREFIX,
      producer: deps.producer,
      handle,
      logger,
      registry,
      health: deps.health,
    });

  const outcomes = await consume('outcomes', OUTCOME_TOPICS, (events) =>
    projectOutcomes(projection, events),
  );
  const settlements = await consume(
    'settlements',
    SETTLEMENT_TOPICS,
    createSettlementProjection({ pool, logger, registry }),
  );
  const loops = startSweepers(deps, projection);

  return {
    async stop() {
      await Promise.all([outcomes.stop(), settlements.stop(), ...loops.map((loop) => loop.stop())]);
    },
  };
}

/** What looks again, by itself, at what has waited too long. */
function startSweepers(deps: Deps, projection: ProjectionDeps): Loop[] {
  const { logger, registry, pool, clock } = deps;
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [registry] });
  const exhausted = gauge(
    'payments_open_exhausted',
    'Payments without an outcome that are announced no more; alert above 0',
  );
  const cancelsExhausted = gauge(
    'cancels_open_exhausted',
    'Cancels without an outcome that are asked for no more; alert above 0',
  );
  const parked = gauge(
    'parked_events',
    'Events that wait for their payment or cancel; alert when it stays above 0',
  );
  return [
    startLoop({
      name: 're-emitter',
      idleMs: RE_EMIT_EVERY_MS,
      logger,
      runOnce: () => reEmitOpen({ pool, clock, exhausted }),
    }),
    startLoop({
      name: 'cancel-re-emitter',
      idleMs: RE_EMIT_EVERY_MS,
      logger,
      runOnce: () => reEmitOpenCancels({ pool, clock, exhausted: cancelsExhausted }),
    }),
    startLoop({
      name: 'parked-events',
      idleMs: PARKED_EVERY_MS,
      logger,
      runOnce: () =>
        retryParked({
          pool,
          gauge: parked,
          logger,
          project: (delivered) => projectDelivered(projection, delivered),
        }),
    }),
  ];
}
