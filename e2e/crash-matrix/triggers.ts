import { setTimeout as sleep } from 'node:timers/promises';
import { isHealthy, type Service } from '@mini-pg/local-stack';
import { newId } from '@mini-pg/runtime';
import { waitFor } from '@mini-pg/testing';
import type { KilledService } from './failpoint-rows.ts';
import type { LivingSystem } from './living-system.ts';

/** What brings a service to a step that payments alone do not lead to. */
export interface Trigger {
  /** Variables with which the service is armed. */
  readonly variables?: Record<string, string>;
  /** Before the service is armed; it may be dead already. */
  prepare?(living: LivingSystem, service: Service): Promise<void>;
  /** While the service is armed; again and again until it has died, which it may ask for. */
  pull?(living: LivingSystem, service: Service, isDead: () => boolean): Promise<void>;
  /** A pull may go on until the service lives again. */
  readonly waitsForNextLife?: boolean;
  /** Takes away what was planted. */
  clear?(living: LivingSystem, service: Service): Promise<void>;
}

const HOUR_MS = 3_600_000;

const SCHEMA_OF = {
  'payment-api': 'payment',
  'pg-processor': 'processor',
  'settlement-worker': 'settlement',
} as const;

const CONSUMED_TOPIC_OF = {
  'payment-api': 'payment.completed',
  'pg-processor': 'payment.requested',
  'settlement-worker': 'payment.completed',
} as const;

/** A topic that nobody has. */
const PLANTED_TOPIC = 'crash-matrix.nowhere';
/** Long enough for payments to be on every step of their way. */
const PAYMENTS_MS = 500;

export const TRIGGERS = {
  payments: {},
  close: { pull: async (living) => void (await living.closeDay()), waitsForNextLife: true },
  /** The close itself dies, and no service: see `dieInClose`. */
  'close-dies': {},
  merchant: {
    pull: async ({ merchants }) => {
      await merchants[0]?.rename(`A shop ${newId()}`).catch(() => undefined);
      await sleep(200);
    },
  },
  parked: {
    prepare: async ({ admin }) => void (await admin.query(PARK_A_COPY).catch(() => undefined)),
    pull: async ({ admin }) => {
      await admin.query(PARK_A_COPY);
      await sleep(500);
    },
  },
  'hour-ahead': {
    variables: { CLOCK_OFFSET_MS: String(HOUR_MS) },
    // What the armed service takes itself would be due in its own future.
    pull: async ({ admin }) => {
      await admin.query('update payment.payment_open set next_emit_at = now()');
      await admin.query('update payment.cancel_open set next_emit_at = now()');
      await sleep(200);
    },
  },
  'dead-row': {
    pull: async ({ admin }, service) => {
      const schema = SCHEMA_OF[service.service as KilledService];
      await admin.query(
        `insert into ${schema}.outbox (event_id, topic, key, payload)
         values (gen_random_uuid(), '${PLANTED_TOPIC}', 'planted', '{}')`,
      );
      await sleep(2_000);
    },
    clear: async ({ admin }, service) => {
      const schema = SCHEMA_OF[service.service as KilledService];
      for (const table of ['outbox', 'outbox_dead']) {
        await admin.query(`delete from ${schema}.${table} where topic = '${PLANTED_TOPIC}'`);
      }
    },
  },
  poison: {
    pull: async ({ producer, system }, service) => {
      const topic = CONSUMED_TOPIC_OF[service.service as KilledService];
      const message = { key: 'poison', value: 'no event' };
      await producer.publish([{ topic: `${system.isolation.topicPrefix}${topic}`, ...message }]);
      await sleep(1_000);
    },
  },
  stop: {
    pull: async (_living, service, isDead) => {
      const isReady = async (): Promise<boolean> => isDead() || (await isHealthy(service.url));
      await waitFor(isReady, { what: `${service.name} to be ready` });
      await sleep(PAYMENTS_MS);
      if (!isDead()) await service.kill('SIGTERM');
    },
  },
  /** A service that was killed in its calls leaves them to its next life. */
  'lost-leases': {
    prepare: async (_living, service) => {
      if (service.pid === undefined) return;
      await sleep(PAYMENTS_MS);
      await service.kill('SIGKILL');
    },
  },
} as const satisfies Record<string, Trigger>;

export type TriggerName = keyof typeof TRIGGERS;

export function triggerOf(name: TriggerName): Trigger {
  return TRIGGERS[name];
}

/** An event that was projected long ago: whoever projects it again must find nothing to do. */
const PARK_A_COPY = `
  insert into payment.parked_event (event_id, topic, payload, reason)
  select event_id, topic, payload, 'planted by the crash matrix'
  from processor.outcome o
  where exists (select from payment.payment_fact f where f.event_id = o.event_id)
  limit 1
  on conflict (event_id) do update set next_try_at = now()`;
