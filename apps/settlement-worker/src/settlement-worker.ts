import { assertMigrated, connecting } from '@mini-pg/database';
import { listen, type Running } from '@mini-pg/runtime';
import { buildApp } from './app.ts';
import type { Config } from './config.ts';
import { migrations } from './db/migrations/index.ts';
import { createDeps, type Deps } from './deps.ts';
import { startWorkers } from './workers.ts';

/** A running settlement-worker; `port` is the one that it listens on. */
export interface SettlementWorker extends Running {
  readonly port: number;
}

/**
 * Starts the service: it listens first, so that it joins nothing where its port is taken. Stopping
 * drains: the batch at hand is stored, a close on schedule ends
 * after its step and is taken up again later, the outbox is handed on by whoever leads next.
 */
export async function startSettlementWorker(
  config: Config,
  overrides: Partial<Deps> = {},
): Promise<SettlementWorker> {
  const deps = await createDeps(config, overrides);
  const target = { url: config.DATABASE_URL.reveal(), setting: 'DATABASE_URL' };
  await connecting(target, () => assertMigrated(deps.database, migrations));
  const app = buildApp(deps);
  deps.health.starting();
  const port = await listen(app, { host: config.HOST, port: config.PORT, logger: deps.logger });
  const workers = await startWorkers(deps);
  deps.relay.start();
  deps.health.started();

  return {
    port,
    async stop() {
      deps.health.drain();
      await app.close();
      await workers.stop();
      await deps.relay.stop();
      await deps.producer.stop();
      await deps.database.destroy();
    },
  };
}
