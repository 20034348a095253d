import { TOPICS, type Topic } from '@mini-pg/domain';
import type { Logger } from '@mini-pg/runtime';
import {
  AdminClient,
  connectError,
  type IAdminClient,
  isTopicMissing,
  KAFKA_ERRORS,
  KafkaError,
} from './kafka.ts';

export type Service = (typeof TOPICS)[Topic]['producer'];

export interface CreateTopicsOptions {
  readonly brokers: string;
  /** Whose topics are made: every topic has one producer, and its migrate command makes it. */
  readonly producer: Service;
  readonly topicPrefix: string;
  readonly logger: Logger;
  /** What the service consumes: their dead letter topics are made too. */
  readonly consumes?: readonly Topic[];
  /** Instead of the table's number: few partitions make a small broker fast. */
  readonly partitions?: number;
  /** How long a broker may take to answer. */
  readonly timeoutMs?: number;
}

const REQUEST_TIMEOUT_MS = 10_000;
const DESCRIBE_ATTEMPTS_MAX = 100;
const DESCRIBE_PAUSE_MS = 100;
const REPLICATION_MAX = 3;
/** Of three replicas: one may be away, and none is the only one to know of a message. */
const IN_SYNC_MIN = 2;
const DEAD_LETTER_PARTITIONS = 3;
/** Nobody knows when a letter will be resolved, and one that expires first is a lost event. */
const DEAD_LETTER_RETENTION_MS = 365 * 24 * 60 * 60 * 1000;
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
    const existing = new Set(await listTopics(admin, options));
    const replicas = Math.min(REPLICATION_MAX, await countBrokers(admin));
    const plans = plansOf(options);
    const made: string[] = [];
    for (const plan of plans) {
      if (existing.has(plan.topic)) continue;
      if (await createTopic(admin, plan, replicas)) made.push(plan.topic);
    }
    const known = plans.filter(({ topic }) => !made.includes(topic));
    compareWithPlans(known, await describeOnceKnown(admin, plans), options.logger);
    return made;
  } finally {
    admin.disconnect();
  }
}

/**
 * Deletes every topic of a prefix, as when a test or an environment is torn down. Returns their
 * names.
 *
 * @throws RangeError when the prefix is empty: that would be every topic there is.
 */
export async function deleteTopics(options: {
  brokers: string;
  topicPrefix: string;
}): Promise<string[]> {
  const { brokers, topicPrefix } = options;
  if (topicPrefix === '') throw new RangeError('deleting topics needs a prefix');
  const admin = AdminClient.create({ 'bootstrap.servers': brokers });
  try {
    const found = await listTopics(admin, options);
    const doomed = found.filter((topic) => topic.startsWith(topicPrefix));
    for (const topic of doomed) await deleteTopic(admin, topic);
    return doomed;
  } finally {
    admin.disconnect();
  }
}

function plansOf(options: CreateTopicsOptions): TopicPlan[] {
  const names = Object.keys(TOPICS) as Topic[];
  const own = names.filter((name) => TOPICS[name].producer === options.producer);
  return [
    ...own.map((name) => planOf(name, options)),
    ...(options.consumes ?? []).map((name) => deadLetterPlanOf(name, options)),
  ];
}

function planOf(name: Topic, { topicPrefix, partitions }: CreateTopicsOptions): TopicPlan {
  const { cleanup, retentionMs, ...settings } = TOPICS[name];
  const config = { 'cleanup.policy': cleanup };
  return {
    topic: `${topicPrefix}${name}`,
    partitions: partitions ?? settings.partitions,
    config: cleanup === 'compact' ? config : { ...config, 'retention.ms': String(retentionMs) },
  };
}

function deadLetterPlanOf(
  name: Topic,
  { topicPrefix, partitions = DEAD_LETTER_PARTITIONS }: CreateTopicsOptions,
): TopicPlan {
  return {
    topic: deadLetterTopic(`${topicPrefix}${name}`),
    partitions: Math.min(partitions, DEAD_LETTER_PARTITIONS),
    config: { 'cleanup.policy': 'delete', 'retention.ms': String(DEAD_LETTER_RETENTION_MS) },
  };
}

function listTopics(
  admin: IAdminClient,
  { brokers, timeoutMs = REQUEST_TIMEOUT_MS }: { brokers: string; timeoutMs?: number },
): Promise<string[]> {
  return new Promise((resolve, reject) => {
    admin.listTopics({ timeout: timeoutMs }, (error, topics) => {
      if (!error) return resolve(topics);
      reject(connectError(error, { 'bootstrap.servers': brokers }));
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
    config: {
      ...plan.config,
      ...(replicas === REPLICATION_MAX && { 'min.insync.replicas': String(IN_SYNC_MIN) }),
    },
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

function deleteTopic(admin: IAdminClient, topic: string): Promise<void> {
  return new Promise((resolve, reject) => {
    admin.deleteTopic(topic, REQUEST_TIMEOUT_MS, (error) => {
      if (!error || isTopicMissing(KafkaError.from(error))) return resolve();
      reject(KafkaError.from(error));
    });
  });
}

/** A topic is not known to every broker at the moment in which it is made. */
async function describeOnceKnown(
  admin: IAdminClient,
  plans: readonly TopicPlan[],
): Promise<ReadonlyMap<string, number>> {
  const topics = plans.map(({ topic }) => topic);
  for (let attempt = 1; ; attempt += 1) {
    const partitions = await countPartitions(admin, topics);
    const missing = topics.find((topic) => !partitions.get(topic));
    if (missing === undefined) return partitions;
    if (attempt === DESCRIBE_ATTEMPTS_MAX) {
      throw new KafkaError(`topic ${missing} does not appear`, KAFKA_ERRORS.ERR__UNKNOWN_TOPIC);
    }
    await new Promise((resolve) => setTimeout(resolve, DESCRIBE_PAUSE_MS));
  }
}

function countPartitions(
  admin: IAdminClient,
  topics: readonly string[],
): Promise<Map<string, number>> {
  return new Promise((resolve, reject) => {
    admin.describeTopics([...topics], { timeout: REQUEST_TIMEOUT_MS }, (error, found) => {
      if (error) return reject(KafkaError.from(error));
      resolve(new Map(found.map(({ name, partitions }) => [name, partitions.length])));
    });
  });
}

function compareWithPlans(
  plans: readonly TopicPlan[],
  found: ReadonlyMap<string, number>,
  logger: Logger,
): void {
  for (const { topic, partitions: expected } of plans) {
    const partitions = found.get(topic);
    if (partitions === expected) continue;
    logger.warn({ topic, partitions, expected }, 'the topic has another number of partitions');
  }
}
