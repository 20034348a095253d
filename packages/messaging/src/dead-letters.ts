import type { Message } from './kafka.ts';
import type { ProducerMessage } from './producer.ts';
import { eventIdOf, headersOf } from './received-event.ts';
import { deadLetterTopic } from './topics.ts';

/** Why and where a message was given up: the headers of its dead letter. */
export interface DeadLetterCause {
  readonly group: string;
  readonly reason: string;
  readonly attempts: number;
  readonly firstSeen: Date;
}

const REASON_LENGTH_MAX = 1_000;

/** The message as it came, on the dead letter topic, with what an operator needs in its headers. */
export function toDeadLetter(message: Message, cause: DeadLetterCause): ProducerMessage {
  const eventId = eventIdOf(message);
  return {
    topic: deadLetterTopic(message.topic),
    key: message.key ?? null,
    value: message.value ?? '',
    headers: {
      ...headersOf(message),
      group: cause.group,
      topic: message.topic,
      partition: String(message.partition),
      offset: String(message.offset),
      reason: cause.reason.slice(0, REASON_LENGTH_MAX),
      attempts: String(cause.attempts),
      'first-seen': cause.firstSeen.toISOString(),
      ...(eventId !== undefined && { 'event-id': eventId }),
    },
  };
}

/** For a message that its headers make too large: its place says where the value is. */
export function withoutValue(letter: ProducerMessage): ProducerMessage {
  return { ...letter, value: '', headers: { ...letter.headers, 'value-omitted': 'too large' } };
}
