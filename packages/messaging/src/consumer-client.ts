import type { Logger } from '@mini-pg/runtime';
import {
  AdminClient,
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
  readonly #logger: Logger;

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
        if (error) reject(KafkaError.from(error));
        else resolve();
      });
    });
  }

  subscribe(topics: readonly string[]): void {
    this.#client.subscribe([...topics]);
  }

  /** Resolves with what is there, after the time out at the latest; empty when there is nothing. */
  consume(max: number): Promise<Message[]> {
    return new Promise((resolve, reject) => {
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
    const ask = (offset: OffsetSpec) => listOffsets(admin, partitions, offset, REQUEST_TIMEOUT_MS);
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

  commit(offsets: readonly TopicPartitionOffset[]): Promise<void> {
    if (offsets.length === 0) return Promise.resolve();
    const committed = new Promise<void>((resolve, reject) => {
      this.#client.commitCb(offsets, (error) => {
        if (error) reject(KafkaError.from(error));
        else resolve();
      });
    });
    return within(committed, REQUEST_TIMEOUT_MS, 'the commit');
  }

  async disconnect(): Promise<void> {
    const disconnected = new Promise<void>((resolve) => {
      this.#client.disconnect(() => resolve());
    });
    await within(disconnected, DISCONNECT_TIMEOUT_MS, 'leaving the group').catch((error) => {
      this.#logger.warn({ err: error }, 'the consumer did not disconnect');
    });
  }

  #committed(partitions: readonly TopicPartition[]): Promise<TopicPartitionOffset[]> {
    return new Promise((resolve, reject) => {
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

async function within<T>(promise: Promise<T>, timeoutMs: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    const error = new KafkaError(`${what} took over ${timeoutMs} ms`, KAFKA_ERRORS.ERR__TIMED_OUT);
    timer = setTimeout(() => reject(error), timeoutMs);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
