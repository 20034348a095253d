import type { Topic } from '@mini-pg/domain';
import type { Health, Logger, Registry } from '@mini-pg/runtime';
import { BatchWorker } from './batch-worker.ts';
import { ConsumerClient } from './consumer-client.ts';
import { type ConsumerMetrics, createConsumerMetrics } from './consumer-metrics.ts';
import {
  type ConsumerIdentity,
  type ConsumerTiming,
  consumerSettings,
  DEFAULT_TIMING,
} from './consumer-settings.ts';
import { ConsumerFatalError } from './errors.ts';
import { logKafkaVersions } from './kafka.ts';
import { Membership } from './membership.ts';
import { paceMs } from './pace.ts';
import type { EventProducer } from './producer.ts';
import type { ReceivedEvent } from './received-event.ts';
import { createRest } from './rest.ts';
import { type ConsumerStatistics, parseStatistics } from './statistics.ts';
import { type PartitionVitals, Watchdog } from './watchdog.ts';

export interface ConsumerOptions<T extends Topic> extends ConsumerIdentity {
  readonly topics: readonly T[];
  readonly topicPrefix: string;
  /** For dead letters. */
  readonly producer: EventProducer;
  /** One database transaction; offsets move after it resolves. */
  readonly handle: (events: readonly ReceivedEvent<T>[]) => Promise<void>;
  readonly batchMax?: number;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly health?: Health;
  /** Which failures pass by themselves; those of the database unless told. */
  readonly isTransient?: (error: unknown) => boolean;
  /** Told once when the consumer cannot go on. Unless given, the error ends the process. */
  readonly onFatal?: (error: Error) => void;
  readonly timing?: Partial<ConsumerTiming>;
}

export interface Consumer {
  /** Resolves with the first assignment, or when the group has no partition to give. */
  readonly ready: Promise<void>;
  /** Finishes the batch at hand, commits its offsets, leaves the group. */
  stop(): Promise<void>;
  /** Takes no new batch while it keeps its place in the group. */
  pause(): void;
  resume(): void;
}

const BATCH_MAX = 500;

/**
 * Joins a group and hands its events to `handle` in batches, in order within a partition, at least
 * once. An offset is committed only after the handler that saw its message has resolved, or its
 * dead letter stands.
 *
 * @throws KafkaError when no broker answers within 10 s.
 */
export async function startConsumer<T extends Topic>(
  options: ConsumerOptions<T>,
): Promise<Consumer> {
  logKafkaVersions(options.logger);
  const consumer = new EventConsumer(options);
  await consumer.start();
  return consumer;
}

class EventConsumer<T extends Topic> implements Consumer {
  readonly ready: Promise<void>;
  readonly #options: ConsumerOptions<T>;
  readonly #timing: ConsumerTiming;
  readonly #batchMax: number;
  readonly #logger: Logger;
  readonly #metrics: ConsumerMetrics;
  readonly #client: ConsumerClient;
  readonly #membership: Membership;
  readonly #worker: BatchWorker<T>;
  readonly #watchdog: Watchdog;
  readonly #rest = createRest();
  readonly #becomeReady: () => void;
  readonly #failReady: (error: Error) => void;
  readonly #gaveUp = Promise.withResolvers<void>();
  #statistics: ConsumerStatistics = { joined: false, partitions: [] };
  #timer: NodeJS.Timeout | undefined;
  #done: Promise<void> = Promise.resolve();
  #stopping = false;
  #fatal: Error | undefined;

  constructor(options: ConsumerOptions<T>) {
    this.#options = options;
    this.#timing = { ...DEFAULT_TIMING, ...options.timing };
    this.#batchMax = options.batchMax ?? BATCH_MAX;
    this.#logger = options.logger.child({ group: options.groupId });
    this.#metrics = createConsumerMetrics(options.registry);
    this.#watchdog = new Watchdog(this.#timing);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => undefined);
    this.ready = promise;
    this.#becomeReady = resolve;
    this.#failReady = reject;
    this.#client = this.#createClient();
    const shared = {
      ...options,
      rest: this.#rest,
      metrics: this.#metrics,
      logger: this.#logger,
    };
    this.#membership = new Membership({
      ...shared,
      client: this.#client,
      holdAfterMs: this.#timing.holdAfterMs,
      onAssigned: () => this.#becomeReady(),
    });
    this.#worker = new BatchWorker<T>({
      ...shared,
      membership: this.#membership,
      handlerDeadlineMs: this.#timing.handlerDeadlineMs,
      onStep: () => this.#watchdog.noteRound(),
    });
  }

  async start(): Promise<void> {
    const { topics, topicPrefix, health, groupId } = this.#options;
    await this.#client.connect();
    this.#client.subscribe(topics.map((topic) => `${topicPrefix}${topic}`));
    health?.addLive(`consumer ${groupId}`, () => this.#assertLive());
    this.#timer = setInterval(() => this.#watch(), this.#timing.watchdogTickMs);
    this.#done = this.#run();
  }

  pause(): void {
    this.#membership.setPaused(true);
  }

  resume(): void {
    this.#membership.setPaused(false);
  }

  async stop(): Promise<void> {
    this.#end();
    // A handler that hangs does not hold up the end of a consumer that has given it up.
    await Promise.race([this.#done, this.#gaveUp.promise]);
    clearInterval(this.#timer);
    this.#failReady(new Error('the consumer was stopped before it had a place in the group'));
    await this.#membership.leave();
  }

  #createClient(): ConsumerClient {
    const settings = consumerSettings(this.#options, this.#batchMax, this.#timing);
    return new ConsumerClient(settings, this.#timing.consumeTimeoutMs, this.#logger, {
      onRebalance: (event) => this.#membership.onRebalance(event),
      onStatistics: (json) => this.#onStatistics(json),
      onFatal: (error) => this.#fail(error),
    });
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopping) {
        this.#watchdog.noteRound();
        await this.#membership.serve();
        const deliveries = await this.#membership.take(this.#batchMax);
        if (deliveries.length === 0) continue;
        await this.#worker.process(deliveries);
        await this.#rest.pause(paceMs(deliveries.length, this.#batchMax));
      }
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #end(): void {
    this.#stopping = true;
    this.#worker.stop();
    this.#rest.end();
  }

  #fail(error: Error): void {
    if (this.#fatal !== undefined) return;
    this.#fatal = error;
    this.#end();
    clearInterval(this.#timer);
    this.#failReady(error);
    this.#gaveUp.resolve();
    this.#logger.fatal({ err: error }, 'the consumer cannot go on');
    const endProcess = () => {
      throw error;
    };
    if (this.#options.onFatal) this.#options.onFatal(error);
    else setImmediate(endProcess);
  }

  #onStatistics(json: string): void {
    try {
      this.#statistics = parseStatistics(json);
    } catch (error) {
      this.#logger.warn({ err: error }, 'the statistics of the client cannot be read');
      return;
    }
    if (this.#statistics.joined) this.#becomeReady();
    const { groupId: group, topicPrefix } = this.#options;
    for (const { topic, partition, lag } of this.#progress()) {
      if (lag === undefined) continue;
      const labels = {
        group,
        topic: topic.slice(topicPrefix.length),
        partition: String(partition),
      };
      this.#metrics.lag.set(labels, lag);
    }
  }

  #progress() {
    const known = new Map(
      this.#statistics.partitions.map((entry) => [`${entry.topic} ${entry.partition}`, entry]),
    );
    return this.#membership.partitions().map(({ topic, partition, offset }) => {
      const statistics = known.get(`${topic} ${partition}`);
      const end = statistics?.endOffset ?? -1;
      const lag = end < 0 ? undefined : Math.max(0, end - offset);
      return { topic, partition, processed: offset, lag, statistics };
    });
  }

  #watch(): void {
    const excused = this.#membership.paused || this.#worker.waiting;
    const vitals: PartitionVitals[] = this.#progress().map(
      ({ topic, partition, processed, lag, statistics }) => ({
        topic,
        partition,
        processed,
        behind: !excused && statistics?.leaderUp === true && (lag ?? 0) > 0,
        dead: !excused && statistics?.fetching === false,
      }),
    );
    if (this.#worker.waiting) this.#watchdog.noteRound();
    const problem = this.#watchdog.tick(vitals);
    if (problem !== undefined) this.#fail(new ConsumerFatalError(problem));
  }

  #assertLive(): void {
    if (this.#fatal !== undefined) throw this.#fatal;
    const problem = this.#watchdog.problem();
    if (problem !== undefined) throw new Error(problem);
  }
}
