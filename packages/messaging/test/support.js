import { randomBytes } from 'node:crypto';
import { createKysely, createPool } from '@mini-pg/database';
import { createEvent } from '@mini-pg/domain';
import { createLogger, newId } from '@mini-pg/runtime';
import { KafkaConsumer } from '../src/kafka.js';
import { createOutboxTables } from '../src/outbox.js';
export const silent = createLogger({ service: 'test', level: 'silent' });
export const OUTBOX_MIGRATIONS = {
  '001-create-outbox': { up: (db) => createOutboxTables(db) },
};
export function uniquePrefix() {
  return `t${randomBytes(6).toString('hex')}.`;
}
export function openPool(connectionString) {
  return createPool({ connectionString, applicationName: 'test', connectionsMax: 4 });
}
export { createKysely };
/** A small public event; `note` tells one from another. */
export function merchantUpdated(note, merchantId = newId()) {
  return createEvent('merchant.updated', {
    id: newId(),
    source: 'payment-api',
    time: '2026-03-02T01:02:03.000Z',
    subject: merchantId,
    data: {
      merchantId,
      name: note,
      status: 'ACTIVE',
      terms: [
        { feePpm: 25_000, fixedFee: 0, vatMode: 'EXCLUSIVE', payoutDays: 2, from: '2026-03-02' },
      ],
      version: 1,
      updatedAt: '2026-03-02T01:02:03.000Z',
    },
  });
}
/** Everything that stands in a topic, partition by partition in the order of offsets. */
export async function readTopic(brokers, topic) {
  const consumer = new KafkaConsumer({
    'bootstrap.servers': brokers,
    'group.id': uniquePrefix(),
    'enable.auto.commit': false,
    'enable.partition.eof': true,
    'fetch.wait.max.ms': 10,
  });
  consumer.setDefaultConsumeTimeout(50);
  await new Promise((resolve, reject) => {
    consumer.connect({ topic, timeout: 5_000 }, (error) => (error ? reject(error) : resolve()));
  });
  try {
    return await readToEnd(consumer, topic);
  } finally {
    await new Promise((resolve) => consumer.disconnect(() => resolve()));
  }
}
async function readToEnd(consumer, topic) {
  const partitions = await new Promise((resolve, reject) => {
    consumer.getMetadata({ topic, timeout: 5_000 }, (error, metadata) => {
      if (error) return reject(error);
      const found = metadata.topics.find(({ name }) => name === topic);
      resolve((found?.partitions ?? []).map(({ id }) => id));
    });
  });
  const atEnd = new Set();
  consumer.on('partition.eof', ({ partition }) => atEnd.add(partition));
  consumer.assign(partitions.map((partition) => ({ topic, partition, offset: -2 })));
  const messages = [];
  while (atEnd.size < partitions.length) {
    messages.push(
      ...(await new Promise((resolve, reject) => {
        consumer.consume(500, (error, batch) => (error ? reject(error) : resolve(batch)));
      })),
    );
  }
  return messages
    .map(toReadMessage)
    .sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}
function toReadMessage(message) {
  const headers = (message.headers ?? []).flatMap((header) =>
    Object.entries(header).map(([name, value]) => [name, String(value)]),
  );
  return {
    topic: message.topic,
    partition: message.partition,
    offset: message.offset,
    key: message.key === null || message.key === undefined ? null : String(message.key),
    value: String(message.value ?? ''),
    headers: Object.fromEntries(headers),
  };
}
//# sourceMappingURL=support.js.map
