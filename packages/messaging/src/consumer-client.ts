import type { Logger } from '@mini-pg/runtime';
import {
  AdminClient,
  connectError,
  KAFKA_ERRORS,
  KafkaConsumer,
  type KafkaConsumerClient,
  KafkaError,
  type KafkaSettings,
  listOffsets,
  type Message,
  type OffsetSpec,
  OffsetSpecs,
  type TopicPartition,
  type TopicPartitionOffset,
} from './kafka.ts';
import { withinMs } from './rest.ts';

export interface RebalanceEvent {
  readonly kind: 'assign' | 'revoke';
  readonly partitions: readonly TopicPartition[];
}

export interface ConsumerClientCallbacks {
  readonly onRebalance: (event: RebalanceEvent) => void;
  readonly onStatistics: (json: string) => void;
  readonly onFatal: (error: Error) => void;
}

/** Where a partition stands as it is assigned. */
export interface PartitionStart extends TopicPartition {
  readonly low: number;
  readonly high: number;
  /** Null when the group has committed none. */
  readonly committed: number | null;
}

const CONNECT_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 5_000;
const DISCONNECT_TIMEOUT_MS = 10_000;
const OFFSET_BEGINNING = -2;

/** Parts of the client that its types leave out. */
interface UntypedConsumer {
  incrementalAssign(partitions: readonly TopicPartitionOffset[]): void;
  incrementalUnassign(partitions: readonly TopicPartition[]): void;
  assignmentLost(): boolean;
  setDefaultIsTimeoutOnlyForFirstMessage(value: boolean): void;
  commitCb(offsets: readonly TopicPartitionOffset[], callback: (error: unknown) => void): void;
}

/** The callback `KafkaConsumer` with promises, and nothing more. */
export class ConsumerClient {
  readonly #client: KafkaConsumerClient & UntypedConsumer;
  readonly #settings: KafkaSettings;
  readonly #logger: Logger;
  readonly #calls = new Set<Promise<unknown>>();
  #closed = false;

  constructor(
    settings: KafkaSettings,
    consumeTimeoutMs: number,
    logger: Logger,
    callbacks: ConsumerClientCallbacks,
  ) {
    const rebalance = (error: { code: number }, partitions: TopicPartition[]) => {
      const assign = error.code === KAFKA_ERRORS.ERR__ASSIGN_PARTITIONS;
      callbacks.onRebalance({ kind: assign ? 'assign' : 'revoke', partitions });
    };
    const client = new KafkaConsumer({ ...settings, rebalance_cb: rebalance });
    this.#client = client as KafkaConsumerClient & UntypedConsumer;
    this.#settings = settings;
    this.#logger = logger;
    client.setDefaultConsumeTimeout(consumeTimeoutMs);
    // Without it a call waits that long for each next message, up to the batch's size.
    this.#client.setDefaultIsTimeoutOnlyForFirstMessage(true);
    client.on('event.stats', ({ message }: { message: string }) => callbacks.onStatistics(message));
    client.on('event.error', (error) => {
      logger.warn({ reason: error.message }, 'kafka consumer error');
      if (/fatal error/i.test(error.message)) callbacks.onFatal(KafkaError.from(error));
    });
  }

  connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#client.connect({ timeout: CONNECT_TIMEOUT_MS }, (error) => {
        if (error) reject(connectError(error, this.#settings));
        else resolve();
      });
    });
  }

  subscribe(topics: readonly string[]): void {
    this.#client.subscribe([...topics]);
  }

  /** Resolves with what is there, after the time out at the latest; empty when there is nothing. */
  consume(max: number): Promise<Message[]> {
    return this.#call((resolve, reject) => {
      this.#client.consume(max, (error, messages) => {
        if (error) reject(KafkaError.from(error));
        else resolve(messages);
      });
    });
  }

  /** Asks the broker how far the group is and where the log begins and ends. */
  async readStarts(partitions: readonly TopicPartition[]): Promise<PartitionStart[]> {
    const admin = AdminClient.createFrom(this.#client);
    // The end is read last: it only grows, so it cannot be behind what was committed before.
    const committed = await this.#committed(partitions);
    const ask = (offset: OffsetSpec) =>
      this.#call<TopicPartitionOffset[]>((resolve, reject) => {
        listOffsets(admin, partitions, offset, REQUEST_TIMEOUT_MS).then(resolve, reject);
      });
    const low = await ask(OffsetSpecs.EARLIEST);
    const high = await ask(OffsetSpecs.LATEST);
    return partitions.map(({ topic, partition }) => {
      const of = (list: readonly TopicPartitionOffset[]) => offsetOf(list, topic, partition);
      const offset = of(committed);
      return {
        topic,
        partition,
        low: of(low),
        high: of(high),
        committed: offset < 0 ? null : offset,
      };
    });
  }

  assign(starts: readonly PartitionStart[]): void {
    this.#client.incrementalAssign(
      starts.map(({ topic, partition, committed }) => ({
        topic,
        partition,
        offset: committed ?? OFFSET_BEGINNING,
      })),
    );
  }

  unassign(partitions: readonly TopicPartition[]): void {
    try {
      this.#client.incrementalUnassign(partitions);
    } catch (error) {
      this.#logger.warn({ err: KafkaError.from(error) }, 'partitions were lost before');
      this.#client.unassign();
    }
  }

  /** Whether the group took the partitions away already, so that nothing can be committed. */
  get lost(): boolean {
    return this.#client.assignmentLost();
  }

  pause(partitions: readonly TopicPartition[]): void {
    if (partitions.length > 0) this.#client.pause([...partitions]);
  }

  resume(partitions: readonly TopicPartition[]): void {
    if (partitions.length > 0) this.#client.resume([...partitions]);
  }

  /** Leaves an offset to be committed in the background; a partition that was lost is let go. */
  store(offsets: readonly TopicPartitionOffset[]): void {
    for (const offset of offsets) {
      try {
        this.#client.offsetsStore([offset]);
      } catch (error) {
        const { topic, partition } = offset;
        const fields = { err: KafkaError.from(error), topic, partition };
        this.#logger.warn(fields, 'an offset was not stored');
      }
    }
  }

  async commit(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    if (offsets.length === 0) return;
    const committed = this.#call<void>((resolve, reject) => {
      this.#client.commitCb(offsets, (error) => {
        if (error) reject(KafkaError.from(error));
        else resolve();
      });
    });
    if (await withinMs(committed, REQUEST_TIMEOUT_MS)) return committed;
    throw new KafkaError('the commit was not answered', KAFKA_ERRORS.ERR__TIMED_OUT);
  }

  /**
   * Leaves the group. The native client is freed by it, so calls that are under way are waited for;
   * if they do not end, the client is left to the end of the process.
   */
  async disconnect(): Promise<void> {
    this.#closed = true;
    if (!(await withinMs(Promise.allSettled(this.#calls), DISCONNECT_TIMEOUT_MS))) {
      this.#logger.warn('the consumer did not disconnect: a call has not ended');
      return;
    }
    const disconnected = new Promise<void>((resolve) => {
      this.#client.disconnect(() => resolve());
    });
    if (await withinMs(disconnected, DISCONNECT_TIMEOUT_MS)) return;
    this.#logger.warn('the consumer did not disconnect in time');
  }

  /** A call that works in a thread of the native client. */
  async #call<Result>(
    begin: (resolve: (result: Result) => void, reject: (error: Error) => void) => void,
  ): Promise<Result> {
    if (this.#closed) throw new KafkaError('the consumer has left', KAFKA_ERRORS.ERR__STATE);
    const call = new Promise<Result>(begin);
    this.#calls.add(call);
    try {
      return await call;
    } finally {
      this.#calls.delete(call);
    }
  }

  #committed(partitions: readonly TopicPartition[]): Promise<TopicPartitionOffset[]> {
    return this.#call((resolve, reject) => {
      this.#client.committed([...partitions], REQUEST_TIMEOUT_MS, (error, offsets) => {
        if (error) reject(KafkaError.from(error));
        else resolve(offsets);
      });
    });
  }
}

function offsetOf(list: readonly TopicPartitionOffset[], topic: string, partition: number): number {
  const found = list.find((entry) => entry.topic === topic && entry.partition === partition);
  if (found?.error) throw KafkaError.from(found.error);
  // A group without a commit has no number at all in some answers.
  return typeof found?.offset === 'number' ? found.offset : -1;
}
