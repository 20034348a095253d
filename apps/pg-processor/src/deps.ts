import { randomUUID } from 'node:crypto';
import { createPool, type PostgresPool } from '@mini-pg/database';
import { Sealer } from '@mini-pg/messaging';
import {
  createLogger,
  createRegistry,
  Health,
  type Logger,
  movedClock,
  newId,
  type Registry,
} from '@mini-pg/runtime';
import type { Attempt } from './attempts/attempt.ts';
import { type CallerOptions, createCaller } from './calls/caller.ts';
import { createDispatcher } from './calls/dispatcher.ts';
import { type Gateways, openGateways } from './calls/gateways.ts';
import { createLeaseChecks, type LeaseChecks } from './calls/lease-checks.ts';
import { createPgCalls, type PgCalls } from './calls/pg-calls.ts';
import type { Pump } from './calls/pump.ts';
import type { StartCancelsOptions } from './cancels/start-cancels.ts';
import type { Config } from './config.ts';
import type { CancelIntakeOptions } from './consumers/cancel-requested.ts';
import type { IntakeOptions } from './consumers/payment-requested.ts';
import { isNetCancelNext } from './decisions/ladder.ts';
import { createMetrics, type ProcessorMetrics } from './metrics.ts';
import { createFollowUp } from './repairs/follow-up.ts';
import { createInquirer } from './repairs/inquirer.ts';
import { spreadLater } from './repairs/schedule.ts';
import type { SweeperOptions } from './repairs/sweeper.ts';
import type { ResolveOptions } from './resolutions/resolve-exception.ts';
import { createResults, type Results, type ResultsOptions } from './results/results.ts';
import { createFirstCalls } from './retries/first-calls.ts';

/** Told when rows were committed that somebody should look at. */
export interface Wakes {
  relay: () => void;
  dispatcher: () => void;
  cancels: () => void;
}

/** Everything that the service is made of, built in plain order. */
export interface Deps {
  readonly config: Config;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly metrics: ProcessorMetrics;
  readonly health: Health;
  readonly pool: PostgresPool;
  readonly gateways: Gateways;
  readonly pgCalls: PgCalls;
  readonly leaseChecks: LeaseChecks;
  readonly results: Results;
  readonly intake: IntakeOptions & CancelIntakeOptions;
  readonly startCancels: StartCancelsOptions;
  readonly dispatcher: Pump;
  readonly inquirer: Pump;
  readonly followUp: Pump;
  readonly sweeper: SweeperOptions;
  readonly resolve: ResolveOptions;
  readonly wakes: Wakes;
}

export interface Overrides {
  readonly logger?: Logger;
  readonly pool?: PostgresPool;
  readonly gateways?: Gateways;
  readonly random?: () => number;
  readonly onClaimed?: CallerOptions['onClaimed'];
}

const CONNECTIONS_MAX = 10;
const FIRST_FOLLOW_UP_MS = 600_000;

export function createDeps(config: Config, overrides: Overrides = {}): Deps {
  const logger =
    overrides.logger ??
    createLogger({
      service: 'pg-processor',
      level: config.LOG_LEVEL,
      instanceId: config.INSTANCE_ID,
    });
  const registry = createRegistry('pg-processor');
  const metrics = createMetrics(registry);
  const pool =
    overrides.pool ??
    createPool({
      connectionString: config.DATABASE_URL.reveal(),
      applicationName: 'pg-processor',
      connectionsMax: CONNECTIONS_MAX,
      onError: (error) => logger.warn({ err: error }, 'an idle connection ended'),
    });
  const sealer = Sealer.parse(config.SEAL_KEYS.reveal());
  const random = overrides.random ?? Math.random;
  const { now } = movedClock(config.CLOCK_OFFSET_MS);
  const wakes: Wakes = { relay: () => {}, dispatcher: () => {}, cancels: () => {} };
  const gateways = overrides.gateways ?? openGateways(config.pgs);
  const pgCalls = createPgCalls({ gateways, sealer, metrics });
  const leaseChecks = createLeaseChecks(pool);
  const context = {
    newId,
    now,
    firstFollowUpMs: ({ pg }: Attempt) =>
      spreadLater(
        gateways.get(pg)?.settings.lateCaptureScheduleMs[0] ?? FIRST_FOLLOW_UP_MS,
        random,
      ),
    netCancelsFirst: ({ pg, sinceCalledMs }: Attempt) => {
      const capability = gateways.get(pg)?.gateway.capability;
      return capability !== undefined && isNetCancelNext(capability, null, sinceCalledMs);
    },
  };
  const onCommitted: ResultsOptions['onCommitted'] = ({ hasFurtherAttempts, hasEndedCancels }) => {
    wakes.relay();
    if (hasFurtherAttempts) wakes.dispatcher();
    if (hasEndedCancels) wakes.cancels();
  };
  const results = createResults({ pool, context, metrics, logger, onCommitted });
  const onStored = () => {
    wakes.dispatcher();
    wakes.relay();
  };
  const onCancelsStored = () => {
    wakes.cancels();
    wakes.relay();
  };
  const { onClaimed } = overrides;
  const caller = createCaller({ pool, pgCalls, leaseChecks, results, random, logger, onClaimed });
  const owner = `${config.INSTANCE_ID ?? 'pg-processor'}:${randomUUID()}`;
  const firstCalls = createFirstCalls();
  const repairs = {
    ...{ pool, gateways, pgCalls, results, metrics, logger, newId, random },
    firstCalls,
  };
  return {
    config,
    logger,
    registry,
    metrics,
    health: new Health(),
    pool,
    gateways,
    pgCalls,
    leaseChecks,
    results,
    intake: { pool, gateways, sealer, metrics, newId, now, onStored, onCancelsStored },
    startCancels: { pool, context, metrics, logger, onStarted: onStored },
    dispatcher: createDispatcher({
      ...{ pool, gateways, caller, results, metrics, firstCalls, logger },
      owner,
    }),
    inquirer: createInquirer(repairs),
    followUp: createFollowUp(repairs),
    sweeper: { pool, gateways, results, random, logger },
    resolve: { pool, pgCalls, context, metrics, logger, random, onCommitted },
    wakes,
  };
}
