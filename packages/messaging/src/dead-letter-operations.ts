import { TOPICS, type Topic } from '@mini-pg/domain';
import { createRegistry, type Logger } from '@mini-pg/runtime';
import { z } from 'zod';
import {
  type DeadLetter,
  type DeadLetterEntry,
  type DeadLetterResolution,
  readDeadLetterEntry,
  toDeadLetters,
  toResolutionMessage,
} from './dead-letter-history.ts';
import {
  type DeadLetterId,
  deadLetterIdOf,
  deadLettersOf,
  formatDeadLetterId,
} from './dead-letter-id.ts';
import { toReplay } from './dead-letters.ts';
import type { Message } from './kafka.ts';
import { type LogReader, openLogReader } from './log-reader.ts';
import { createProducer, type EventProducer, type ProducerMessage } from './producer.ts';
import { eventIdOf, headersOf, parseMessage } from './received-event.ts';

export interface DeadLetterCluster {
  /** `host:port`, comma separated. */
  readonly brokers: string;
  readonly topicPrefix: string;
  readonly logger: Logger;
}

/** Who decides, and why. */
export const deadLetterDecisionSchema = z.object({
  by: z.string().trim().min(1).max(100),
  reason: z.string().trim().min(1).max(200),
});

export type DeadLetterDecision = z.infer<typeof deadLetterDecisionSchema>;

/** A letter with all that its message holds; sealed fields stay sealed. */
export interface DeadLetterDetail extends DeadLetter {
  readonly key: string | null;
  readonly value: Buffer;
  readonly headers: Readonly<Record<string, string>>;
  /** Why this version of the code could not read the value either; null when it could. */
  readonly unreadable: string | null;
}

/** Why a decision changed nothing. */
export type DeadLetterRefusal =
  | { readonly kind: 'UNKNOWN' }
  | { readonly kind: 'RESOLVED'; readonly letter: DeadLetter }
  /** There is nothing to replay: the value was too large to be kept, or empty. */
  | { readonly kind: 'NO_VALUE'; readonly letter: DeadLetter }
  /** A compacted topic has a newer message of the key, which a replay would put in the shade. */
  | { readonly kind: 'SUPERSEDED'; readonly letter: DeadLetter };

/** `letter` is as it stands after the decision. */
export type DeadLetterResult =
  | { readonly ok: true; readonly letter: DeadLetter }
  | { readonly ok: false; readonly refusal: DeadLetterRefusal };

/** Kafka did not confirm what a decision writes. */
export class DeadLetterError extends Error {
  override readonly name = 'DeadLetterError';
}

/**
 * The dead letters of one topic or of all, the oldest first: those that are open, or all.
 *
 * @throws KafkaError when no broker answers, or there is more than can be read at once.
 */
export function listDeadLetters(
  cluster: DeadLetterCluster,
  filter: { readonly topic?: Topic | undefined; readonly all?: boolean | undefined } = {},
): Promise<DeadLetter[]> {
  return withReader(cluster, async (reader) => {
    const topics = filter.topic === undefined ? (Object.keys(TOPICS) as Topic[]) : [filter.topic];
    const entries: DeadLetterEntry[] = [];
    await readDeadLetters(reader, cluster, topics, (message, topic) => {
      entries.push(readDeadLetterEntry(message, topic));
    });
    return toDeadLetters(entries)
      .filter(({ status }) => filter.all || status === 'OPEN')
      .sort((one, other) => (one.firstSeen ?? '').localeCompare(other.firstSeen ?? ''));
  });
}

/** One letter with its content; undefined when there is none of this id. @throws KafkaError */
export function showDeadLetter(
  cluster: DeadLetterCluster,
  id: DeadLetterId,
): Promise<DeadLetterDetail | undefined> {
  return withReader(cluster, async (reader) => {
    const found = await findDeadLetter(reader, cluster, id);
    if (found === undefined) return undefined;
    const { letter, message } = found;
    const parsed = parseMessage(message, id.topic);
    return {
      ...letter,
      key: message.key === null || message.key === undefined ? null : String(message.key),
      value: message.value ?? Buffer.alloc(0),
      headers: headersOf(message),
      unreadable: parsed.ok ? null : parsed.reason,
    };
  });
}

/**
 * Publishes the message of a letter on its topic again, with the same key, bytes and event id, and
 * then records it. A crash in between leaves the letter open: to replay it again is harmless, as
 * consumers know the event by its id.
 *
 * @throws KafkaError when no broker answers.
 * @throws DeadLetterError when the message or the record of it was not confirmed.
 */
export function replayDeadLetter(
  cluster: DeadLetterCluster,
  id: DeadLetterId,
  decision: DeadLetterDecision & { readonly at: Date },
): Promise<DeadLetterResult> {
  return resolve(cluster, id, 'REPLAYED', decision, async ({ letter, message }, reader) => {
    if (!letter.hasValue) return { kind: 'NO_VALUE', letter };
    if (await isSuperseded(reader, cluster, letter, message)) return { kind: 'SUPERSEDED', letter };
    return toReplay(message, id, cluster.topicPrefix);
  });
}

/**
 * Records that a letter needs no replay.
 *
 * @throws KafkaError when no broker answers.
 * @throws DeadLetterError when the record was not confirmed.
 */
export function discardDeadLetter(
  cluster: DeadLetterCluster,
  id: DeadLetterId,
  decision: DeadLetterDecision & { readonly at: Date },
): Promise<DeadLetterResult> {
  return resolve(cluster, id, 'DISCARDED', decision, async () => undefined);
}

interface Found {
  readonly letter: DeadLetter;
  readonly message: Message;
}

/** `prepare` gives what is to be published before the record, or why nothing may be done. */
async function resolve(
  cluster: DeadLetterCluster,
  id: DeadLetterId,
  resolution: DeadLetterResolution['resolution'],
  decision: DeadLetterDecision & { readonly at: Date },
  prepare: (
    found: Found,
    reader: LogReader,
  ) => Promise<ProducerMessage | DeadLetterRefusal | undefined>,
): Promise<DeadLetterResult> {
  const { by, reason } = deadLetterDecisionSchema.parse(decision);
  return withReader(cluster, async (reader) => {
    const found = await findDeadLetter(reader, cluster, id);
    if (found === undefined) return { ok: false, refusal: { kind: 'UNKNOWN' } };
    const { letter, message } = found;
    if (letter.status !== 'OPEN') return { ok: false, refusal: { kind: 'RESOLVED', letter } };
    const prepared = await prepare(found, reader);
    if (prepared !== undefined && 'kind' in prepared) return { ok: false, refusal: prepared };
    const at = decision.at.toISOString();
    const record = toResolutionMessage(message, { letter: letter.id, resolution, by, reason, at });
    await publishWithRecord(cluster, prepared, record);
    const after = await findDeadLetter(reader, cluster, id);
    return { ok: true, letter: after?.letter ?? letter };
  });
}

async function publishWithRecord(
  { brokers, logger }: DeadLetterCluster,
  replay: ProducerMessage | undefined,
  record: ProducerMessage,
): Promise<void> {
  const registry = createRegistry('dead-letters');
  const producer = await createProducer({ brokers, clientId: 'dead-letters', logger, registry });
  try {
    if (replay !== undefined) {
      await publishOne(producer, replay, 'Kafka did not confirm the message, nothing is recorded');
    }
    const unrecorded = replay === undefined ? 'Kafka did not confirm it' : 'replayed, not recorded';
    await publishOne(producer, record, unrecorded);
  } finally {
    await producer.stop();
  }
}

async function publishOne(
  producer: EventProducer,
  message: ProducerMessage,
  failure: string,
): Promise<void> {
  const [result] = await producer.publish([message]);
  if (result?.ok === true) return;
  const cause = result?.error ?? new Error('the producer gave no result');
  throw new DeadLetterError(`${failure}; the letter is still open: ${cause.message}`, { cause });
}

/**
 * Whether the newest message of the letter's key is another event than its own. Only the newest
 * stays on a compacted topic, so an older one must never come after it.
 */
async function isSuperseded(
  reader: LogReader,
  { topicPrefix }: DeadLetterCluster,
  { topic, partition, offset, eventId }: DeadLetter,
  letter: Message,
): Promise<boolean> {
  if (TOPICS[topic].cleanup !== 'compact') return false;
  const all = await reader.partitionsOf([`${topicPrefix}${topic}`]);
  const ranges = all
    .filter((range) => partition === null || range.partition === partition)
    .map((range) => (partition === null || offset === null ? range : { ...range, from: offset }));
  let superseded = false;
  await reader.read(ranges, (message) => {
    if (String(message.key) === String(letter.key)) {
      superseded = (eventIdOf(message) ?? null) !== eventId;
    }
  });
  return superseded;
}

async function findDeadLetter(
  reader: LogReader,
  cluster: DeadLetterCluster,
  id: DeadLetterId,
): Promise<Found | undefined> {
  const wanted = formatDeadLetterId(id);
  const entries: DeadLetterEntry[] = [];
  let found: Message | undefined;
  await readDeadLetters(reader, cluster, [id.topic], (message, topic) => {
    entries.push(readDeadLetterEntry(message, topic));
    if (deadLetterIdOf(message, topic) === wanted) found = message;
  });
  const letter = toDeadLetters(entries).find((one) => one.id === wanted);
  return letter && found ? { letter, message: found } : undefined;
}

async function readDeadLetters(
  reader: LogReader,
  { topicPrefix }: DeadLetterCluster,
  topics: readonly Topic[],
  visit: (message: Message, topic: Topic) => void,
): Promise<void> {
  const byName = new Map(topics.map((topic) => [deadLettersOf(topic, topicPrefix), topic]));
  const partitions = await reader.partitionsOf([...byName.keys()]);
  await reader.read(partitions, (message) => {
    const topic = byName.get(message.topic);
    if (topic !== undefined) visit(message, topic);
  });
}

async function withReader<Result>(
  { brokers }: DeadLetterCluster,
  work: (reader: LogReader) => Promise<Result>,
): Promise<Result> {
  const reader = await openLogReader(brokers);
  try {
    return await work(reader);
  } finally {
    await reader.close();
  }
}
