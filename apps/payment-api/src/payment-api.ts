import { assertMigrated, connecting } from '@mini-pg/database';
import { listen, type Running } from '@mini-pg/runtime';
import { buildApp } from './app.ts';
import type { Config } from './config.ts';
import { migrations } from './db/migrations/index.ts';
import { createDeps, type Deps } from './deps.ts';
import { startWorkers } from './workers.ts';

/** A running payment-api; `port` is the one that it listens on. */
export interface PaymentApi extends Running {
  readonly port: number;
}

/**
 * Starts the service: it listens first, so that it joins nothing where its port is taken. Stopping
 * drains: no new request, the waiting ones answered, the queue
 * written, the outbox handed on by whoever leads next.
 */
export async function startPaymentApi(
  config: Config,
  overrides: Partial<Deps> = {},
): Promise<PaymentApi> {
  const deps = await createDeps(config, overrides);
  const target = { url: config.DATABASE_URL.reveal(), setting: 'DATABASE_URL' };
  await connecting(target, () => assertMigrated(deps.database, migrations));
  const app = await buildApp(deps);
  deps.health.starting();
  const port = await listen(app, { host: config.HOST, port: config.PORT, logger: deps.logger });
  const workers = await startWorkers(deps);
  deps.relay.start();
  deps.health.started();

  return {
    port,
    async stop() {
      deps.health.drain();
      await deps.waiters.stop();
      await app.close();
      await deps.intake.drain();
      await deps.cancels.drain();
      await workers.stop();
      await deps.relay.stop();
      await deps.producer.stop();
      await deps.redis.stop();
      await deps.database.destroy();
    },
  };
}
