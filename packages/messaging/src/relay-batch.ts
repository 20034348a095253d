import { TOPICS } from '@mini-pg/domain';
import { isTopicMissing } from './kafka.ts';
import type { EventProducer, ProducerMessage, PublishResult } from './producer.ts';

/** A row of `outbox`, as the relay reads it. */
export interface StoredRow {
  readonly seq: bigint;
  readonly event_id: string;
  readonly topic: string;
  readonly key: string;
  readonly headers: Record<string, string>;
  readonly payload: string;
  readonly age_ms: number;
}

/** What to do with each row of a batch that was published. */
export interface BatchOutcome {
  readonly sent: readonly StoredRow[];
  readonly dead: readonly { readonly row: StoredRow; readonly reason: string }[];
  /** Stay in the outbox and are published again. */
  readonly kept: readonly StoredRow[];
  /** Topics of ours that the cluster does not have (yet). */
  readonly missingTopics: ReadonlySet<string>;
  readonly error: Error | undefined;
}

/**
 * Publishes rows in order and sorts them by what became of them. A row is dead only if Kafka
 * refuses it when it is sent alone: a broker refuses a too large batch as a whole.
 */
export async function publishBatch(
  rows: readonly StoredRow[],
  producer: EventProducer,
  topicPrefix: string,
): Promise<BatchOutcome> {
  const messages = rows.map((row) => toMessage(row, topicPrefix));
  const results = [...(await producer.publish(messages))];
  if (rows.length > 1) {
    for (const [index, result] of results.entries()) {
      const message = messages[index];
      if (result.ok || !result.permanent || isTopicMissing(result.error) || !message) continue;
      const [alone] = await producer.publish([message]);
      if (alone !== undefined) results[index] = alone;
    }
  }
  return sortByResult(rows, results);
}

/**
 * A row that was sent after an earlier row of its topic and key was not is sent again with it, so
 * that the newest event of a key is always the last.
 */
export function sortByResult(
  rows: readonly StoredRow[],
  results: readonly PublishResult[],
): BatchOutcome {
  const sent: StoredRow[] = [];
  const dead: { row: StoredRow; reason: string }[] = [];
  const kept: StoredRow[] = [];
  const keptKeys = new Set<string>();
  const missingTopics = new Set<string>();
  let firstError: Error | undefined;
  for (const [index, row] of rows.entries()) {
    const key = `${row.topic} ${row.key}`;
    const result = results[index];
    if (result?.ok === false && isDead(row, result)) {
      dead.push({ row, reason: result.error.message });
    } else if (result?.ok === true && !keptKeys.has(key)) {
      sent.push(row);
    } else {
      kept.push(row);
      keptKeys.add(key);
      if (result?.ok !== false) continue;
      firstError ??= result.error;
      if (isTopicMissing(result.error)) missingTopics.add(row.topic);
    }
  }
  return { sent, dead, kept, missingTopics, error: firstError };
}

/** A topic of ours that is missing will be made; a topic that nobody knows will not. */
function isDead(row: StoredRow, result: { error: Error; permanent: boolean }): boolean {
  return result.permanent && (!isTopicMissing(result.error) || !(row.topic in TOPICS));
}

function toMessage(row: StoredRow, topicPrefix: string): ProducerMessage {
  return {
    topic: `${topicPrefix}${row.topic}`,
    key: row.key,
    value: row.payload,
    headers: { ...row.headers, 'event-id': row.event_id },
  };
}
