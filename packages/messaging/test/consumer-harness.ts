import type { EventOf } from '@mini-pg/domain';
import { createRegistry, newId, type Registry } from '@mini-pg/runtime';
import { waitFor } from '@mini-pg/testing';
import { type Consumer, type ConsumerOptions, startConsumer } from '../src/consumer.ts';
import { createProducer, type EventProducer } from '../src/producer.ts';
import type { ReceivedEvent } from '../src/received-event.ts';
import { deleteTopics } from '../src/topics.ts';
import { paymentProgressed, silent, uniquePrefix } from './support.ts';

export const TOPIC = 'payment.progressed';
type Received = ReceivedEvent<typeof TOPIC>;
type Overrides = Partial<ConsumerOptions<typeof TOPIC>>;

/** A topic, a group and a producer of one test, and all consumers that it starts. */
export class ConsumerHarness {
  readonly prefix = uniquePrefix();
  readonly groupId = `${this.prefix}group`;
  readonly topic = `${this.prefix}${TOPIC}`;
  readonly deadLetters = `${this.topic}.dlq`;
  readonly registry: Registry = createRegistry('test');
  /** What handlers have resolved with, in order. */
  readonly handled: Received[] = [];
  readonly fatal: Error[] = [];
  readonly brokers: string;
  readonly producer: EventProducer;
  readonly #consumers: Consumer[] = [];

  private constructor(brokers: string, producer: EventProducer) {
    this.brokers = brokers;
    this.producer = producer;
  }

  static async open(brokers: string): Promise<ConsumerHarness> {
    const producer = await createProducer({
      brokers,
      clientId: 'test',
      logger: silent,
      registry: createRegistry('test'),
    });
    return new ConsumerHarness(brokers, producer);
  }

  async start(overrides: Overrides = {}): Promise<Consumer> {
    const consumer = await startConsumer<typeof TOPIC>({
      brokers: this.brokers,
      groupId: this.groupId,
      clientId: 'test',
      topics: [TOPIC],
      topicPrefix: this.prefix,
      producer: this.producer,
      handle: async (events) => {
        this.handled.push(...events);
      },
      logger: silent,
      registry: this.registry,
      onFatal: (error) => this.fatal.push(error),
      ...overrides,
    });
    this.#consumers.push(consumer);
    return consumer;
  }

  /** Sends events; each name is spread over the partitions by a key of its own unless told. */
  async send(names: readonly string[], key?: string): Promise<EventOf<typeof TOPIC>[]> {
    const events = names.map((name) => paymentProgressed(name));
    await this.sendRaw(
      events.map((event) => JSON.stringify(event)),
      key,
    );
    return events;
  }

  async sendRaw(values: readonly string[], key?: string): Promise<void> {
    const messages = values.map((value) => ({ topic: this.topic, key: key ?? newId(), value }));
    const results = await this.producer.publish(messages);
    const refused = results.find((result) => !result.ok);
    if (refused !== undefined) throw new Error('a message of the test was refused');
  }

  names(): string[] {
    return this.handled.map(({ event }) => event.data.detail);
  }

  async handles(names: readonly string[], timeoutMs?: number): Promise<void> {
    await waitFor(() => names.every((name) => this.names().includes(name)), {
      what: `${names.length} events to be handled`,
      ...(timeoutMs !== undefined && { timeoutMs }),
    });
  }

  async metric(name: string): Promise<number> {
    const metrics = await this.registry.getMetricsAsJSON();
    const found = metrics.find((metric) => metric.name === name);
    return (found?.values ?? []).reduce((sum, { value }) => sum + value, 0);
  }

  async close(): Promise<void> {
    await Promise.all(this.#consumers.map((consumer) => consumer.stop()));
    await this.producer.stop();
  }

  /** Leaves nothing behind on a broker that other tests share. */
  async closeAndDelete(): Promise<void> {
    await this.close();
    await deleteTopics({ brokers: this.brokers, topicPrefix: this.prefix });
  }
}

/** Offsets per partition, in the order in which they were handled. */
export function offsetsByPartition(events: readonly Received[]): Map<number, bigint[]> {
  const offsets = new Map<number, bigint[]>();
  for (const { partition, offset } of events) {
    offsets.set(partition, [...(offsets.get(partition) ?? []), offset]);
  }
  return offsets;
}
