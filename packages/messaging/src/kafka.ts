import kafka, {
  type IAdminClient,
  type LibrdKafkaError,
  type OffsetSpec,
  type TopicPartition,
  type TopicPartitionOffset,
} from '@confluentinc/kafka-javascript';
import manifest from '@confluentinc/kafka-javascript/package.json' with { type: 'json' };
import type { Logger } from '@mini-pg/runtime';

/** The client library is CommonJS; this is its one door. */
export const { AdminClient, KafkaConsumer, Producer, librdkafkaVersion } = kafka;
export const OffsetSpecs = kafka.OffsetSpec;
export const KAFKA_ERRORS = kafka.CODES.ERRORS;

export type {
  IAdminClient,
  KafkaConsumer as KafkaConsumerClient,
  LibrdKafkaError,
  Message,
  OffsetSpec,
  Producer as ProducerClient,
  TopicPartition,
  TopicPartitionOffset,
} from '@confluentinc/kafka-javascript';

/** What the library's configuration may hold; its own types do not know every key. */
export type KafkaSettings = Record<string, string | number | boolean | object>;

let versionsLogged = false;

/** Says once per process which client is at work: a distribution's own librdkafka may be old. */
export function logKafkaVersions(logger: Logger): void {
  if (versionsLogged) return;
  versionsLogged = true;
  logger.info({ library: manifest.version, librdkafka: librdkafkaVersion }, 'kafka client');
}

/** A Kafka error as an `Error`, with the client's code. */
export class KafkaError extends Error {
  override readonly name = 'KafkaError';
  readonly code: number;

  constructor(message: string, code: number) {
    super(message);
    this.code = code;
  }

  static from(error: unknown): KafkaError {
    if (error instanceof KafkaError) return error;
    const { message, code } = error as Partial<LibrdKafkaError>;
    return new KafkaError(message ?? String(error), code ?? KAFKA_ERRORS.ERR__FAIL);
  }
}

const TOPIC_MISSING: ReadonlySet<number> = new Set([
  KAFKA_ERRORS.ERR__UNKNOWN_TOPIC,
  KAFKA_ERRORS.ERR_UNKNOWN_TOPIC_OR_PART,
]);

/** Whether the cluster does not have the topic: it may be made yet. */
export function isTopicMissing(error: Error): boolean {
  return error instanceof KafkaError && TOPIC_MISSING.has(error.code);
}

/** Asks for offsets of many partitions at once. */
export function listOffsets(
  admin: IAdminClient,
  partitions: readonly TopicPartition[],
  offset: OffsetSpec,
  timeoutMs: number,
): Promise<TopicPartitionOffset[]> {
  const asked = partitions.map(({ topic, partition }) => ({ topic, partition, offset }));
  return new Promise((resolve, reject) => {
    admin.listOffsets(asked, { timeout: timeoutMs }, (error, offsets) => {
      if (error) reject(KafkaError.from(error));
      else resolve(offsets);
    });
  });
}

/** Whether the message is larger than broker or topic allow. */
export function isTooLarge(error: Error): boolean {
  return error instanceof KafkaError && error.code === KAFKA_ERRORS.ERR_MSG_SIZE_TOO_LARGE;
}

/** Why a client could not connect, with where it tried. */
export function connectError(error: unknown, settings: KafkaSettings): KafkaError {
  const { message, code } = KafkaError.from(error);
  const brokers = String(settings['bootstrap.servers']);
  return new KafkaError(
    `no Kafka broker answers at ${brokers} (${message}): check KAFKA_BROKERS, and that Kafka is up`,
    code,
  );
}
