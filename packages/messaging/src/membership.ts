import { TOPICS, type Topic } from '@mini-pg/domain';
import { failpoint, type Logger } from '@mini-pg/runtime';
import { type AssignedPartition, Assignment, type Delivery, keyOf } from './assignment.ts';
import type { ConsumerClient, PartitionStart, RebalanceEvent } from './consumer-client.ts';
import type { ConsumerMetrics } from './consumer-metrics.ts';
import { ConsumerFatalError } from './errors.ts';
import { KAFKA_ERRORS, KafkaError, type Message, type TopicPartition } from './kafka.ts';
import { backoffMs, type Rest, withinMs } from './rest.ts';

export interface MembershipOptions {
  readonly groupId: string;
  readonly topicPrefix: string;
  readonly client: ConsumerClient;
  readonly rest: Rest;
  readonly metrics: ConsumerMetrics;
  readonly logger: Logger;
  readonly holdAfterMs: number;
  readonly onAssigned: () => void;
}

const READ_STARTS_ATTEMPTS_MAX = 10;
const READ_STARTS_BACKOFF_MS = 100;
const READ_STARTS_BACKOFF_MAX_MS = 5_000;
const ERROR_PAUSE_MS = 200;
const POLL_INTERVAL_MS = 500;

/** After these there is no next message: what follows would leave something out. */
const FATAL_ERRORS: ReadonlySet<number> = new Set([
  KAFKA_ERRORS.ERR__FATAL,
  KAFKA_ERRORS.ERR__STATE,
  KAFKA_ERRORS.ERR__AUTO_OFFSET_RESET,
  KAFKA_ERRORS.ERR_OFFSET_OUT_OF_RANGE,
]);

/**
 * A place in a consumer group. Rebalances are queued as they come and served by `serve`, which the
 * loop calls only while no handler is at work: so a partition is given back after its batch has
 * ended and its offsets are committed, and a message counts only as long as its partition is held.
 */
export class Membership {
  readonly #options: MembershipOptions;
  readonly #client: ConsumerClient;
  readonly #assignment = new Assignment();
  readonly #rebalances: RebalanceEvent[] = [];
  /** Came while nothing was to be read: given out next. */
  #backlog: Delivery[] = [];
  #paused = false;
  #held = false;
  #clientPaused = false;
  #leaving = false;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#client = options.client;
  }

  /** The callback of the client: it only takes note. */
  onRebalance(event: RebalanceEvent): void {
    this.#rebalances.push(event);
    if (this.#leaving) this.#letGo();
  }

  /** What is held, with the offset up to which everything is done. */
  partitions(): AssignedPartition[] {
    return this.#assignment.list();
  }

  setPaused(paused: boolean): void {
    this.#paused = paused;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Takes the partitions that are given and gives back those that are asked for. */
  async serve(): Promise<void> {
    for (let event = this.#rebalances.shift(); event; event = this.#rebalances.shift()) {
      const { kind, partitions } = event;
      this.#options.metrics.rebalancesTotal.inc({ group: this.#options.groupId, kind });
      this.#options.logger.info({ kind, partitions: partitions.length }, 'rebalance');
      if (kind === 'assign') await this.#assign(partitions);
      else await this.#revoke(partitions);
    }
    this.#applyPause();
  }

  /** The next messages, in order within a partition; none while paused. */
  async take(max: number): Promise<readonly Delivery[]> {
    if (this.#paused) {
      await this.#poll();
      return [];
    }
    if (this.#backlog.length > 0) return this.#backlog.splice(0, max);
    return this.#admit(await this.#consume(max));
  }

  /**
   * Waits for work. When it takes long, everything is paused and polling goes on, so that the
   * group does not take this member for dead. @throws what the work or polling throws.
   */
  async keepWhile<Result>(work: Promise<Result>): Promise<Result> {
    if (await withinMs(work, this.#options.holdAfterMs)) return work;
    try {
      this.#held = true;
      this.#applyPause();
      while (!(await withinMs(work, POLL_INTERVAL_MS))) await this.#poll();
    } finally {
      this.#held = false;
      this.#applyPause();
    }
    return work;
  }

  isCurrent(delivery: Delivery): boolean {
    return this.#assignment.isCurrent(delivery);
  }

  /** The messages are dealt with for good: their offsets may be committed. */
  complete(deliveries: readonly Delivery[]): void {
    failpoint('consumer.before-offset-store');
    this.#client.store(this.#assignment.complete(deliveries));
    failpoint('consumer.after-offset-store');
  }

  /** Commits and leaves the group; nothing is read any more. */
  async leave(): Promise<void> {
    await this.#commit(this.#assignment.list());
    this.#leaving = true;
    this.#letGo();
    await this.#client.disconnect();
  }

  async #assign(partitions: readonly TopicPartition[]): Promise<void> {
    const starts = await this.#readStarts(partitions);
    const offsets = starts.map(({ topic, partition, committed, low }) => ({
      topic,
      partition,
      offset: committed ?? low,
    }));
    this.#assignment.add(offsets);
    this.#client.assign(starts);
    if (this.#clientPaused) this.#client.pause(partitions);
    // A group that begins says so, lest a log that is cut before its first batch go unnoticed.
    this.#client.store(offsets);
    this.#options.onAssigned();
  }

  async #revoke(partitions: readonly TopicPartition[]): Promise<void> {
    if (!this.#client.lost) {
      const revoked = new Set(partitions.map(keyOf));
      await this.#commit(this.#assignment.list().filter((held) => revoked.has(keyOf(held))));
    }
    this.#drop(partitions);
  }

  #drop(partitions: readonly TopicPartition[]): void {
    this.#assignment.remove(partitions);
    this.#backlog = this.#backlog.filter((delivery) => this.#assignment.isCurrent(delivery));
    const { metrics, groupId, topicPrefix } = this.#options;
    for (const { topic, partition } of partitions) {
      const labels = { topic: topic.slice(topicPrefix.length), partition: String(partition) };
      metrics.lag.remove({ group: groupId, ...labels });
    }
    this.#client.unassign(partitions);
  }

  /** While leaving, offsets are committed already: partitions only have to be let go. */
  #letGo(): void {
    for (const { kind, partitions } of this.#rebalances.splice(0)) {
      if (kind === 'revoke') this.#drop(partitions);
    }
  }

  async #readStarts(partitions: readonly TopicPartition[]): Promise<PartitionStart[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const starts = await this.#client.readStarts(partitions);
        for (const start of starts) assertInLog(start);
        return starts;
      } catch (error) {
        if (error instanceof ConsumerFatalError) throw error;
        if (attempt === READ_STARTS_ATTEMPTS_MAX) {
          throw new ConsumerFatalError('the offsets of the group cannot be read', { cause: error });
        }
        this.#options.logger.warn({ err: error, attempt }, 'reading offsets failed');
        await this.#options.rest.pause(
          backoffMs(attempt, READ_STARTS_BACKOFF_MS, READ_STARTS_BACKOFF_MAX_MS),
        );
      }
    }
  }

  /** A commit that fails means that messages come again: nothing is lost. */
  async #commit(partitions: readonly AssignedPartition[]): Promise<void> {
    try {
      failpoint('consumer.before-offset-commit');
      await this.#client.commit(partitions);
      failpoint('consumer.after-offset-commit');
    } catch (error) {
      this.#options.logger.warn({ err: error }, 'offsets were not committed');
    }
  }

  async #poll(): Promise<void> {
    this.#backlog.push(...this.#admit(await this.#consume(1)));
  }

  async #consume(max: number): Promise<Message[]> {
    try {
      return await this.#client.consume(max);
    } catch (error) {
      const failure = KafkaError.from(error);
      if (FATAL_ERRORS.has(failure.code)) {
        throw new ConsumerFatalError(`reading cannot go on: ${failure.message}`, {
          cause: failure,
        });
      }
      this.#options.logger.warn({ err: failure }, 'reading failed');
      await this.#options.rest.pause(ERROR_PAUSE_MS);
      return [];
    }
  }

  #admit(messages: readonly Message[]): readonly Delivery[] {
    const { deliveries, skipped } = this.#assignment.admit(messages);
    const { topicPrefix, groupId, metrics, logger } = this.#options;
    for (const [prefixed, count] of skipped) {
      const topic = prefixed.slice(topicPrefix.length);
      if (TOPICS[topic as Topic].cleanup === 'compact') continue;
      metrics.skippedOffsetsTotal.inc({ group: groupId, topic }, count);
      logger.warn({ topic, count }, 'offsets were skipped');
    }
    return deliveries;
  }

  #applyPause(): void {
    const wanted = this.#paused || this.#held;
    if (wanted === this.#clientPaused) return;
    this.#clientPaused = wanted;
    const partitions = this.#assignment.list();
    if (wanted) this.#client.pause(partitions);
    else this.#client.resume(partitions);
  }
}

/** A committed offset outside the log means that messages were deleted unread. */
function assertInLog({ topic, partition, committed, low, high }: PartitionStart): void {
  if (committed === null || (committed >= low && committed <= high)) return;
  throw new ConsumerFatalError(
    `${topic}[${partition}]: the group is at ${committed}, but the log holds ${low} to ${high}: ` +
      'messages were deleted before they were read. Find out what was lost, then set the ' +
      "group's offset by hand",
  );
}
