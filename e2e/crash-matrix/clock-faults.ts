import { setTimeout as sleep } from 'node:timers/promises';
import { KILLED_SERVICES, type KilledService } from './failpoint-rows.ts';
import type { Fault } from './faults.ts';
import type { LivingSystem } from './living-system.ts';

const HOUR_MS = 3_600_000;
/** Payments by another clock. */
const WHILE_MS = 3_000;

export function clockFaults(): Fault[] {
  return [
    ...KILLED_SERVICES.map((name) => ahead(name)),
    ...KILLED_SERVICES.map((name) => behind(name)),
  ];
}

const SCHEMA_OF = {
  'payment-api': 'payment',
  'pg-processor': 'processor',
  'settlement-worker': 'settlement',
} as const;

/** The process and its SQL, in the same moment: both say an hour more from now on. */
function ahead(name: KilledService): Fault {
  return {
    name: `the clock of ${name} steps an hour ahead`,
    what: 'the clock port and `now()` of its sessions',
    strike: async (living) => {
      await stepSql(living, name, '1 hour');
      await stepProcess(living, name, HOUR_MS);
      await sleep(WHILE_MS);
      return { at: performance.now() };
    },
    tidy: async (living) => {
      await stepSql(living, name, undefined);
      await stepProcess(living, name, undefined);
    },
  };
}

/** Of the process alone: leases are kept in SQL time, and a step back there makes them longer. */
function behind(name: KilledService): Fault {
  return {
    name: `the clock of ${name} steps an hour back`,
    what: 'the clock port; `now()` of its sessions stays',
    strike: async (living) => {
      await stepProcess(living, name, -HOUR_MS);
      await sleep(WHILE_MS);
      return { at: performance.now() };
    },
    tidy: (living) => stepProcess(living, name, undefined),
  };
}

async function stepProcess(
  { system }: LivingSystem,
  name: KilledService,
  offsetMs: number | undefined,
): Promise<void> {
  const service = system.service(name);
  await service.stop();
  const value = offsetMs === undefined ? undefined : String(offsetMs);
  service.setEnvironment({ CLOCK_OFFSET_MS: value });
  await service.start();
}

/** Functions of the same names that are found first: what a service asks for as `now()`. */
async function stepSql(
  { admin, system }: LivingSystem,
  name: KilledService,
  offset: string | undefined,
): Promise<void> {
  const schema = SCHEMA_OF[name];
  const { database } = system.isolation;
  const role = `${database}_${schema}`;
  const path = offset === undefined ? schema : `${schema}_clock, pg_catalog, ${schema}`;
  if (offset !== undefined) {
    await admin.query(`create schema if not exists ${schema}_clock authorization ${role}`);
    for (const clock of ['now', 'clock_timestamp', 'statement_timestamp']) {
      const body = `select pg_catalog.${clock}() + interval '${offset}'`;
      await admin.query(
        `create or replace function ${schema}_clock.${clock}() returns timestamptz
         language sql stable as $$${body}$$`,
      );
    }
  }
  await admin.query(`alter role ${role} in database ${database} set search_path = ${path}`);
}
