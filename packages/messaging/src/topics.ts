import { TOPICS, type Topic } from '@mini-pg/domain';
import type { Logger } from '@mini-pg/runtime';
import { AdminClient, type IAdminClient, KAFKA_ERRORS, KafkaError } from './kafka.ts';

export type Service = (typeof TOPICS)[Topic]['producer'];

export interface CreateTopicsOptions {
  readonly brokers: string;
  /** Whose topics are made: every topic has one producer, and its migrate command makes it. */
  readonly producer: Service;
  readonly topicPrefix: string;
  readonly logger: Logger;
  /** What the service consumes: their dead letter topics are made too. */
  readonly consumes?: readonly Topic[];
}

const REQUEST_TIMEOUT_MS = 10_000;
const REPLICATION_MAX = 3;
const DEAD_LETTER_PARTITIONS = 3;
const DEAD_LETTER_RETENTION_MS = 30 * 24 * 60 * 60 * 1000;
const DEAD_LETTER_SUFFIX = '.dlq';

interface TopicPlan {
  readonly topic: string;
  readonly partitions: number;
  readonly config: Record<string, string>;
}

/** Where a message goes that a consumer of `topic` gave up. */
export function deadLetterTopic(topic: string): string {
  return `${topic}${DEAD_LETTER_SUFFIX}`;
}

/**
 * Makes what is missing of a service's topics and of the dead letter topics of what it consumes,
 * and returns the names made. Topics that exist are left as they are.
 *
 * @throws KafkaError when no broker answers or a topic is refused.
 */
export async function createTopics(options: CreateTopicsOptions): Promise<string[]> {
  const admin = AdminClient.create({
    'bootstrap.servers': options.brokers,
    'client.id': `${options.producer}.topics`,
  });
  try {
    const existing = new Set(await listTopics(admin, options.brokers));
    const replicas = Math.min(REPLICATION_MAX, await countBrokers(admin));
    const made: string[] = [];
    for (const plan of plansOf(options)) {
      if (existing.has(plan.topic)) {
        await compareWithPlan(admin, plan, options.logger);
      } else if (await createTopic(admin, plan, replicas)) {
        made.push(plan.topic);
      }
    }
    return made;
  } finally {
    admin.disconnect();
  }
}

function plansOf(options: CreateTopicsOptions): TopicPlan[] {
  const names = Object.keys(TOPICS) as Topic[];
  const own = names.filter((name) => TOPICS[name].producer === options.producer);
  return [
    ...own.map((name) => planOf(name, options.topicPrefix)),
    ...(options.consumes ?? []).map((name) => deadLetterPlanOf(name, options.topicPrefix)),
  ];
}

function planOf(name: Topic, prefix: string): TopicPlan {
  const { partitions, cleanup, retentionMs } = TOPICS[name];
  const config = { 'cleanup.policy': cleanup };
  return {
    topic: `${prefix}${name}`,
    partitions,
    config: cleanup === 'compact' ? config : { ...config, 'retention.ms': String(retentionMs) },
  };
}

function deadLetterPlanOf(name: Topic, prefix: string): TopicPlan {
  return {
    topic: deadLetterTopic(`${prefix}${name}`),
    partitions: DEAD_LETTER_PARTITIONS,
    config: { 'cleanup.policy': 'delete', 'retention.ms': String(DEAD_LETTER_RETENTION_MS) },
  };
}

function listTopics(admin: IAdminClient, brokers: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    admin.listTopics({ timeout: REQUEST_TIMEOUT_MS }, (error, topics) => {
      if (!error) return resolve(topics);
      const { message, code } = KafkaError.from(error);
      reject(new KafkaError(`no Kafka broker answers at ${brokers}: ${message}`, code));
    });
  });
}

function countBrokers(admin: IAdminClient): Promise<number> {
  const client = admin as unknown as MetadataClient;
  return new Promise((resolve, reject) => {
    client.getMetadata({ timeout: REQUEST_TIMEOUT_MS }, (error, metadata) => {
      if (error) reject(KafkaError.from(error));
      else resolve(Math.max(1, metadata.brokers.length));
    });
  });
}

/** Every client of the library has it, though the admin client's types leave it out. */
interface MetadataClient {
  getMetadata(
    options: { timeout: number },
    callback: (error: unknown, metadata: { brokers: unknown[] }) => void,
  ): void;
}

/** Returns false when another process was faster. */
function createTopic(admin: IAdminClient, plan: TopicPlan, replicas: number): Promise<boolean> {
  const topic = {
    topic: plan.topic,
    num_partitions: plan.partitions,
    replication_factor: replicas,
    config: plan.config,
  };
  return new Promise((resolve, reject) => {
    admin.createTopic(topic, REQUEST_TIMEOUT_MS, (error) => {
      if (!error) return resolve(true);
      if (error.code === KAFKA_ERRORS.ERR_TOPIC_ALREADY_EXISTS) return resolve(false);
      const { message, code } = KafkaError.from(error);
      reject(new KafkaError(`topic ${plan.topic} cannot be made: ${message}`, code));
    });
  });
}

function compareWithPlan(admin: IAdminClient, plan: TopicPlan, logger: Logger): Promise<void> {
  return new Promise((resolve, reject) => {
    admin.describeTopics([plan.topic], { timeout: REQUEST_TIMEOUT_MS }, (error, descriptions) => {
      if (error) return reject(KafkaError.from(error));
      const partitions = descriptions[0]?.partitions.length;
      if (partitions !== plan.partitions) {
        const { topic } = plan;
        const expected = plan.partitions;
        logger.warn({ topic, partitions, expected }, 'the topic has another number of partitions');
      }
      resolve();
    });
  });
}
