import {
  createHttpApp,
  createRegistry,
  Health,
  type Logger,
  listen,
  type Running,
  startLoop,
} from '@mini-pg/runtime';
import type { AuditBounds } from '../bounds.ts';
import type { WatchLimits } from './limits.ts';
import { createWatchMetrics, type WatchMetrics } from './metrics.ts';
import type { Problem } from './problems.ts';
import type { StateStore } from './state.ts';
import { createWatch, type Pass, type Watch } from './watch.ts';

export interface WatchServiceOptions {
  readonly postgresUrl: string;
  readonly store: StateStore;
  readonly bounds?: AuditBounds;
  readonly limits?: Partial<WatchLimits>;
  /** How long to rest after a pass that left nothing due. */
  readonly intervalMs: number;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly logger: Logger;
}

/** A watch that runs; `port` is the one with its health and metrics. */
export interface WatchService extends Running {
  readonly port: number;
}

/** It has not said a thing for so long that it is not to be relied on. */
const STALE_MS = 60_000;
const BACKOFF_MAX_MS = 30_000;
/** No route takes a body. */
const BODY_LIMIT_BYTES = 1024;

/**
 * Watches a system until it is stopped: passes one after the other, a log line for each problem and
 * for each that is gone, `/health/ready` and `/metrics`.
 *
 * @throws CannotAuditError when the state cannot be read, CannotListenError for the port.
 */
export async function startWatchService(options: WatchServiceOptions): Promise<WatchService> {
  const { logger, intervalMs } = options;
  const registry = createRegistry('auditor');
  const metrics = createWatchMetrics(registry);
  const health = new Health();
  const watch = createWatch({
    ...options,
    onProblem: (problem) => logger.error(lineOf(problem), 'problem'),
    onResolved: (problem) => logger.info(lineOf(problem), 'problem resolved'),
  });
  let doneAt = performance.now();
  let stopping = false;
  health.addReady('passes', () => {
    if (performance.now() - doneAt > STALE_MS + intervalMs) throw new Error('no pass gets through');
  });
  const app = createHttpApp({ logger, registry, health, bodyLimitBytes: BODY_LIMIT_BYTES });
  health.starting();
  const port = await listen(app, options);
  const loop = startLoop({
    name: 'audit',
    idleMs: intervalMs,
    backoffMaxMs: BACKOFF_MAX_MS,
    logger,
    runOnce: async () => {
      const pass = await measured(watch, metrics).catch((error: unknown) => {
        if (stopping) return undefined;
        metrics.passes.inc({ outcome: 'failed' });
        throw error;
      });
      if (pass === undefined) return 0;
      doneAt = performance.now();
      health.started();
      return pass.isBehind ? 1 : 0;
    },
  });
  return {
    port,
    async stop() {
      stopping = true;
      health.drain();
      watch.stop();
      await loop.stop();
      await watch.close();
      await app.close();
    },
  };
}

async function measured(watch: Watch, metrics: WatchMetrics): Promise<Pass> {
  const stopTimer = metrics.passSeconds.startTimer();
  const pass = await watch.runOnce();
  stopTimer();
  metrics.passes.inc({ outcome: 'done' });
  metrics.lastPass.setToCurrentTime();
  metrics.rows.inc(pass.rows);
  for (const lane of pass.rounds) metrics.rounds.inc({ lane });
  for (const [rule, count] of watch.open()) metrics.openProblems.set({ rule }, count);
  return pass;
}

function lineOf({ rule, statement, violation, since }: Problem) {
  return { rule, statement, since, violation };
}
