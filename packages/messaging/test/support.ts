import { randomBytes } from 'node:crypto';
import { createPool, type Migration, type PostgresPool } from '@mini-pg/database';
import { createEvent, type EventOf } from '@mini-pg/domain';
import { createLogger, type Logger, newId } from '@mini-pg/runtime';
import { KafkaConsumer, type Message } from '../src/kafka.ts';
import { createOutboxTables } from '../src/outbox.ts';

export const silent: Logger = createLogger({ service: 'test', level: 'silent' });

export const OUTBOX_MIGRATIONS: Record<string, Migration> = {
  '001-create-outbox': { up: (db) => createOutboxTables(db) },
};

export function uniquePrefix(): string {
  return `t${randomBytes(6).toString('hex')}.`;
}

export function openPool(connectionString: string): PostgresPool {
  return createPool({ connectionString, applicationName: 'test', connectionsMax: 4 });
}

/** A small public event on a compacted topic; `name` tells one from another. */
export function merchantUpdated(name: string, merchantId = newId()): EventOf<'merchant.updated'> {
  return createEvent('merchant.updated', {
    id: newId(),
    source: 'payment-api',
    time: '2026-03-02T01:02:03.000Z',
    subject: merchantId,
    data: {
      merchantId,
      name,
      status: 'ACTIVE',
      terms: [
        { feePpm: 25_000, fixedFee: 0, vatMode: 'EXCLUSIVE', payoutDays: 2, from: '2026-03-02' },
      ],
      version: 1,
      updatedAt: '2026-03-02T01:02:03.000Z',
    },
  });
}

/** A small public event on a topic that keeps everything; `detail` tells one from another. */
export function paymentProgressed(detail: string): EventOf<'payment.progressed'> {
  const paymentId = newId();
  return createEvent('payment.progressed', {
    id: newId(),
    source: 'pg-processor',
    time: '2026-03-02T01:02:03.000Z',
    subject: paymentId,
    data: {
      merchantId: newId(),
      livemode: true,
      paymentId,
      sequence: 1,
      attemptId: newId(),
      attemptNumber: 1,
      pg: 'toss',
      step: 'INQUIRED',
      detail,
      at: '2026-03-02T01:02:03.000Z',
    },
  });
}

export interface ReadMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: string;
  readonly headers: Record<string, string>;
}

/** Everything that stands in a topic, partition by partition in the order of offsets. */
export async function readTopic(brokers: string, topic: string): Promise<ReadMessage[]> {
  const consumer = new KafkaConsumer({
    'bootstrap.servers': brokers,
    'group.id': uniquePrefix(),
    'enable.auto.commit': false,
    'enable.partition.eof': true,
    'fetch.wait.max.ms': 10,
  });
  consumer.setDefaultConsumeTimeout(50);
  await new Promise<void>((resolve, reject) => {
    consumer.connect({ topic, timeout: 5_000 }, (error) => (error ? reject(error) : resolve()));
  });
  try {
    return await readToEnd(consumer, topic);
  } finally {
    await new Promise<void>((resolve) => consumer.disconnect(() => resolve()));
  }
}

async function readToEnd(
  consumer: InstanceType<typeof KafkaConsumer>,
  topic: string,
): Promise<ReadMessage[]> {
  const partitions = await new Promise<number[]>((resolve, reject) => {
    consumer.getMetadata({ topic, timeout: 5_000 }, (error, metadata) => {
      if (error) return reject(error);
      const found = metadata.topics.find(({ name }) => name === topic);
      resolve((found?.partitions ?? []).map(({ id }) => id));
    });
  });
  const atEnd = new Set<number>();
  consumer.on('partition.eof', ({ partition }) => atEnd.add(partition));
  consumer.assign(partitions.map((partition) => ({ topic, partition, offset: -2 })));
  const messages: Message[] = [];
  while (atEnd.size < partitions.length) {
    messages.push(
      ...(await new Promise<Message[]>((resolve, reject) => {
        consumer.consume(500, (error, batch) => (error ? reject(error) : resolve(batch)));
      })),
    );
  }
  return messages
    .map(toReadMessage)
    .sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}

function toReadMessage(message: Message): ReadMessage {
  const headers = (message.headers ?? []).flatMap((header) =>
    Object.entries(header).map(([name, value]) => [name, String(value)] as const),
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
