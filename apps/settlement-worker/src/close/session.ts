import { setTimeout as sleep } from 'node:timers/promises';
import { connecting, createClient, type PostgresSession } from '@mini-pg/database';
import type { Logger, Secret } from '@mini-pg/runtime';
import { CloseBusyError } from './errors.ts';

/** Any constants will do, as long as no other lock of this database has them. */
const LOCK_CLASS = 0x6d70_636c;
const LOCK_OBJECT = 1;
const LOCK_WAIT_MAX_MS = 60_000;
const LOCK_RETRY_MS = 200;
/** A step is one statement over a whole day; a million facts take seconds. */
const STATEMENT_TIMEOUT_MS = 15 * 60_000;

export interface SessionOptions {
  /** A direct connection: the lock belongs to the session, so no transaction pooler in between. */
  readonly connectionString: Secret;
  readonly logger: Logger;
  readonly lockWaitMaxMs?: number;
  /** Ends the waiting and, between two steps, the work; the next close goes on from there. */
  readonly signal?: AbortSignal;
}

/**
 * Runs `work` on the one session that may close days. The lock and the work share the connection:
 * when it is lost both end, so nobody works on without the lock.
 *
 * @throws CannotConnectError when the database does not let us in.
 * @throws CloseBusyError when another close holds the lock for longer than a minute.
 */
export async function withCloseSession<T>(
  options: SessionOptions,
  work: (session: PostgresSession) => Promise<T>,
): Promise<T> {
  const session = await connect(options);
  try {
    await takeLock(session, options);
    return await work(session);
  } finally {
    await session.end();
  }
}

async function connect({ connectionString, logger }: SessionOptions): Promise<PostgresSession> {
  const url = connectionString.reveal();
  return connecting({ url, setting: 'DATABASE_URL' }, async () => {
    const session = createClient({
      connectionString: url,
      applicationName: 'settlement-worker.close',
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    });
    session.on('error', (error) => logger.error({ err: error }, 'the close session ended'));
    await session.connect();
    return session;
  });
}

async function takeLock(session: PostgresSession, options: SessionOptions): Promise<void> {
  const deadline = performance.now() + (options.lockWaitMaxMs ?? LOCK_WAIT_MAX_MS);
  for (;;) {
    const { rows } = await session.query<{ taken: boolean }>(
      'select pg_try_advisory_lock($1, $2) as taken',
      [LOCK_CLASS, LOCK_OBJECT],
    );
    if (rows[0]?.taken) return;
    if (performance.now() > deadline) {
      throw new CloseBusyError('another close is running: wait for it, then run this again');
    }
    await sleep(LOCK_RETRY_MS, undefined, { signal: options.signal });
  }
}

/** A transaction on the session; `repeatable read` gives all its statements one snapshot. */
export async function transact<T>(
  session: PostgresSession,
  isolation: 'read committed' | 'repeatable read',
  work: () => Promise<T>,
): Promise<T> {
  await session.query(`begin isolation level ${isolation}`);
  try {
    const result = await work();
    await session.query('commit');
    return result;
  } catch (error) {
    // A session that cannot roll back is ended by its owner, which rolls back as well.
    await session.query('rollback').catch(() => undefined);
    throw error;
  }
}
