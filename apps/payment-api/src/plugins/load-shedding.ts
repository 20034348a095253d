import underPressure from '@fastify/under-pressure';
import { isTransient } from '@mini-pg/database';
import { Counter, ProblemError } from '@mini-pg/runtime';
import type { FastifyInstance, onRequestHookHandler, RouteOptions } from 'fastify';
import type { Deps } from '../deps.ts';
import {
  OverloadedError,
  OWN_SHED_REASONS,
  overloaded,
  type ShedReason,
} from '../overload/overloaded.ts';

const EVENT_LOOP_DELAY_MAX_MS = 250;
/** Long enough that a single pause, such as a collection of garbage, is no lasting delay. */
const SAMPLE_EVERY_MS = 1_000;
const CONNECTIONS_MAX = 10_000;
/** How long an instance that shed is not ready: longer than the pauses between two bursts of it. */
const NOT_READY_FOR_MS = 3_000;

const PAYMENTS = '/api/v1/payments';
const CANCELS = `${PAYMENTS}/:id/cancels`;

type Route = Pick<RouteOptions, 'method' | 'url'>;

export const isNewPayment = ({ method, url }: Route) => method === 'POST' && url === PAYMENTS;
const isNewCancel = ({ method, url }: Route) => method === 'POST' && url === CANCELS;

type Pressure = () => ShedReason | null;

/**
 * Refuses new work, payments and cancels of merchants, before anything is done for it: while the
 * event loop is late, and a payment also while the queue of intake is full or too old. Reads,
 * operators, health and metrics are served on. An instance that sheds is not ready.
 */
export async function registerLoadShedding(app: FastifyInstance, deps: Deps): Promise<void> {
  const { limits } = deps.config.profile;
  const isLate = await watchEventLoop(app, limits.eventLoopDelayMaxMs ?? EVENT_LOOP_DELAY_MAX_MS);
  const eventLoop: Pressure = () => (isLate() ? 'event-loop' : null);
  const payments = shedBy(() => eventLoop() ?? deps.admission.refusal());
  const cancels = shedBy(eventLoop);
  app.addHook('onRoute', (route) => {
    const hook = isNewPayment(route) ? payments : isNewCancel(route) ? cancels : undefined;
    if (hook !== undefined) route.onRequest = [hook, ...[route.onRequest ?? []].flat()];
  });
  tellOfShedding(app, deps);
  boundConnections(app, deps, limits.connectionsMax ?? CONNECTIONS_MAX);
}

/**
 * The plugin samples by a timer. It stands in a scope without routes: its own hook would come before
 * every request of every route, and we want it before two.
 *
 * @returns whether the mean delay of the last sample is above the bound
 */
async function watchEventLoop(app: FastifyInstance, delayMaxMs: number): Promise<() => boolean> {
  let isLate = (): boolean => false;
  await app.register(async (scope) => {
    await scope.register(underPressure, {
      maxEventLoopDelay: delayMaxMs,
      sampleInterval: SAMPLE_EVERY_MS,
    });
    isLate = () => scope.isUnderPressure();
  });
  return () => isLate();
}

function shedBy(pressure: Pressure): onRequestHookHandler {
  return (_request, _reply, done) => {
    const reason = pressure();
    done(reason === null ? undefined : overloaded(reason));
  };
}

/** Counts what is shed, wherever that is decided, and turns readiness. */
function tellOfShedding(app: FastifyInstance, { registry, health }: Deps): void {
  const shed = new Counter({
    name: 'shed_requests_total',
    help: 'Requests answered 503 OVERLOADED, by why',
    labelNames: ['reason'],
    registers: [registry],
  });
  let last: { readonly reason: ShedReason; readonly atMs: number } | undefined;
  app.addHook('onError', (_request, _reply, error, done) => {
    const reason = reasonOf(error);
    if (reason !== null) {
      shed.inc({ reason });
      if (isOwn(reason)) last = { reason, atMs: performance.now() };
    }
    done();
  });
  health.addReady('load', () => {
    if (last === undefined || performance.now() - last.atMs >= NOT_READY_FOR_MS) return;
    throw new Error(`new work is shed: ${last.reason}`);
  });
}

function reasonOf(error: Error): ShedReason | null {
  if (error instanceof OverloadedError) return error.reason;
  const isAway = error instanceof ProblemError ? error.code === 'OVERLOADED' : isTransient(error);
  return isAway ? 'database' : null;
}

function isOwn(reason: ShedReason): boolean {
  return OWN_SHED_REASONS.some((own) => own === reason);
}

function boundConnections(app: FastifyInstance, { registry }: Deps, max: number): void {
  const dropped = new Counter({
    name: 'dropped_connections_total',
    help: 'Connections closed at once because too many were open',
    registers: [registry],
  });
  app.server.maxConnections = max;
  app.server.on('drop', () => dropped.inc());
}
