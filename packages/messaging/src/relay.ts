import { failpoint, type Logger, type Registry, type Secret } from '@mini-pg/runtime';
import { LeaderSession, LeadershipLostError } from './leader-session.ts';
import { paceMs } from './pace.ts';
import type { EventProducer } from './producer.ts';
import { type BatchOutcome, publishBatch, type StoredRow } from './relay-batch.ts';
import { createRelayMetrics, type RelayMetrics } from './relay-metrics.ts';
import { backoffMs, createRest, withinMs } from './rest.ts';

export interface RelayOptions {
  /** A direct connection to Postgres as the service's role; no transaction pooler in between. */
  readonly connectionString: Secret;
  readonly producer: EventProducer;
  readonly topicPrefix: string;
  readonly applicationName: string;
  readonly logger: Logger;
  readonly registry: Registry;
  /** The rest when there is nothing to send. */
  readonly idleMs?: number;
  /** Runs between the last delivery report and the delete: a place to fail, for tests. */
  readonly onPublished?: () => Promise<void> | void;
}

export interface Relay {
  /** Begins to relay, or to stand by. Before it nothing connects. */
  start(): void;
  /** Rows were committed: look now. */
  wake(): void;
  /** Finishes the batch at hand and gives leadership back. */
  stop(): Promise<void>;
  readonly leading: boolean;
  /** The age of the oldest row not yet sent, in milliseconds; 0 when there is none. */
  oldestAgeMs(): number;
}

/** Any constant will do, as long as no other lock of these schemas has it. */
const LOCK_CLASS = 0x6d70_6f62;
const BATCH_ROWS_MAX = 1_000;
const BATCH_BYTES_MAX = 8 * 1024 * 1024;
const IDLE_MS = 200;
const BUSY_MS = 20;
const STANDBY_MS = 500;
const BACKOFF_BASE_MS = 100;
const BACKOFF_MAX_MS = 5_000;
/** How long rows of a topic that the cluster does not have are left alone. */
const MISSING_TOPIC_PAUSE_MS = 5_000;
const DEAD_COUNT_INTERVAL_MS = 10_000;
/** Within the time that a process has to drain. */
const STOP_WAIT_MAX_MS = 10_000;

const READ_BATCH = `
  select seq, event_id, topic, key, headers, payload,
         (extract(epoch from clock_timestamp() - created_at) * 1000)::float8 as age_ms
  from (
    select *, sum(octet_length(payload)) over (order by seq) as bytes
    from (select * from outbox where topic <> all($1::text[]) order by seq limit $2) as first
  ) as batch
  where bytes - octet_length(payload) < $3
  order by seq`;

const READ_OLDEST = `
  select (extract(epoch from clock_timestamp() - created_at) * 1000)::float8 as age_ms
  from outbox order by seq limit 1`;

const DELETE_SENT = `
  with deleted as (delete from outbox where seq = any($1::bigint[]) returning seq)
  select count(*)::int as count from deleted`;

const MOVE_DEAD = `
  with dead as (
    delete from outbox using unnest($1::bigint[], $2::text[]) as moved (seq, reason)
    where outbox.seq = moved.seq
    returning outbox.*, moved.reason
  )
  insert into outbox_dead (seq, event_id, topic, key, headers, payload, created_at, reason)
  select seq, event_id, topic, key, headers, payload, created_at, reason from dead`;

const COUNT_DEAD = 'select count(*)::int as count from outbox_dead';

/**
 * Starts the relay of one schema's outbox. Of all processes that start one, the holder of a session
 * advisory lock relays; the others stand by and take over within seconds. It reads rows in the
 * order of `seq` without locking them, publishes, waits for every delivery report, and deletes
 * exactly what was taken. A crash in between publishes those rows again: at least once, never lost.
 */
export function startRelay(options: RelayOptions): Relay {
  const relay = createRelay(options);
  relay.start();
  return relay;
}

/** The same, not started: for what has to be wired before it may begin. */
export function createRelay(options: RelayOptions): Relay {
  return new OutboxRelay(options);
}

class OutboxRelay implements Relay {
  readonly #options: RelayOptions;
  readonly #metrics: RelayMetrics;
  readonly #rest = createRest();
  /** Topics that the cluster does not have, and when to try again. */
  readonly #missing = new Map<string, number>();
  #done: Promise<void> = Promise.resolve();
  #session: LeaderSession | undefined;
  #stopped = false;
  #leading = false;
  #failures = 0;
  /** When the oldest row was made, on the monotonic clock; undefined when there is none. */
  #oldestAt: number | undefined;
  #deadCountedAt = Number.NEGATIVE_INFINITY;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#metrics = createRelayMetrics(options.registry);
  }

  start(): void {
    this.#done = this.#run();
  }

  get leading(): boolean {
    return this.#leading;
  }

  oldestAgeMs(): number {
    return this.#oldestAt === undefined ? 0 : Math.max(0, performance.now() - this.#oldestAt);
  }

  wake(): void {
    this.#rest.wake();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#rest.end();
    const inTime = await withinMs(this.#done, STOP_WAIT_MAX_MS);
    if (inTime) return;
    // What Kafka has not acknowledged is left to the next leader, who publishes it again.
    await this.#session?.close();
  }

  /** One term after the other: each has a session of its own, and ends for good with it. */
  async #run(): Promise<void> {
    while (!this.#stopped) {
      try {
        await this.#serveTerm();
      } catch (error) {
        this.#failures += 1;
        const fields = { err: error, failures: this.#failures };
        this.#options.logger.error(fields, 'relay lost its session, a new one follows');
        await this.#rest.pause(this.#backoffMs());
      }
    }
  }

  async #serveTerm(): Promise<void> {
    const { connectionString, applicationName, logger } = this.#options;
    const session = await LeaderSession.open({
      connectionString,
      applicationName: `${applicationName}.relay`,
      lockClass: LOCK_CLASS,
    });
    this.#session = session;
    try {
      await this.#standBy(session);
      if (this.#stopped) return;
      this.#setLeading(true);
      logger.info('relay leads');
      await this.#lead(session);
    } finally {
      this.#setLeading(false);
      await session.close();
    }
  }

  async #standBy(session: LeaderSession): Promise<void> {
    while (!this.#stopped && !(await session.tryLock())) {
      await this.#readOldest(session);
      await this.#rest.pause(STANDBY_MS);
    }
  }

  async #lead(session: LeaderSession): Promise<void> {
    while (!this.#stopped) {
      const rows = await this.#readBatch(session);
      const failed = rows.length > 0 && (await this.#relay(session, rows));
      this.#failures = failed ? this.#failures + 1 : 0;
      await this.#countDead(session);
      await this.#rest.pause(failed ? this.#backoffMs() : paceMs(rows.length, BATCH_ROWS_MAX));
      if (!failed) await this.#rest.sleep(this.#restMs(rows.length));
    }
  }

  async #readBatch(session: LeaderSession): Promise<StoredRow[]> {
    for (const [topic, until] of this.#missing) {
      if (until < performance.now()) this.#missing.delete(topic);
    }
    const topics = [...this.#missing.keys()];
    const values = [topics, BATCH_ROWS_MAX, BATCH_BYTES_MAX];
    const rows = await session.query<StoredRow>(READ_BATCH, values);
    if (topics.length > 0) await this.#readOldest(session);
    else this.#setOldest(rows[0]?.age_ms);
    return rows;
  }

  /** Returns whether Kafka did not take a row, so that the next round had better wait. */
  async #relay(session: LeaderSession, rows: readonly StoredRow[]): Promise<boolean> {
    await session.ensureAlive();
    const { producer, topicPrefix } = this.#options;
    failpoint('relay.before-publish');
    const outcome = await publishBatch(rows, producer, topicPrefix);
    await this.#options.onPublished?.();
    await this.#deleteSent(session, outcome.sent);
    await this.#moveDead(session, outcome.dead);
    this.#noteKept(outcome);
    this.#metrics.batchRows.observe(rows.length);
    return outcome.kept.some((row) => !outcome.missingTopics.has(row.topic));
  }

  async #deleteSent(session: LeaderSession, sent: readonly StoredRow[]): Promise<void> {
    if (sent.length === 0) return;
    const seqs = sent.map((row) => row.seq);
    failpoint('relay.before-delete');
    const [deleted] = await session.query<{ count: number }>(DELETE_SENT, [seqs]);
    failpoint('relay.after-delete');
    if (deleted?.count !== seqs.length) {
      throw new LeadershipLostError('another relay deleted rows of this batch');
    }
    for (const row of sent) this.#metrics.publishedTotal.inc({ topic: row.topic });
  }

  async #moveDead(session: LeaderSession, dead: BatchOutcome['dead']): Promise<void> {
    if (dead.length === 0) return;
    const seqs = dead.map(({ row }) => row.seq);
    failpoint('relay.before-dead');
    await session.query(MOVE_DEAD, [seqs, dead.map(({ reason }) => reason)]);
    failpoint('relay.after-dead');
    for (const { row, reason } of dead) {
      this.#metrics.deadTotal.inc({ topic: row.topic });
      const fields = { topic: row.topic, eventId: row.event_id, seq: String(row.seq), reason };
      this.#options.logger.error(fields, 'an outbox row can never be published');
    }
    this.#deadCountedAt = Number.NEGATIVE_INFINITY;
  }

  #noteKept({ kept, missingTopics, error }: BatchOutcome): void {
    for (const topic of missingTopics) {
      this.#missing.set(topic, performance.now() + MISSING_TOPIC_PAUSE_MS);
      const fields = { topic: `${this.#options.topicPrefix}${topic}` };
      this.#options.logger.error(fields, 'the topic is missing: run the migrate command');
    }
    if (kept.length === 0) return;
    for (const row of kept) this.#metrics.publishFailuresTotal.inc({ topic: row.topic });
    this.#options.logger.warn({ err: error, rows: kept.length }, 'rows are published again');
  }

  async #countDead(session: LeaderSession): Promise<void> {
    if (performance.now() - this.#deadCountedAt < DEAD_COUNT_INTERVAL_MS) return;
    const [dead] = await session.query<{ count: number }>(COUNT_DEAD);
    this.#metrics.deadRows.set(dead?.count ?? 0);
    this.#deadCountedAt = performance.now();
  }

  async #readOldest(session: LeaderSession): Promise<void> {
    const [oldest] = await session.query<{ age_ms: number }>(READ_OLDEST);
    this.#setOldest(oldest?.age_ms);
  }

  #restMs(rowCount: number): number {
    if (rowCount === 0) return this.#options.idleMs ?? IDLE_MS;
    return rowCount === BATCH_ROWS_MAX ? 0 : BUSY_MS;
  }

  #backoffMs(): number {
    return backoffMs(this.#failures, BACKOFF_BASE_MS, BACKOFF_MAX_MS);
  }

  #setOldest(ageMs: number | undefined): void {
    this.#oldestAt = ageMs === undefined ? undefined : performance.now() - ageMs;
    this.#metrics.oldestAgeSeconds.set((ageMs ?? 0) / 1000);
  }

  #setLeading(leading: boolean): void {
    this.#leading = leading;
    this.#metrics.leading.set(leading ? 1 : 0);
  }
}
