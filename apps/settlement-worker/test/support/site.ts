import { randomBytes } from 'node:crypto';
import type { AnyEvent, Topic } from '@mini-pg/domain';
import {
  createProducer,
  createTopics,
  deleteTopics,
  type EventProducer,
  type ReceivedEvent,
  startConsumer,
} from '@mini-pg/messaging';
import { createLogger, createRegistry, type Logger, newId, type Secret } from '@mini-pg/runtime';
import { testStack } from '@mini-pg/testing';
import type { Config } from '../../src/config.ts';
import { CONSUMED_TOPICS } from '../../src/facts/consumed.ts';
import { OPERATOR_PUBLIC_KEY } from './operators.ts';

/** Topics of one test file, and a way to speak and listen on them. */
export interface Site {
  readonly config: Config;
  readonly producer: EventProducer;
  publish(...events: AnyEvent[]): Promise<void>;
  /** Sends bytes that are no event. */
  publishRaw(topic: Topic, value: string): Promise<void>;
  /** Collects what is published on topics, from their beginning. */
  listen<T extends Topic>(...topics: T[]): Promise<ReceivedEvent<T>[]>;
  stop(): Promise<void>;
}

/** As many as instances that share them: a broker is slow with thousands. */
const PARTITIONS = 2;

export const silent: Logger = createLogger({ service: 'test', level: 'silent' });

export async function createSite(databaseUrl: Secret): Promise<Site> {
  const brokers = testStack().kafkaBrokers;
  const prefix = `t${randomBytes(6).toString('hex')}.`;
  for (const service of ['payment-api', 'pg-processor', 'settlement-worker'] as const) {
    const consumes = service === 'settlement-worker' ? CONSUMED_TOPICS : [];
    await createTopics({
      brokers,
      producer: service,
      consumes,
      topicPrefix: prefix,
      partitions: PARTITIONS,
      logger: silent,
    });
  }
  const producer = await createProducer({
    brokers,
    clientId: newId(),
    logger: silent,
    registry: createRegistry('test'),
  });
  const stops: (() => Promise<void>)[] = [
    () => deleteTopics({ brokers, topicPrefix: prefix }).then(() => undefined),
    () => producer.stop(),
  ];
  const send = async (topic: string, key: string, value: string) => {
    const [result] = await producer.publish([{ topic: `${prefix}${topic}`, key, value }]);
    if (!result?.ok) throw result?.error ?? new Error('not published');
  };
  return {
    config: {
      APP_ENV: 'local',
      HOST: '127.0.0.1',
      PORT: 0,
      LOG_LEVEL: 'silent',
      INSTANCE_ID: undefined,
      PROFILES_DIR: undefined,
      DATABASE_URL: databaseUrl,
      KAFKA_BROKERS: brokers,
      TOPIC_PREFIX: prefix,
      CLOSE_SCHEDULE: 'on',
      OPERATOR_PUBLIC_KEY,
    },
    producer,
    async publish(...events) {
      for (const event of events) {
        const { type, subject } = event as { type: string; subject: string };
        await send(type, subject, JSON.stringify(event));
      }
    },
    publishRaw: (topic, value) => send(topic, newId(), value),
    async listen(...topics) {
      const heard: ReceivedEvent<(typeof topics)[number]>[] = [];
      const consumer = await startConsumer({
        brokers,
        groupId: `${prefix}listener-${newId()}`,
        clientId: 'listener',
        topics,
        topicPrefix: prefix,
        producer,
        handle: async (events) => void heard.push(...events),
        logger: silent,
        registry: createRegistry('test'),
      });
      stops.unshift(() => consumer.stop());
      return heard;
    },
    async stop() {
      for (const stop of stops) await stop();
    },
  };
}
