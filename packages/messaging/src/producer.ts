import type { Counter, Histogram, Logger, Registry } from '@mini-pg/runtime';
import {
  KAFKA_ERRORS,
  KafkaError,
  type KafkaSettings,
  type LibrdKafkaError,
  logKafkaVersions,
  Producer,
  type ProducerClient,
} from './kafka.ts';
import { createMetrics } from './metrics.ts';

export interface ProducerMessage {
  /** With the deployment's prefix. */
  readonly topic: string;
  readonly key: string | Buffer | null;
  readonly value: string | Buffer;
  readonly headers?: Record<string, string>;
}

/** `permanent`: this very message will never be taken; anything else may be tried again. */
export type PublishResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly error: Error; readonly permanent: boolean };

export interface EventProducer {
  /** Resolves when the fate of every message is known; results are in the order of `messages`. */
  publish(messages: readonly ProducerMessage[]): Promise<readonly PublishResult[]>;
  /** Takes nothing new, waits for what is under way, and disconnects. */
  stop(): Promise<void>;
}

export interface ProducerOptions {
  /** `host:port`, comma separated. */
  readonly brokers: string;
  readonly clientId: string;
  readonly logger: Logger;
  readonly registry: Registry;
  /** Overrides of the client's settings, for tests. */
  readonly settings?: KafkaSettings;
}

const LINGER_MS = 2;
const MESSAGE_TIMEOUT_MS = 20_000;
/** How long the broker may not know a topic before a message to it is refused. */
const TOPIC_UNKNOWN_MAX_MS = 5_000;
const CONNECT_TIMEOUT_MS = 10_000;
const QUEUE_FULL_WAIT_MAX_MS = MESSAGE_TIMEOUT_MS + 5_000;
const QUEUE_FULL_PAUSE_MS = 5;
const FLUSH_TIMEOUT_MS = 5_000;
const PUBLISH_SECONDS = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5, 20];

/** Errors that belong to the message or its topic: the same message is refused again. */
const PERMANENT_ERRORS: ReadonlySet<number> = new Set([
  KAFKA_ERRORS.ERR_MSG_SIZE_TOO_LARGE,
  KAFKA_ERRORS.ERR_INVALID_MSG_SIZE,
  KAFKA_ERRORS.ERR_RECORD_LIST_TOO_LARGE,
  KAFKA_ERRORS.ERR_INVALID_RECORD,
  KAFKA_ERRORS.ERR__INVALID_ARG,
  KAFKA_ERRORS.ERR__BAD_MSG,
  KAFKA_ERRORS.ERR_TOPIC_EXCEPTION,
  KAFKA_ERRORS.ERR__UNKNOWN_TOPIC,
  KAFKA_ERRORS.ERR_UNKNOWN_TOPIC_OR_PART,
  KAFKA_ERRORS.ERR__UNKNOWN_PARTITION,
]);

/** Connects an idempotent producer. @throws KafkaError when no broker answers within 10 s. */
export async function createProducer(options: ProducerOptions): Promise<EventProducer> {
  logKafkaVersions(options.logger);
  const producer = new KafkaEventProducer(options);
  await producer.connect();
  return producer;
}

interface Call {
  readonly results: PublishResult[];
  remaining: number;
  readonly done: () => void;
}

interface Opaque {
  readonly call: Call;
  readonly index: number;
}

class KafkaEventProducer implements EventProducer {
  readonly #options: ProducerOptions;
  readonly #published: Counter<'topic' | 'result'>;
  readonly #latency: Histogram;
  #client: ProducerClient | undefined;
  #stopping = false;
  #underWay = new Set<Promise<unknown>>();

  constructor(options: ProducerOptions) {
    this.#options = options;
    const { counter, histogram } = createMetrics(options.registry);
    this.#published = counter(
      'kafka_published_total',
      'Messages by the result of their publication',
      'topic',
      'result',
    );
    this.#latency = histogram(
      'kafka_publish_seconds',
      'Time from publish to the last report of the call',
      PUBLISH_SECONDS,
    );
  }

  connect(): Promise<void> {
    const client = new Producer(this.#settings());
    client.on('delivery-report', (error, report) => {
      settle(report.opaque as Opaque, resultOf(error));
    });
    client.on('event.error', (error) => this.#onError(error));
    return new Promise((resolve, reject) => {
      client.connect({ timeout: CONNECT_TIMEOUT_MS }, (error) => {
        if (error) return reject(KafkaError.from(error));
        client.setPollInBackground(true);
        this.#client = client;
        resolve();
      });
    });
  }

  async publish(messages: readonly ProducerMessage[]): Promise<readonly PublishResult[]> {
    if (messages.length === 0) return [];
    const startedAt = performance.now();
    const work = this.#publish(messages);
    this.#underWay.add(work);
    try {
      const results = await work;
      this.#latency.observe((performance.now() - startedAt) / 1000);
      results.forEach((result, index) => {
        const topic = messages[index]?.topic ?? '';
        this.#published.inc({ topic, result: result.ok ? 'ok' : 'failed' });
      });
      return results;
    } finally {
      this.#underWay.delete(work);
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.allSettled(this.#underWay);
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    await new Promise<void>((resolve) => {
      client.disconnect(FLUSH_TIMEOUT_MS, () => resolve());
    });
  }

  async #publish(messages: readonly ProducerMessage[]): Promise<readonly PublishResult[]> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const call: Call = { results: [], remaining: messages.length, done: resolve };
    for (const [index, message] of messages.entries()) {
      const refused = await this.#enqueue(message, { call, index });
      if (refused !== undefined) settle({ call, index }, refused);
    }
    await promise;
    return call.results;
  }

  /** Hands a message to the client; returns a result only when the client did not take it. */
  async #enqueue(message: ProducerMessage, opaque: Opaque): Promise<PublishResult | undefined> {
    const deadline = performance.now() + QUEUE_FULL_WAIT_MAX_MS;
    for (;;) {
      const error = this.#produce(message, opaque);
      if (error === undefined) return undefined;
      const full = error.code === KAFKA_ERRORS.ERR__QUEUE_FULL;
      if (!full || performance.now() > deadline) return failed(error);
      await new Promise((resolve) => setTimeout(resolve, QUEUE_FULL_PAUSE_MS));
    }
  }

  #produce(message: ProducerMessage, opaque: Opaque): KafkaError | undefined {
    const client = this.#client;
    if (client === undefined || this.#stopping) {
      return new KafkaError('the producer is stopped', KAFKA_ERRORS.ERR__STATE);
    }
    const value = typeof message.value === 'string' ? Buffer.from(message.value) : message.value;
    const headers = Object.entries(message.headers ?? {}).map(([name, text]) => ({ [name]: text }));
    try {
      client.produce(message.topic, null, value, message.key, null, opaque, headers);
      return undefined;
    } catch (error) {
      return KafkaError.from(error);
    }
  }

  #onError(error: LibrdKafkaError): void {
    this.#options.logger.warn({ code: error.code, reason: error.message }, 'kafka producer error');
  }

  #settings(): KafkaSettings {
    return {
      'bootstrap.servers': this.#options.brokers,
      'client.id': this.#options.clientId,
      'enable.idempotence': true,
      acks: -1,
      'compression.type': 'lz4',
      'linger.ms': LINGER_MS,
      partitioner: 'murmur2_random',
      'message.timeout.ms': MESSAGE_TIMEOUT_MS,
      'topic.metadata.propagation.max.ms': TOPIC_UNKNOWN_MAX_MS,
      'allow.auto.create.topics': false,
      dr_cb: true,
      ...this.#options.settings,
    };
  }
}

function settle({ call, index }: Opaque, result: PublishResult): void {
  if (call.results[index] !== undefined) return;
  call.results[index] = result;
  call.remaining -= 1;
  if (call.remaining === 0) call.done();
}

function resultOf(error: LibrdKafkaError | null | undefined): PublishResult {
  return error ? failed(KafkaError.from(error)) : { ok: true };
}

function failed(error: KafkaError): PublishResult {
  return { ok: false, error, permanent: PERMANENT_ERRORS.has(error.code) };
}
