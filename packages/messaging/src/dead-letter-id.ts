import { TOPICS, type Topic } from '@mini-pg/domain';
import type { Message } from './kafka.ts';
import { deadLetterTopic } from './topics.ts';

/** Where a dead letter stands: its place on the dead letter topic of `topic`. */
export interface DeadLetterId {
  /** Where the message came from, without the deployment's prefix. */
  readonly topic: Topic;
  readonly partition: number;
  readonly offset: number;
}

const PATTERN = /^([a-z.-]{1,100})\/(\d{1,5})\/(\d{1,15})$/;

/** `payment.completed/0/17`: as short as a place can be typed, and the same for ever. */
export function formatDeadLetterId({ topic, partition, offset }: DeadLetterId): string {
  return `${topic}/${partition}/${offset}`;
}

/** Undefined for what is no id of a letter, or of one on a topic that does not exist. */
export function parseDeadLetterId(text: string): DeadLetterId | undefined {
  const [, topic = '', partition, offset] = PATTERN.exec(text) ?? [];
  if (!isTopic(topic)) return undefined;
  return { topic, partition: Number(partition), offset: Number(offset) };
}

/** The id of a message that was read from the dead letter topic of `topic`. */
export function deadLetterIdOf(message: Message, topic: Topic): string {
  return formatDeadLetterId({ topic, partition: message.partition, offset: message.offset });
}

/** The name of a topic's dead letters on a deployment. */
export function deadLettersOf(topic: Topic, topicPrefix: string): string {
  return deadLetterTopic(`${topicPrefix}${topic}`);
}

function isTopic(name: string): name is Topic {
  return Object.hasOwn(TOPICS, name);
}
