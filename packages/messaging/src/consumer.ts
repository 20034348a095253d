import type { EventOf, Topic } from '@mini-pg/domain';
import type { Health, Logger, Registry } from '@mini-pg/runtime';
import type { EventProducer } from './producer.ts';

/** A handler throws it for one event that can never be handled: it becomes a dead letter. */
export class PoisonError extends Error {
  override readonly name = 'PoisonError';
}

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

export interface ConsumerOptions<T extends Topic> {
  readonly brokers: string;
  readonly groupId: string;
  readonly clientId: string;
  readonly topics: readonly T[];
  readonly topicPrefix: string;
  /** For dead letters. */
  readonly producer: EventProducer;
  /** One database transaction; offsets move after it resolves. */
  readonly handle: (events: readonly ReceivedEvent<T>[]) => Promise<void>;
  readonly batchMax?: number;
  readonly logger: Logger;
  readonly registry: Registry;
  readonly health?: Health;
}

export interface Consumer {
  /** Resolves with the first assignment. */
  readonly ready: Promise<void>;
  /** Finishes the batch at hand, commits its offsets, leaves the group. */
  stop(): Promise<void>;
  /** Takes no new batch while it keeps its place in the group. */
  pause(): void;
  resume(): void;
}

export async function startConsumer<T extends Topic>(
  _options: ConsumerOptions<T>,
): Promise<Consumer> {
  throw new Error('the consumer loop follows');
}
