import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { testStack } from '@mini-pg/testing';
import { describe, expect, it } from 'vitest';

/*
 * What the commands say to settings with which they cannot work: one line that names the setting
 * and what to change, an exit code that is not 0, and nothing begun. No build shows, and the folder
 * for data stays empty.
 */
const COMMANDS = fileURLToPath(new URL('../commands/', import.meta.url));
const RUN_TIMEOUT_MS = 60_000;
const NOTHING_LISTENS = '127.0.0.1:1';

interface Ended {
  /** Null when it was killed, because it was still running. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  /** What it left in its folder for data. */
  readonly left: readonly string[];
}
type Settings = Record<string, string>;

/** Servers that are there; each case makes one thing of it wrong. */
function given(change: Settings = {}): Settings {
  return {
    STACK: 'external',
    STACK_POSTGRES_URL: testStack().postgresUrl,
    STACK_REDIS_URL: testStack().redisUrl,
    STACK_KAFKA_BROKERS: testStack().kafkaBrokers,
    ...change,
  };
}

function postgresUrl(change: Partial<Record<'password' | 'host' | 'hostname', string>>): string {
  return Object.assign(new URL(testStack().postgresUrl), change).href;
}

const SETTINGS: [what: string, settings: () => Settings, message: RegExp][] = [
  [
    'an unknown kind of servers',
    () => given({ STACK: 'nonsense' }),
    /STACK=nonsense is unknown: use one of external, docker, native/,
  ],
  [
    'no URL of Postgres',
    () => given({ STACK_POSTGRES_URL: '' }),
    /STACK=external: STACK_POSTGRES_URL not set: set all three, or use STACK=native/,
  ],
  [
    'some of the URLs and no STACK',
    () => given({ STACK: '', STACK_KAFKA_BROKERS: '' }),
    /STACK_KAFKA_BROKERS not set: set all of STACK_POSTGRES_URL, .*, or none/,
  ],
  [
    'a URL of Postgres that is none',
    () => given({ STACK_POSTGRES_URL: 'localhost:5432' }),
    /STACK_POSTGRES_URL is no URL of Postgres: give postgres:/,
  ],
  [
    'no Postgres at the URL',
    () => given({ STACK_POSTGRES_URL: postgresUrl({ host: NOTHING_LISTENS }) }),
    /ECONNREFUSED .*; check the host and port of STACK_POSTGRES_URL/,
  ],
  [
    'a host that nobody knows',
    () => given({ STACK_POSTGRES_URL: postgresUrl({ hostname: 'db.invalid' }) }),
    /db\.invalid.*; check the host and port of STACK_POSTGRES_URL/,
  ],
  [
    'a wrong password of Postgres',
    () => given({ STACK_POSTGRES_URL: postgresUrl({ password: 'wrong' }) }),
    /; check user and password of STACK_POSTGRES_URL/,
  ],
  [
    'a URL of Redis that is none',
    () => given({ STACK_REDIS_URL: 'http://localhost' }),
    /STACK_REDIS_URL is no URL of Redis: give redis:/,
  ],
  [
    'no Redis at the URL',
    () => given({ STACK_REDIS_URL: `redis://${NOTHING_LISTENS}` }),
    /ECONNREFUSED .*; check host, port, user and password of STACK_REDIS_URL/,
  ],
  [
    'a password of Redis that it does not have',
    () => given({ STACK_REDIS_URL: testStack().redisUrl.replace('://', '://nobody:wrong%21@') }),
    /WRONGPASS .*; check host, port, user and password of STACK_REDIS_URL/,
  ],
  [
    'another server where Redis should be',
    () => given({ STACK_REDIS_URL: postgresUrl({}).replace(/^postgres/, 'redis') }),
    /Redis at .*; check host, port, user and password of STACK_REDIS_URL/,
  ],
  [
    'brokers without a port',
    () => given({ STACK_KAFKA_BROKERS: 'localhost' }),
    /STACK_KAFKA_BROKERS has "localhost": give host:port/,
  ],
  [
    'no broker at the address',
    () => given({ STACK_KAFKA_BROKERS: NOTHING_LISTENS }),
    /ECONNREFUSED .*; check the host and port of STACK_KAFKA_BROKERS/,
  ],
];

/** One look at all settings before anything else: what one command refuses, the others do. */
const OF_EACH_KIND = SETTINGS.filter(([what]) =>
  ['an unknown kind', 'no URL of Postgres', 'a wrong password'].some((kind) =>
    what.startsWith(kind),
  ),
);

describe('up', () => {
  it.concurrent.each(SETTINGS)('begins nothing with %s', async (_, settings, message) => {
    expectRefusal('up', await command(settings(), 'up'), message);
  });
});

describe.each([
  ['demo', '--once'],
  ['bench', 'intake'],
])('%s', (name, argument) => {
  it.concurrent.each(OF_EACH_KIND)('begins nothing with %s', async (_, settings, message) => {
    expectRefusal(name, await command(settings(), name, argument), message);
  });
});

describe('bench', () => {
  it.concurrent('begins nothing with a commit to compare with that is not there', async () => {
    const ended = await command(given(), 'bench', 'intake', '--compare', 'nonsense');
    expectRefusal('bench', ended, /--compare nonsense: there is no such commit here. Give one of/);
  });
});

describe('test', () => {
  it.concurrent.each([
    ...SETTINGS,
    [
      'a Docker daemon that does not answer',
      () => ({ STACK: 'docker', DOCKER_HOST: `tcp://${NOTHING_LISTENS}` }),
      /STACK=docker: .*Docker.*Mend that, or use STACK=native/,
    ] satisfies (typeof SETTINGS)[number],
  ])('ends in a count with %s', async (_, settings, message) => {
    const { code, out, err } = await command(settings(), 'test');
    expect(out).toMatch(new RegExp(`^failed: .*${message.source}.*\n\n0 passed, 1 failed\n$`));
    expect(err).toBe('');
    expect(code).toBe(1);
  });
});

describe('audit', () => {
  it.concurrent.each<[string, () => string, RegExp]>([
    ['a URL that is none', () => 'nonsense', /no URL of Postgres: give postgres:/],
    [
      'no Postgres at the URL',
      () => postgresUrl({ host: NOTHING_LISTENS }),
      /ECONNREFUSED .*; check the host and port of/,
    ],
    ['a wrong password', () => postgresUrl({ password: 'wrong' }), /; check user and password of/],
  ])('gives no verdict on %s', async (_, url, message) => {
    const { code, out, err } = await command({}, 'audit', '--postgres', url());
    expect(err).toMatch(message);
    expect(err.trimEnd()).not.toContain('\n');
    expect(out).toBe('');
    expect(code).toBe(2);
  });
});

/** They work on the system of `up` and take no servers from the environment. */
describe.each(['audit', 'close', 'status'])('%s', (name) => {
  it.concurrent('says that nothing is up, whatever STACK is', async () => {
    const { code, out, err } = await command(given({ STACK: 'nonsense' }), name);
    expect(out + err).toMatch(/nothing is up.*`npm run up` starts the system/i);
    expect((out + err).trimEnd()).not.toContain('\n');
    expect(code).not.toBe(0);
  });
});

function expectRefusal(name: string, { code, out, err, left }: Ended, message: RegExp): void {
  expect(err).toMatch(new RegExp(`^${name}: .*${message.source}`));
  expect(err.trimEnd()).not.toContain('\n');
  expect(out).toBe('');
  expect(left).toEqual([]);
  expect(code).toBe(1);
}

async function command(settings: Settings, name: string, ...args: string[]): Promise<Ended> {
  const dataDir = mkdtempSync(join(tmpdir(), 'bad-settings-'));
  const entry = join(COMMANDS, `${name}.ts`);
  const child = spawn(process.execPath, ['--conditions=source', entry, ...args], {
    env: { PATH: process.env.PATH, DATA_DIR: dataDir, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: RUN_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  const text = { out: '', err: '' };
  child.stdout.on('data', (chunk) => {
    text.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    text.err += chunk;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const left = readdirSync(dataDir);
  rmSync(dataDir, { recursive: true });
  return { code, ...text, left };
}
