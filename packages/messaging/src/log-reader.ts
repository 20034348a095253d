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
  OffsetSpecs,
  type TopicPartition,
} from './kafka.ts';

/** A partition from an offset on; without one, from its beginning. */
export interface LogRange extends TopicPartition {
  readonly from?: number;
}

/** Reads logs as they are, in no group: it moves no offset and takes nobody's partitions. */
export interface LogReader {
  /** The partitions of those topics that exist. */
  partitionsOf(topics: readonly string[]): Promise<TopicPartition[]>;
  /**
   * Shows every message from the beginning of each range to the end that its partition has at the
   * call; in order within a partition.
   *
   * @throws KafkaError when it is more than 100,000 messages, or takes over 60 s.
   */
  read(ranges: readonly LogRange[], visit: (message: Message) => void): Promise<void>;
  close(): Promise<void>;
}

const MESSAGES_MAX = 100_000;
const READ_TIMEOUT_MS = 60_000;
const CONNECT_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 5_000;
const CONSUME_TIMEOUT_MS = 100;
const BATCH_MAX = 500;
const PREFETCH_MAX_KB = 16 * 1024;
const FETCH_WAIT_MAX_MS = 50;

/** @throws KafkaError when no broker answers within 10 s. */
export async function openLogReader(brokers: string): Promise<LogReader> {
  const settings = readerSettings(brokers);
  const client = new KafkaConsumer(settings);
  client.setDefaultConsumeTimeout(CONSUME_TIMEOUT_MS);
  await new Promise<void>((resolve, reject) => {
    client.connect({ timeout: CONNECT_TIMEOUT_MS }, (error) => {
      if (error) reject(connectError(error, settings));
      else resolve();
    });
  });
  return new KafkaLogReader(client);
}

class KafkaLogReader implements LogReader {
  readonly #client: KafkaConsumerClient;

  constructor(client: KafkaConsumerClient) {
    this.#client = client;
  }

  partitionsOf(topics: readonly string[]): Promise<TopicPartition[]> {
    return new Promise((resolve, reject) => {
      this.#client.getMetadata({ timeout: REQUEST_TIMEOUT_MS }, (error, metadata) => {
        if (error) return reject(KafkaError.from(error));
        const found = metadata.topics.filter(({ name }) => topics.includes(name));
        resolve(
          found.flatMap(({ name, partitions }) =>
            partitions.map(({ id }) => ({ topic: name, partition: id })),
          ),
        );
      });
    });
  }

  async read(ranges: readonly LogRange[], visit: (message: Message) => void): Promise<void> {
    const ends = await this.#endsOf(ranges);
    const unread = new Map([...ends].filter(([, { from, end }]) => end > from));
    if (unread.size === 0) return;
    // Told before the messages that lead there; the last of them may be missing from a compacted log.
    const atEnd = new Set<string>();
    const onEnd = ({ topic, partition }: TopicPartition) => atEnd.add(placeOf(topic, partition));
    this.#client.on('partition.eof', onEnd);
    try {
      this.#client.assign(
        [...unread.values()].map(({ topic, partition, from }) => ({
          topic,
          partition,
          offset: from,
        })),
      );
      await this.#readToEnds(unread, atEnd, visit);
    } finally {
      this.#client.removeListener('partition.eof', onEnd);
      this.#client.unassign();
    }
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#client.disconnect(() => resolve());
    });
  }

  async #readToEnds(
    unread: Map<string, Extent>,
    atEnd: ReadonlySet<string>,
    visit: (message: Message) => void,
  ): Promise<void> {
    const deadline = performance.now() + READ_TIMEOUT_MS;
    while (unread.size > 0) {
      if (performance.now() > deadline) {
        const message = `the end of ${[...unread.keys()].join(', ')} was not reached in time`;
        throw new KafkaError(message, KAFKA_ERRORS.ERR__TIMED_OUT);
      }
      for (const message of await this.#consume()) {
        const place = placeOf(message.topic, message.partition);
        const extent = unread.get(place);
        if (extent === undefined) continue;
        if (message.offset < extent.end) visit(message);
        if (message.offset >= extent.end - 1) unread.delete(place);
      }
      for (const place of atEnd) unread.delete(place);
    }
  }

  #consume(): Promise<Message[]> {
    return new Promise((resolve, reject) => {
      this.#client.consume(BATCH_MAX, (error, messages) => {
        if (error) reject(KafkaError.from(error));
        else resolve(messages);
      });
    });
  }

  async #endsOf(ranges: readonly LogRange[]): Promise<Map<string, Extent>> {
    if (ranges.length === 0) return new Map();
    const admin = AdminClient.createFrom(this.#client);
    const lows = await listOffsets(admin, ranges, OffsetSpecs.EARLIEST, REQUEST_TIMEOUT_MS);
    const ends = await listOffsets(admin, ranges, OffsetSpecs.LATEST, REQUEST_TIMEOUT_MS);
    const low = new Map(lows.map((entry) => [placeOf(entry.topic, entry.partition), entry.offset]));
    const end = new Map(ends.map((entry) => [placeOf(entry.topic, entry.partition), entry.offset]));
    const extents = ranges.map(({ topic, partition, from = 0 }): [string, Extent] => {
      const place = placeOf(topic, partition);
      const begin = Math.max(from, low.get(place) ?? 0);
      return [place, { topic, partition, from: begin, end: end.get(place) ?? 0 }];
    });
    const count = extents.reduce((sum, [, { from, end }]) => sum + Math.max(0, end - from), 0);
    if (count > MESSAGES_MAX) {
      throw new KafkaError(
        `${count} messages are more than can be read at once (${MESSAGES_MAX}): name fewer topics`,
        KAFKA_ERRORS.ERR__INVALID_ARG,
      );
    }
    return new Map(extents);
  }
}

interface Extent extends TopicPartition {
  readonly from: number;
  /** The offset after the last message. */
  readonly end: number;
}

function placeOf(topic: string, partition: number): string {
  return `${topic}/${partition}`;
}

function readerSettings(brokers: string): KafkaSettings {
  return {
    'bootstrap.servers': brokers,
    'client.id': 'log-reader',
    // The client asks for a group's name even of one that joins none.
    'group.id': 'log-reader',
    'enable.auto.commit': false,
    'enable.auto.offset.store': false,
    'enable.partition.eof': true,
    'auto.offset.reset': 'earliest',
    'allow.auto.create.topics': false,
    'fetch.wait.max.ms': FETCH_WAIT_MAX_MS,
    'queued.max.messages.kbytes': PREFETCH_MAX_KB,
  };
}
