import { type PartitionProgress, readProgress } from '@mini-pg/messaging';

/** What the books are made from. A close waits for all of these topics. */
export const CONSUMED_TOPICS = [
  'payment.completed',
  'payment.cancelled',
  'payment.reversed',
  'merchant.updated',
] as const;

export type ConsumedTopic = (typeof CONSUMED_TOPICS)[number];

/** The consumer group that stores facts, by the deployment's prefix. */
export function factsGroupOf(topicPrefix: string): string {
  return `${topicPrefix}settlement-worker.facts`;
}

/** How far the facts are stored: the ends of their topics and what the group has committed. */
export function readFactsProgress(config: {
  readonly KAFKA_BROKERS: string;
  readonly TOPIC_PREFIX: string;
}): Promise<PartitionProgress[]> {
  return readProgress({
    brokers: config.KAFKA_BROKERS,
    groupId: factsGroupOf(config.TOPIC_PREFIX),
    topics: CONSUMED_TOPICS.map((topic) => `${config.TOPIC_PREFIX}${topic}`),
  });
}
