import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { createPool } from '@mini-pg/database';
import { createTestDatabase, type TestDatabase } from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Ended,
  type Environment,
  environmentOf,
  OWNERS,
  type Owner,
  runProgram,
} from '../support/programs.ts';

/*
 * What a service says when it cannot start: one line on standard error that names what is wrong
 * and what to change, exit code 1, and nothing begun. Each case is one change of an environment
 * with which the service does start; other tests start it.
 */
const TOPIC_PREFIX = `${randomBytes(4).toString('hex')}.`;
const CLOSE_ARGUMENTS = ['--date', '2026-01-01'];

/** Log lines of what may not have begun. */
const BEGUN = /"msg":"(listening|relay leads|rebalance|migrated)"/;

let database: TestDatabase;
let empty: TestDatabase;
/** Migrated by a version that is still to come. */
let newer: TestDatabase;
/** Listens and never says a word. */
let silent: Server;

beforeAll(async () => {
  [database, empty, newer] = await Promise.all([
    createTestDatabase(),
    createTestDatabase(),
    createTestDatabase(),
  ]);
  for (const app of apps()) {
    for (const on of [database, newer]) {
      const { code, err } = await runProgram(app, 'migrate', environment(app, on));
      expect({ code, err }).toEqual({ code: 0, err: '' });
    }
    await markAsNewer(app);
  }
  silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
});

afterAll(async () => {
  silent?.close();
  await Promise.all([database, empty, newer].map((one) => one?.drop()));
});

type Case = [what: string, change: (app: Owner) => Environment, message: RegExp];

const PORTS: Case[] = [
  [
    'a port that is taken',
    () => ({ PORT: silentPort() }),
    /port \d+ of 127\.0\.0\.1 is taken: .*PORT/,
  ],
  [
    'a host that is not here',
    () => ({ HOST: '203.0.113.1' }),
    /no address of this machine: set HOST/,
  ],
];

/** For every program that works on the data of a service. */
const WORKING: Case[] = [
  [
    'a port without a database',
    (app) => atDatabase(app, { port: '1' }),
    /ECONNREFUSED.*; check the host and port of DATABASE_URL/,
  ],
  [
    'a wrong password',
    (app) => atDatabase(app, { password: 'wrong' }),
    /; check user and password of DATABASE_URL/,
  ],
  [
    'a URL of a database that is none',
    () => ({ DATABASE_URL: 'postgres://a:b@[c/d' }),
    /DATABASE_URL: must be a URL: postgres:/,
  ],
  [
    'brokers that do not answer',
    () => ({ KAFKA_BROKERS: '127.0.0.1:1' }),
    /no Kafka broker answers at 127\.0\.0\.1:1 .*: check KAFKA_BROKERS/,
  ],
];

const DATABASES: Case[] = [
  [
    'a database that is silent',
    (app) => atDatabase(app, { port: silentPort() }),
    /timeout.*; check the host and port of DATABASE_URL/,
  ],
  [
    'an unknown host',
    (app) => atDatabase(app, { hostname: 'db.invalid' }),
    /db\.invalid.*; check the host and port of DATABASE_URL/,
  ],
  [
    'a database that is not there',
    (app) => atDatabase(app, { pathname: '/none' }),
    /"none" does not exist; make the database, or .* DATABASE_URL/,
  ],
  [
    'a database by another scheme',
    () => ({ DATABASE_URL: 'mysql://localhost/a' }),
    /DATABASE_URL: must be a URL: postgres:/,
  ],
  ['no database', () => ({ DATABASE_URL: undefined }), /DATABASE_URL: is missing: set it/],
];

const BROKERS: Case[] = [
  [
    'brokers without a port',
    () => ({ KAFKA_BROKERS: 'localhost' }),
    /KAFKA_BROKERS: must be a list of host:port/,
  ],
];

const OPERATORS: Case[] = [
  [
    'no key of operators',
    () => ({ OPERATOR_PUBLIC_KEY: undefined }),
    /OPERATOR_PUBLIC_KEY: is missing: set it/,
  ],
  [
    'a key of operators that is none',
    () => ({ OPERATOR_PUBLIC_KEY: 'x' }),
    /OPERATOR_PUBLIC_KEY: must be an Ed25519 public key/,
  ],
];

const SEALING: Case[] = [
  ['no seal keys', () => ({ SEAL_KEYS: undefined }), /SEAL_KEYS: is missing: set it/],
  ['seal keys that are none', () => ({ SEAL_KEYS: 'x' }), /SEAL_KEYS: must be kid:base64of32bytes/],
  [
    'no profile',
    () => ({ PROFILES_DIR: '/none' }),
    /\/none\/local\.json: .*; check APP_ENV and PROFILES_DIR/,
  ],
];

const REDIS: Case[] = [
  [
    'Redis by another scheme',
    () => ({ REDIS_URL: 'http://localhost' }),
    /REDIS_URL: must be a URL that starts with redis:/,
  ],
  [
    'Redis by no URL',
    () => ({ REDIS_URL: 'redis://[a' }),
    /REDIS_URL: must be a URL that starts with redis:/,
  ],
];

const ACCOUNTS: Case[] = [
  [
    'no secret of a PG account',
    () => ({ TOSS_LIVE_SECRET_KEY: undefined }),
    /TOSS_LIVE_SECRET_KEY: is missing: set it/,
  ],
];

const EVERYWHERE = [...PORTS, ...WORKING, ...DATABASES, ...BROKERS, ...OPERATORS];

const STARTING: Record<Owner, Case[]> = {
  'payment-api': [...EVERYWHERE, ...SEALING, ...REDIS],
  'pg-processor': [...EVERYWHERE, ...SEALING, ...ACCOUNTS],
  'settlement-worker': EVERYWHERE,
};

const PROGRAMS: Record<Owner, [program: string, ...args: string[]][]> = {
  'payment-api': [['main'], ['migrate']],
  'pg-processor': [['main'], ['migrate']],
  'settlement-worker': [['main'], ['migrate'], ['close', ...CLOSE_ARGUMENTS]],
};

describe.each(apps())('%s', (app) => {
  it.concurrent.each(STARTING[app])('does not start with %s', async (_, change, message) => {
    const ended = await runProgram(app, 'main', { ...environment(app), ...change(app) });
    expectRefusal(ended, message);
  });

  it.concurrent.each(WORKING)('does not migrate with %s', async (_, change, message) => {
    const ended = await runProgram(app, 'migrate', { ...environment(app), ...change(app) });
    expectRefusal(ended, message);
  });

  it.concurrent('does not start on a schema that is not migrated', async () => {
    const ended = await runProgram(app, 'main', environment(app, empty));
    expectRefusal(ended, /lacks migrations \(001-.*\): run the service's `db:migrate` first/);
  });

  it.concurrent.each(PROGRAMS[app])(
    'does not run %s on a newer schema',
    async (program, ...args) => {
      const ended = await runProgram(app, program, environment(app, newer), args);
      expectRefusal(ended, /migrated by a newer version \(999-newer\): run that version/);
    },
  );
});

describe('the close of settlement-worker', () => {
  const app = 'settlement-worker';

  it.concurrent.each(WORKING)('is not made with %s', async (_, change, message) => {
    const changed = { ...environment(app), ...change(app) };
    expectRefusal(await runProgram(app, 'close', changed, CLOSE_ARGUMENTS), message);
  });
});

describe('the simulator', () => {
  it.concurrent.each<[string, Environment, RegExp]>([
    ['in prod', { APP_ENV: 'prod' }, /APP_ENV: a simulator has no place in prod/],
    [
      'with keys that are none',
      { SIMULATOR_TOSS_KEYS: 'x' },
      /SIMULATOR_TOSS_KEYS: must be secret/,
    ],
    ['with a ledger that cannot be', { LEDGER_FILE: '/none/x' }, /LEDGER_FILE/],
    ['on a host that is not here', { HOST: '203.0.113.1' }, /no address of this machine: set HOST/],
  ])('does not start %s', async (_, change, message) => {
    expectRefusal(await runProgram('pg-simulator', 'main', change), message);
  });

  it('does not start on a port that is taken', async () => {
    const ended = await runProgram('pg-simulator', 'main', { PORT: silentPort() });
    expectRefusal(ended, /port \d+ of 127\.0\.0\.1 is taken: .*PORT/);
  });
});

function expectRefusal({ code, out, err }: Ended, message: RegExp): void {
  expect(err).toMatch(message);
  expect(err.trimEnd().split('\n')).toHaveLength(1);
  expect(out).not.toMatch(BEGUN);
  expect(code).toBe(1);
}

function apps(): Owner[] {
  return Object.keys(OWNERS) as Owner[];
}

function environment(app: Owner, on: TestDatabase = database): Environment {
  return environmentOf(app, on, TOPIC_PREFIX);
}

function silentPort(): string {
  return String((silent.address() as AddressInfo).port);
}

function atDatabase(
  app: Owner,
  change: Partial<Record<'hostname' | 'port' | 'password' | 'pathname', string>>,
): Environment {
  const url = new URL(database.urls[OWNERS[app]]);
  return { DATABASE_URL: Object.assign(url, change).href };
}

async function markAsNewer(app: Owner): Promise<void> {
  const pool = createPool({
    connectionString: newer.urls[OWNERS[app]],
    applicationName: 'e2e-bad-input',
    connectionsMax: 1,
  });
  await pool.query("insert into kysely_migration values ('999-newer', now()::text)");
  await pool.end();
}
