import { Sealer } from '@mini-pg/messaging';
import {
  createLogger,
  createRegistry,
  type Logger,
  type PgProfile,
  ProblemError,
  Secret,
} from '@mini-pg/runtime';
import type { Attempt } from '../../src/attempts/attempt.ts';
import { createCaller } from '../../src/calls/caller.ts';
import { createDispatcher } from '../../src/calls/dispatcher.ts';
import type { Gateways } from '../../src/calls/gateways.ts';
import { createLeaseChecks } from '../../src/calls/lease-checks.ts';
import { createPgCalls } from '../../src/calls/pg-calls.ts';
import { startCancels } from '../../src/cancels/start-cancels.ts';
import type { CancelIntakeOptions } from '../../src/consumers/cancel-requested.ts';
import type { IntakeOptions } from '../../src/consumers/payment-requested.ts';
import { isNetCancelNext } from '../../src/decisions/ladder.ts';
import { createMetrics } from '../../src/metrics.ts';
import { createFollowUp } from '../../src/repairs/follow-up.ts';
import { createInquirer } from '../../src/repairs/inquirer.ts';
import { sweepExpired, sweepLeases } from '../../src/repairs/sweeper.ts';
import type { Resolution } from '../../src/resolutions/resolution.ts';
import { resolveException } from '../../src/resolutions/resolve-exception.ts';
import { createResults, type Results } from '../../src/results/results.ts';
import { createFirstCalls } from '../../src/retries/first-calls.ts';
import { Gates } from './gates.ts';
import type { SimulatedPg } from './simulated-pg.ts';
import type { Database } from './store/database.ts';
import { SimulatedPool } from './store/pool.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** What every worker of a world shares. */
export interface Surroundings {
  readonly clock: VirtualClock;
  readonly database: Database;
  readonly pg: SimulatedPg;
  readonly settings: PgProfile;
  readonly visibilityDelayMs: number;
  readonly random: () => number;
  readonly newId: () => string;
  /** Told when the program itself fails, which no fault of the world may make it do. */
  readonly onFailure: (message: string) => void;
}

/** The loops of pg-processor, each of which a worker may be told to go round once. */
export const LOOPS = ['dispatch', 'cancel', 'inquire', 'follow-up', 'sweep'] as const;
export type LoopName = (typeof LOOPS)[number];

/** One process of pg-processor: the parts of the product themselves, on simulated ports. */
export interface Worker {
  readonly gates: Gates;
  readonly intake: IntakeOptions & CancelIntakeOptions;
  readonly results: Results;
  start(loop: LoopName): void;
  /** Does what an operator asks for; that it is refused is an answer, and no failure. */
  resolve(exceptionId: string, resolution: Resolution): void;
  /** Ends it at once: what it asked for and was not done never is, what it did not commit is gone. */
  kill(): void;
}

export const SEALER = Sealer.parse(`simulation:${Buffer.alloc(32, 7).toString('base64')}`);
export const ACCOUNT = 'simulated01';

const OPERATOR = { name: 'kim', role: 'operator' } as const;

const metrics = createMetrics(createRegistry('simulation'));

export function startWorker(name: string, world: Surroundings): Worker {
  const { clock, random, newId, settings, pg, visibilityDelayMs } = world;
  const gates = new Gates();
  const database = new SimulatedPool(world.database, clock, gates);
  const pool = database.asPool();
  const gateways = gatewaysOf(world, gates);
  const logger = loggerTo(world.onFailure);
  const pgCalls = createPgCalls({ gateways, sealer: SEALER, metrics });
  const leaseChecks = createLeaseChecks(pool);
  const now = () => clock.now();
  const firstFollowUpMs = () => settings.lateCaptureScheduleMs[0] ?? 0;
  const { capability } = pg.gatewayOf(gates, visibilityDelayMs);
  const netCancelsFirst = ({ sinceCalledMs }: Attempt) =>
    isNetCancelNext(capability, null, sinceCalledMs);
  const context = { newId, now, firstFollowUpMs, netCancelsFirst };
  const results = createResults({
    pool,
    context,
    metrics,
    logger,
    onCommitted: () => {},
  });
  const caller = createCaller({ pool, pgCalls, leaseChecks, results, random, logger });
  const firstCalls = createFirstCalls();
  const dispatcher = createDispatcher({
    ...{ pool, gateways, caller, results, metrics, firstCalls, logger },
    owner: `${name}:${newId()}`,
  });
  const repairs = {
    ...{ pool, gateways, pgCalls, results, metrics, logger, newId, random },
    firstCalls,
  };
  const [inquirer, followUp] = [createInquirer(repairs), createFollowUp(repairs)];
  const sweeper = { pool, gateways, results, random, logger };
  const loops: Record<LoopName, () => Promise<unknown>> = {
    dispatch: () => dispatcher.runOnce(),
    cancel: () => startCancels({ pool, context, metrics, logger, onStarted: () => {} }),
    inquire: () => inquirer.runOnce(),
    'follow-up': () => followUp.runOnce(),
    sweep: () => Promise.all([sweepLeases(sweeper), sweepExpired(sweeper)]),
  };
  return {
    gates,
    results,
    intake: {
      ...{ pool, gateways, sealer: SEALER, metrics, newId, now },
      onStored: () => {},
      onCancelsStored: () => {},
    },
    start(loop) {
      loops[loop]().catch((error: unknown) => world.onFailure(`${loop}: ${error}`));
    },
    resolve(exceptionId, resolution) {
      const request = { resolution, reason: 'by the simulation' };
      const options = { pool, pgCalls, metrics, logger, random, context, onCommitted: () => {} };
      resolveException(options, { exceptionId, request, operator: OPERATOR }).catch(
        (error: unknown) => {
          if (!(error instanceof ProblemError)) world.onFailure(`${resolution}: ${error}`);
        },
      );
    },
    kill() {
      gates.close();
      database.break();
    },
  };
}

function gatewaysOf({ pg, settings, visibilityDelayMs }: Surroundings, gates: Gates): Gateways {
  const account = { id: ACCOUNT, livemode: true, secret: new Secret('sk_simulated') };
  const gateway = pg.gatewayOf(gates, visibilityDelayMs);
  const connection = {
    ...{ pg: 'toss' as const, settings, accounts: [account], gateway },
    repairGateway: gateway,
  };
  return {
    pgs: ['toss'],
    get: (name) => (name === 'toss' ? connection : undefined),
    account: (name, livemode) => (name === 'toss' && livemode ? account : undefined),
    accountById: (name, id) => (name === 'toss' && id === ACCOUNT ? account : undefined),
    close: async () => {},
  };
}

/** Lines of an error that say that the program failed, not that a person has to look. */
const FAILURES = [
  'a call was left to its lease',
  'a result cannot be recorded',
  'a cancel cannot be started',
];

function loggerTo(onFailure: (message: string) => void): Logger {
  return createLogger(
    { service: 'simulation', level: 'error' },
    {
      write(line: string) {
        const { msg, err } = JSON.parse(line) as { msg: string; err?: { message: string } };
        if (FAILURES.includes(msg)) onFailure(`${msg}: ${err?.message ?? ''}`);
      },
    },
  );
}
