import {
  AdminClient,
  connectError,
  type IAdminClient,
  KafkaError,
  listOffsets,
  OffsetSpecs,
  type TopicPartition,
} from './kafka.ts';

export interface PartitionProgress {
  /** With the deployment's prefix. */
  readonly topic: string;
  readonly partition: number;
  /** The offset that the next message of the partition gets. */
  readonly endOffset: bigint;
  /** The group's committed offset: the next that it reads; null when it has committed none. */
  readonly committed: bigint | null;
}

const REQUEST_TIMEOUT_MS = 5_000;

/**
 * How far a group is in whole topics, one entry a partition. Committed offsets are read after the
 * end offsets, so a group that is seen past an end has read all that stood there at the call.
 *
 * @throws KafkaError when no broker answers or a topic does not exist.
 */
export async function readProgress(options: {
  brokers: string;
  groupId: string;
  /** With the deployment's prefix. */
  topics: readonly string[];
}): Promise<PartitionProgress[]> {
  const admin = AdminClient.create({
    'bootstrap.servers': options.brokers,
    'client.id': `${options.groupId}.progress`,
  });
  try {
    const partitions = await listPartitions(admin, options);
    const ends = await listOffsets(admin, partitions, OffsetSpecs.LATEST, REQUEST_TIMEOUT_MS);
    const committed = await readCommitted(admin, options.groupId, partitions);
    return ends.map(({ topic, partition, offset }) => ({
      topic,
      partition,
      endOffset: BigInt(offset),
      committed: committed.get(`${topic} ${partition}`) ?? null,
    }));
  } finally {
    admin.disconnect();
  }
}

function listPartitions(
  admin: IAdminClient,
  { brokers, topics }: { brokers: string; topics: readonly string[] },
): Promise<TopicPartition[]> {
  return new Promise((resolve, reject) => {
    admin.describeTopics([...topics], { timeout: REQUEST_TIMEOUT_MS }, (error, descriptions) => {
      // The first that is asked: an error here is one of the connection.
      if (error) return reject(connectError(error, { 'bootstrap.servers': brokers }));
      const failed = descriptions.find((description) => description.error);
      if (failed?.error) {
        const { message, code } = KafkaError.from(failed.error);
        return reject(new KafkaError(`topic ${failed.name}: ${message}`, code));
      }
      resolve(
        descriptions.flatMap(({ name, partitions }) =>
          partitions.map(({ partition }) => ({ topic: name, partition })),
        ),
      );
    });
  });
}

function readCommitted(
  admin: IAdminClient,
  groupId: string,
  partitions: TopicPartition[],
): Promise<Map<string, bigint>> {
  return new Promise((resolve, reject) => {
    const asked = [{ groupId, partitions }];
    const timeout = { timeout: REQUEST_TIMEOUT_MS };
    admin.listConsumerGroupOffsets(asked, timeout, (error, groups) => {
      if (error) return reject(KafkaError.from(error));
      const committed = new Map<string, bigint>();
      for (const { topic, partition, offset } of groups[0]?.partitions ?? []) {
        if (offset >= 0) committed.set(`${topic} ${partition}`, BigInt(offset));
      }
      resolve(committed);
    });
  });
}
