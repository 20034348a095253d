import type { DeadLetterId } from './dead-letter-id.ts';
import { formatDeadLetterId } from './dead-letter-id.ts';
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

/** Names the letter that a message was replayed from. */
export const REPLAYED_FROM = 'replayed-from';

/** Says that only the place of a message is left, and why. */
export const VALUE_OMITTED = 'value-omitted';

const REASON_LENGTH_MAX = 1_000;

/** What a letter says about its message; every other header came with the message. */
const LETTER_HEADERS: ReadonlySet<string> = new Set([
  'group',
  'topic',
  'partition',
  'offset',
  'reason',
  'attempts',
  'first-seen',
  VALUE_OMITTED,
]);

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
  return { ...letter, value: '', headers: { ...letter.headers, [VALUE_OMITTED]: 'too large' } };
}

/** The message of a letter, on its topic again: same key, bytes and headers, and where it was. */
export function toReplay(letter: Message, id: DeadLetterId, topicPrefix: string): ProducerMessage {
  const own = Object.entries(headersOf(letter)).filter(([name]) => !LETTER_HEADERS.has(name));
  return {
    topic: `${topicPrefix}${id.topic}`,
    key: letter.key ?? null,
    value: letter.value ?? '',
    headers: { ...Object.fromEntries(own), [REPLAYED_FROM]: formatDeadLetterId(id) },
  };
}
