import type { Socket } from 'node:net';
import { createRegistry, Gauge, Health } from '@mini-pg/runtime';
import fastify, { type FastifyInstance } from 'fastify';
import { SIMULATOR_DEFAULTS, type SimulatorConfig } from './config.ts';
import { type ControlDeps, controlRoutes } from './control-routes.ts';
import { Delays } from './delays.ts';
import { type Journal, MEMORY_JOURNAL, openJournal } from './journal.ts';
import { Ledger } from './ledger.ts';
import { ScenarioReader } from './scenario.ts';
import { SimClock } from './sim-clock.ts';
import { TossAuth } from './toss/toss-auth.ts';
import { isTossErrorCode } from './toss/toss-errors.ts';
import { TossIdempotency } from './toss/toss-idempotency.ts';
import { tossRecordSchema } from './toss/toss-journal.ts';
import { TossPayments } from './toss/toss-payments.ts';
import { tossRoutes } from './toss/toss-routes.ts';
import { TossService } from './toss/toss-service.ts';

const BODY_MAX_BYTES = 65_536;
const KEEP_ALIVE_TIMEOUT_MS = 72_000;
const PARAMETER_LENGTH_MAX = 500;

/**
 * The simulator as a Fastify app: nothing is listening and nothing runs until `listen`. Closing it
 * drains: what a PG has accepted is done at once, what hangs is cut, the journal is closed last.
 *
 * @throws Error when the ledger file cannot be read whole.
 */
export function buildSimulator(config: SimulatorConfig = SIMULATOR_DEFAULTS): FastifyInstance {
  const clock = new SimClock();
  const delays = new Delays();
  const ledger = new Ledger();
  const mix: ControlDeps['mix'] = { current: null };
  const held = new Set<Socket>();

  const tossScenarios = new ScenarioReader(isTossErrorCode);
  const idempotency = new TossIdempotency(config.idempotencyMax);
  const payments = new TossPayments({
    clock,
    ledger,
    idempotency,
    scenarios: tossScenarios,
    windowsMax: config.windowsMax,
  });
  const journal =
    config.ledgerFile === null
      ? MEMORY_JOURNAL
      : openLedger(config.ledgerFile, (record) => payments.apply(tossRecordSchema.parse(record)));
  const latencyMs = () => mix.current?.settings.latencyMs ?? 0;
  const service = new TossService({ clock, delays, journal, payments, idempotency, latencyMs });
  const auth = new TossAuth(config.tossKeys);

  const app = fastify({
    logger: false,
    bodyLimit: BODY_MAX_BYTES,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: PARAMETER_LENGTH_MAX },
  });
  const health = new Health();
  addOperations(app, health, { payments, ledger, idempotency, delays, held });
  app.register(tossRoutes({ clock, auth, service, held }), { prefix: '/v1' });
  app.register(
    controlRoutes({ clock, journal, ledger, mix, tossPayments: payments, tossScenarios }),
    { prefix: '/_sim' },
  );
  app.addHook('preClose', async () => {
    health.drain();
    delays.hurry();
    for (const socket of held) socket.destroy();
  });
  app.addHook('onClose', async () => journal.close());
  return app;
}

/** The journal of a file that the environment names; a system error becomes what to change. */
function openLedger(path: string, replay: (record: unknown) => void): Journal {
  try {
    return openJournal(path, replay);
  } catch (error) {
    if (!(error instanceof Error) || !('syscall' in error)) throw error;
    const message = `${error.message}; name a file that can be written by LEDGER_FILE`;
    throw new Error(message, { cause: error });
  }
}

interface Observed {
  readonly payments: TossPayments;
  readonly ledger: Ledger;
  readonly idempotency: TossIdempotency;
  readonly delays: Delays;
  readonly held: Set<Socket>;
}

function addOperations(app: FastifyInstance, health: Health, observed: Observed): void {
  const { payments, ledger, idempotency, delays, held } = observed;
  const gauges: Readonly<Record<string, [help: string, read: () => number]>> = {
    simulator_payments: ['Payments that are known', () => payments.size],
    simulator_payments_without_money: ['Payments never captured', () => payments.moneyless],
    simulator_payments_evicted: ['Payments without money forgotten', () => payments.evicted],
    simulator_ledger_rows: ['Captures and cancels', () => ledger.size],
    simulator_idempotency_keys: ['Idempotency keys that are kept', () => idempotency.size],
    simulator_idempotency_evicted: ['Idempotency keys forgotten early', () => idempotency.evicted],
    simulator_waiting: ['Calls that are slow or late', () => delays.count],
    simulator_hanging: ['Connections held without an answer', () => held.size],
  };
  const registry = createRegistry('pg-simulator');
  for (const [name, [help, read]] of Object.entries(gauges)) {
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers: [registry],
      collect: () => gauge.set(read()),
    });
  }
  app.get('/health/live', async (_request, reply) => {
    const report = await health.live();
    return reply.code(report.ok ? 200 : 503).send(report);
  });
  app.get('/health/ready', async (_request, reply) => {
    const report = await health.ready();
    return reply.code(report.ok ? 200 : 503).send(report);
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  );
}
