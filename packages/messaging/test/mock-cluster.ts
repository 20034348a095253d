import { type KafkaSettings, Producer } from '../src/kafka.ts';

export interface MockCluster {
  readonly brokers: string;
  /** Makes a topic with four partitions. */
  createTopic(topic: string): Promise<void>;
  stop(): Promise<void>;
}

/** librdkafka's brokers in memory: for the loop of the consumer, not for what a broker promises. */
export async function startMockCluster(): Promise<MockCluster> {
  const settings: KafkaSettings = {
    'bootstrap.servers': 'mock',
    'test.mock.num.brokers': 1,
    'allow.auto.create.topics': true,
  };
  const host = new Producer(settings);
  const metadata = await new Promise<{ brokers: { host: string; port: number }[] }>(
    (resolve, reject) => {
      host.connect({ timeout: 5_000 }, (error, found) => (error ? reject(error) : resolve(found)));
    },
  );
  return {
    brokers: metadata.brokers.map((broker) => `${broker.host}:${broker.port}`).join(','),
    createTopic: (topic) =>
      new Promise((resolve, reject) => {
        host.getMetadata({ topic, timeout: 5_000 }, (error) => (error ? reject(error) : resolve()));
      }),
    stop: () => new Promise((resolve) => host.disconnect(() => resolve())),
  };
}
