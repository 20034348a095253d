import { isTransient } from '@mini-pg/database';
import type { Topic } from '@mini-pg/domain';
import { failpoint, type Logger } from '@mini-pg/runtime';
import type { Delivery } from './assignment.ts';
import type { ConsumerMetrics } from './consumer-metrics.ts';
import { toDeadLetter, withoutValue } from './dead-letters.ts';
import { ConsumerFatalError } from './errors.ts';
import { isTooLarge } from './kafka.ts';
import type { Membership } from './membership.ts';
import { PoisonError, processBatch } from './process-batch.ts';
import type { EventProducer, ProducerMessage } from './producer.ts';
import { type ParsedMessage, parseMessage, type ReceivedEvent } from './received-event.ts';
import { backoffMs, type Rest } from './rest.ts';

export interface BatchWorkerOptions<T extends Topic> {
  readonly groupId: string;
  readonly topicPrefix: string;
  readonly producer: EventProducer;
  readonly handle: (events: readonly ReceivedEvent<T>[]) => Promise<void>;
  readonly isTransient?: (error: unknown) => boolean;
  readonly membership: Membership;
  readonly rest: Rest;
  readonly metrics: ConsumerMetrics;
  readonly logger: Logger;
  readonly handlerDeadlineMs: number;
  /** Called whenever something came to an end, which shows that this is alive. */
  readonly onStep: () => void;
}

interface Item<T extends Topic> {
  readonly delivery: Delivery;
  readonly topic: T;
  readonly parsed: ParsedMessage<T>;
  readonly firstSeen: Date;
}

type DeadLetterKind = 'parse' | 'schema' | 'poison' | 'failed';

const BACKOFF_BASE_MS = 100;
const BACKOFF_MAX_MS = 5_000;
/**
 * So many events in a row that fail in a way their handler did not foresee are not at fault: the
 * program or its schema is, and more dead letters would only spread the damage.
 */
const UNFORESEEN_IN_A_ROW_MAX = 20;

/** Brings the messages of a batch to an end: handled, or a dead letter each. */
export class BatchWorker<T extends Topic> {
  readonly #options: BatchWorkerOptions<T>;
  #stopped = false;
  #waiting = false;
  #unforeseen = 0;

  constructor(options: BatchWorkerOptions<T>) {
    this.#options = options;
  }

  /** Whether a failure is waited out: standing still is right then. */
  get waiting(): boolean {
    return this.#waiting;
  }

  /** Begins no new attempt. */
  stop(): void {
    this.#stopped = true;
  }

  async process(deliveries: readonly Delivery[]): Promise<void> {
    const firstSeen = new Date();
    const items = deliveries.map((delivery) => this.#parse(delivery, firstSeen));
    for (const item of items) {
      const { parsed } = item;
      if (parsed.ok) continue;
      if (await this.#bury(item, parsed.kind, parsed.reason, 0)) this.#complete([item]);
    }
    await processBatch(
      items.filter(({ parsed }) => parsed.ok),
      {
        handle: (batch) => this.#handle(batch),
        isTransient: (error) => this.#isTransient(error),
        retryLater: (error, attempts) => this.#retryLater(error, attempts),
        bury: (item, error, attempts) => this.#buryFailed(item, error, attempts),
        current: (batch) => this.#current(batch),
        done: (batch) => this.#complete(batch),
      },
    );
  }

  #parse(delivery: Delivery, firstSeen: Date): Item<T> {
    const topic = delivery.message.topic.slice(this.#options.topicPrefix.length) as T;
    return { delivery, topic, parsed: parseMessage(delivery.message, topic), firstSeen };
  }

  async #handle(batch: readonly Item<T>[]): Promise<void> {
    const { metrics, groupId, membership, handle } = this.#options;
    const events = batch.flatMap(({ parsed }) => (parsed.ok ? [parsed.event] : []));
    metrics.batchSize.observe({ group: groupId }, events.length);
    failpoint('consumer.before-handle');
    const endTimer = metrics.handleSeconds.startTimer({ group: groupId });
    try {
      await membership.keepWhile(this.#withinDeadline(handle(events)));
    } finally {
      endTimer();
    }
    this.#unforeseen = 0;
    for (const { topic } of batch) metrics.eventsTotal.inc({ group: groupId, topic });
  }

  async #withinDeadline(work: Promise<void>): Promise<void> {
    const { handlerDeadlineMs } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new ConsumerFatalError(`the handler has not ended for ${handlerDeadlineMs} ms`));
      }, handlerDeadlineMs);
    });
    try {
      await Promise.race([work, deadline]);
    } finally {
      clearTimeout(timer);
    }
  }

  #isTransient(error: unknown): boolean {
    if (error instanceof ConsumerFatalError) throw error;
    if (error instanceof PoisonError) return false;
    return (this.#options.isTransient ?? isTransient)(error);
  }

  async #retryLater(error: unknown, attempts: number): Promise<void> {
    const { metrics, groupId, logger } = this.#options;
    metrics.retriesTotal.inc({ group: groupId });
    logger.warn({ err: error, attempts }, 'the batch is tried again');
    await this.#waitOut(attempts);
  }

  async #waitOut(attempts: number): Promise<void> {
    const { membership, rest } = this.#options;
    this.#waiting = true;
    try {
      await membership.keepWhile(rest.pause(backoffMs(attempts, BACKOFF_BASE_MS, BACKOFF_MAX_MS)));
      await membership.serve();
    } finally {
      this.#waiting = false;
    }
  }

  #buryFailed(item: Item<T>, error: unknown, attempts: number): Promise<boolean> {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    if (error instanceof PoisonError) return this.#bury(item, 'poison', reason, attempts);
    this.#unforeseen += 1;
    if (this.#unforeseen > UNFORESEEN_IN_A_ROW_MAX) {
      throw new ConsumerFatalError(
        `${UNFORESEEN_IN_A_ROW_MAX} events in a row failed: the handler is at fault, not they`,
        { cause: error },
      );
    }
    return this.#bury(item, 'failed', reason, attempts);
  }

  /** Resolves with true when the dead letter stands; until then the offset stays where it is. */
  async #bury(
    item: Item<T>,
    kind: DeadLetterKind,
    reason: string,
    attempts: number,
  ): Promise<boolean> {
    const { groupId: group, metrics, logger } = this.#options;
    const { message } = item.delivery;
    const cause = { group, reason, attempts, firstSeen: item.firstSeen };
    let letter = toDeadLetter(message, cause);
    for (let tries = 1; this.#current([item]).length > 0; tries += 1) {
      const failure = await this.#publish(letter);
      if (failure === undefined) {
        metrics.deadLettersTotal.inc({ group, topic: item.topic, kind });
        const { topic, partition, offset } = message;
        logger.error({ topic, partition, offset, kind, reason, attempts }, 'dead letter');
        return true;
      }
      logger.error({ err: failure.error, topic: letter.topic, tries }, 'dead letter not written');
      if (failure.tooLarge) letter = withoutValue(letter);
      await this.#waitOut(tries);
    }
    return false;
  }

  async #publish(
    letter: ProducerMessage,
  ): Promise<{ error: Error; tooLarge: boolean } | undefined> {
    const { membership, producer } = this.#options;
    failpoint('dead-letter.before-publish');
    const [result] = await membership.keepWhile(producer.publish([letter]));
    failpoint('dead-letter.after-publish');
    if (result?.ok === true) return undefined;
    const error = result?.error ?? new Error('the producer gave no result');
    return { error, tooLarge: isTooLarge(error) };
  }

  #current(batch: readonly Item<T>[]): readonly Item<T>[] {
    if (this.#stopped) return [];
    return batch.filter(({ delivery }) => this.#options.membership.isCurrent(delivery));
  }

  #complete(batch: readonly Item<T>[]): void {
    this.#options.membership.complete(batch.map(({ delivery }) => delivery));
    this.#options.onStep();
  }
}
