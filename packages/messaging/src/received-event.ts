import { EVENT_SCHEMAS, type EventOf, type Topic } from '@mini-pg/domain';
import { traceIdOf } from '@mini-pg/runtime';
import type { Message } from './kafka.ts';

/** An event that parsed, with where it came from; told apart by `topic`. */
export type ReceivedEvent<T extends Topic> = {
  [K in T]: {
    /** Without the deployment's prefix. */
    readonly topic: K;
    readonly event: EventOf<K>;
    readonly key: string;
    readonly partition: number;
    readonly offset: bigint;
    readonly traceparent: string | undefined;
    readonly traceId: string | null;
  };
}[T];

export type ParsedMessage<T extends Topic> =
  | { readonly ok: true; readonly event: ReceivedEvent<T> }
  | { readonly ok: false; readonly reason: string; readonly kind: 'parse' | 'schema' };

const ISSUES_MAX = 5;

/**
 * Reads a message by the schema of its topic. A reason never quotes the value, which may hold
 * personal data.
 */
export function parseMessage<T extends Topic>(message: Message, topic: T): ParsedMessage<T> {
  const value = parseJson(message.value);
  if (value === undefined) return { ok: false, kind: 'parse', reason: 'the value is not JSON' };
  const parsed = EVENT_SCHEMAS[topic].safeParse(value);
  if (!parsed.success) {
    const issues = parsed.error.issues.slice(0, ISSUES_MAX);
    const list = issues.map((issue) => `/${issue.path.join('/')}: ${issue.message}`).join('; ');
    return { ok: false, kind: 'schema', reason: `the value is no ${topic} event: ${list}` };
  }
  const traceparent = headerOf(message, 'traceparent');
  const event = {
    topic,
    event: parsed.data,
    key: message.key === null || message.key === undefined ? '' : String(message.key),
    partition: message.partition,
    offset: BigInt(message.offset),
    traceparent,
    traceId: traceIdOf(traceparent),
  };
  return { ok: true, event: event as unknown as ReceivedEvent<T> };
}

/** The id that an unread message claims to have, for the operator who looks at it. */
export function eventIdOf(message: Message): string | undefined {
  const value = parseJson(message.value);
  if (typeof value !== 'object' || value === null || !('id' in value)) return undefined;
  return typeof value.id === 'string' ? value.id.slice(0, 100) : undefined;
}

export function headersOf(message: Message): Record<string, string> {
  const headers = (message.headers ?? []).flatMap((header) => Object.entries(header));
  return Object.fromEntries(headers.map(([name, value]) => [name, String(value)]));
}

function headerOf(message: Message, name: string): string | undefined {
  const header = message.headers?.find((candidate) => name in candidate);
  return header === undefined ? undefined : String(header[name]);
}

function parseJson(value: Buffer | null): unknown {
  try {
    return value === null ? undefined : JSON.parse(value.toString('utf8'));
  } catch {
    return undefined;
  }
}
