import { AdminClient, type TopicPartitionOffset } from '../src/kafka.ts';

/** Cuts a log: everything before the offset is gone, as after its retention. */
export async function deleteRecords(brokers: string, upTo: TopicPartitionOffset): Promise<void> {
  const admin = AdminClient.create({ 'bootstrap.servers': brokers });
  try {
    await new Promise<void>((resolve, reject) => {
      admin.deleteRecords([upTo], { timeout: 5_000 }, (error, results) => {
        const failure = error ?? results[0]?.error;
        if (failure) reject(failure);
        else resolve();
      });
    });
  } finally {
    admin.disconnect();
  }
}

/** Makes a topic with a number of partitions of the test's own. */
export async function createTopic(
  brokers: string,
  topic: string,
  partitions: number,
): Promise<void> {
  const admin = AdminClient.create({ 'bootstrap.servers': brokers });
  try {
    await new Promise<void>((resolve, reject) => {
      admin.createTopic(
        { topic, num_partitions: partitions, replication_factor: 1 },
        5_000,
        (error) => (error ? reject(error) : resolve()),
      );
    });
  } finally {
    admin.disconnect();
  }
}

/** The number of partitions of each topic. */
export async function describeTopics(
  brokers: string,
  topics: readonly string[],
): Promise<Map<string, number>> {
  const admin = AdminClient.create({ 'bootstrap.servers': brokers });
  try {
    return await new Promise((resolve, reject) => {
      admin.describeTopics([...topics], { timeout: 5_000 }, (error, found) => {
        if (error) return reject(error);
        resolve(new Map(found.map(({ name, partitions }) => [name, partitions.length])));
      });
    });
  } finally {
    admin.disconnect();
  }
}
