import type { Topic } from '@mini-pg/domain';
import { z } from 'zod';
import { deadLetterIdOf } from './dead-letter-id.ts';
import { REPLAYED_FROM, VALUE_OMITTED } from './dead-letters.ts';
import type { Message } from './kafka.ts';
import type { ProducerMessage } from './producer.ts';
import { headersOf } from './received-event.ts';

export const RESOLUTIONS = ['REPLAYED', 'DISCARDED'] as const;

const resolutionSchema = z.object({
  /** The letter's id. */
  letter: z.string(),
  resolution: z.enum(RESOLUTIONS),
  /** The operator's name. */
  by: z.string(),
  reason: z.string(),
  at: z.iso.datetime(),
});

/** What an operator decided about a letter. */
export type DeadLetterResolution = z.infer<typeof resolutionSchema>;

/** A message that a consumer gave up, and what became of it. Null is what its headers do not say. */
export interface DeadLetter {
  readonly id: string;
  /** `OPEN` until the first resolution, which decides. */
  readonly status: 'OPEN' | DeadLetterResolution['resolution'];
  /** Where the message stood: `topic` is without the deployment's prefix. */
  readonly topic: Topic;
  readonly partition: number | null;
  readonly offset: number | null;
  readonly group: string | null;
  readonly reason: string | null;
  readonly attempts: number | null;
  readonly eventId: string | null;
  readonly firstSeen: string | null;
  /** Whether there is something to replay: not where it was too large, or the message was empty. */
  readonly hasValue: boolean;
  readonly valueOmitted: boolean;
  /** The letter of whose replay this one came. */
  readonly replayedFrom: string | null;
  /** The letters that came of this one's replays, by any group. */
  readonly cameBackAs: readonly { readonly id: string; readonly group: string | null }[];
  /** Oldest first. More than one only when operators decided at the same time. */
  readonly history: readonly DeadLetterResolution[];
}

type Given = Omit<DeadLetter, 'status' | 'history' | 'cameBackAs'>;

/** What stands on a dead letter topic: letters, and after them what was decided about them. */
export type DeadLetterEntry =
  | { readonly kind: 'letter'; readonly letter: Given }
  | { readonly kind: 'resolution'; readonly resolution: DeadLetterResolution };

/** Marks a resolution; no letter has it without having `group` too. */
const RESOLUTION = 'resolution';

/**
 * The message that records a decision. On the partition of its letter: it follows the letter, in
 * the one order of all decisions about it, and does not expire before it.
 */
export function toResolutionMessage(
  letter: Message,
  resolution: DeadLetterResolution,
): ProducerMessage {
  return {
    topic: letter.topic,
    partition: letter.partition,
    key: letter.key ?? null,
    value: JSON.stringify(resolution),
    headers: { [RESOLUTION]: resolution.resolution },
  };
}

/** Whatever is no resolution is shown as a letter, so that nothing on the topic stays unseen. */
export function readDeadLetterEntry(message: Message, topic: Topic): DeadLetterEntry {
  const headers = headersOf(message);
  const resolution = readResolution(message, headers);
  if (resolution !== undefined) return { kind: 'resolution', resolution };
  return { kind: 'letter', letter: readLetter(message, topic, headers) };
}

/** Letters with what became of them, in the order of `entries`. */
export function toDeadLetters(entries: readonly DeadLetterEntry[]): DeadLetter[] {
  const letters = entries.flatMap((entry) => (entry.kind === 'letter' ? [entry.letter] : []));
  const resolutions = entries.flatMap((entry) =>
    entry.kind === 'resolution' ? [entry.resolution] : [],
  );
  const historyOf = Map.groupBy(resolutions, ({ letter }) => letter);
  const cameOf = Map.groupBy(letters, ({ replayedFrom }) => replayedFrom);
  return letters.map((letter) => {
    const history = historyOf.get(letter.id) ?? [];
    const cameBackAs = (cameOf.get(letter.id) ?? []).map(({ id, group }) => ({ id, group }));
    return { ...letter, status: history[0]?.resolution ?? 'OPEN', history, cameBackAs };
  });
}

function readResolution(
  message: Message,
  headers: Record<string, string>,
): DeadLetterResolution | undefined {
  if (headers[RESOLUTION] === undefined || headers.group !== undefined) return undefined;
  try {
    return resolutionSchema.parse(JSON.parse(String(message.value)));
  } catch {
    return undefined;
  }
}

function readLetter(message: Message, topic: Topic, headers: Record<string, string>): Given {
  const valueOmitted = headers[VALUE_OMITTED] !== undefined;
  return {
    id: deadLetterIdOf(message, topic),
    topic,
    partition: readCount(headers.partition),
    offset: readCount(headers.offset),
    group: headers.group ?? null,
    reason: headers.reason ?? null,
    attempts: readCount(headers.attempts),
    eventId: headers['event-id'] ?? null,
    firstSeen: headers['first-seen'] ?? null,
    hasValue: !valueOmitted && (message.value?.length ?? 0) > 0,
    valueOmitted,
    replayedFrom: headers[REPLAYED_FROM] ?? null,
  };
}

function readCount(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}
