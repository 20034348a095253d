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
