import { createClient, type PostgresSession } from '@mini-pg/database';
import type { Secret } from '@mini-pg/runtime';
import { withinMs } from './rest.ts';

/** The session that holds the lock was lost, or may have been: whoever led by it leads no more. */
export class LeadershipLostError extends Error {
  override readonly name = 'LeadershipLostError';
}

export interface LeaderSessionOptions {
  readonly connectionString: Secret;
  readonly applicationName: string;
  /** What is locked, within the database and the schema. */
  readonly lockClass: number;
}

/** The server ends a session that is silent this long, and with it the lock of a paused leader. */
const IDLE_SESSION_TIMEOUT_MS = 5_000;
const HEARTBEAT_MS = 1_000;
/** Less than the server's timeout, so that a leader gives up before another one can start. */
const SILENCE_MAX_MS = 4_000;
/** Room for a table that an outage has bloated. */
const STATEMENT_TIMEOUT_MS = 10_000;
/** A connection that does not end by then is ended by the server, for its silence. */
const CLOSE_TIMEOUT_MS = 1_000;

const TRY_LOCK = `
  select pg_try_advisory_lock($1, ('x' || left(md5(current_schema()), 8))::bit(32)::int) as locked`;

/**
 * A connection that may hold a session advisory lock, and knows at any moment whether it can still
 * be sure of it: the last statement that succeeded was sent less than 4 s ago, by the monotonic
 * clock. So a process that was paused finds out before it does anything.
 */
export class LeaderSession {
  readonly #client: PostgresSession;
  readonly #lockClass: number;
  #aliveAt = Number.NEGATIVE_INFINITY;
  #lost: Error | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #beating = false;

  private constructor(client: PostgresSession, lockClass: number) {
    this.#client = client;
    this.#lockClass = lockClass;
  }

  static async open(options: LeaderSessionOptions): Promise<LeaderSession> {
    const client = createClient({
      connectionString: options.connectionString.reveal(),
      applicationName: options.applicationName,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    });
    const session = new LeaderSession(client, options.lockClass);
    client.on('error', (error) => session.#lose(error));
    client.on('end', () => session.#lose(new Error('the connection ended')));
    try {
      await client.connect();
      await session.query(`set idle_session_timeout = ${IDLE_SESSION_TIMEOUT_MS}`);
    } catch (error) {
      await session.close();
      throw error;
    }
    session.#heartbeat = setInterval(() => session.#beat(), HEARTBEAT_MS);
    return session;
  }

  /** Takes the lock if nobody holds it; it is kept until the session ends. */
  async tryLock(): Promise<boolean> {
    const rows = await this.query<{ locked: boolean }>(TRY_LOCK, [this.#lockClass]);
    return rows[0]?.locked === true;
  }

  /**
   * Makes sure that the lock is still held, by asking when the last answer is not fresh.
   *
   * @throws LeadershipLostError when it may be somebody else's by now.
   */
  async ensureAlive(): Promise<void> {
    if (this.#silentMs() > HEARTBEAT_MS) {
      await this.query('select').catch((error: Error) => this.#lose(error));
    }
    if (this.#lost !== undefined) {
      throw new LeadershipLostError('the session was lost', { cause: this.#lost });
    }
    if (this.#silentMs() > SILENCE_MAX_MS) {
      throw new LeadershipLostError(`no answer for ${Math.round(this.#silentMs())} ms`);
    }
  }

  async query<Row extends object>(text: string, values: unknown[] = []): Promise<Row[]> {
    const sentAt = performance.now();
    const { rows } = await this.#client.query<Row>(text, values);
    this.#aliveAt = sentAt;
    return rows;
  }

  /** Ends the session, and so gives the lock back. */
  async close(): Promise<void> {
    clearInterval(this.#heartbeat);
    await withinMs(this.#client.end(), CLOSE_TIMEOUT_MS);
  }

  /** Since the last statement that succeeded was sent: the lock was held at some time after. */
  #silentMs(): number {
    return performance.now() - this.#aliveAt;
  }

  #beat(): void {
    if (this.#beating || this.#silentMs() < HEARTBEAT_MS) return;
    this.#beating = true;
    this.query('select')
      .catch((error: Error) => this.#lose(error))
      .finally(() => {
        this.#beating = false;
      });
  }

  #lose(error: Error): void {
    this.#lost ??= error;
    clearInterval(this.#heartbeat);
  }
}
