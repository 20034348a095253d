import {
  type Counter,
  failpoint,
  type Histogram,
  type Logger,
  type Registry,
} from '@mini-pg/runtime';
import { KAFKA_ERRORS, KafkaError, type KafkaSettings, logKafkaVersions } from './kafka.ts';
import { createMetrics } from './metrics.ts';
import { ProducerConnection } from './producer-connection.ts';
import { withinMs } from './rest.ts';

export interface ProducerMessage {
  /** With the deployment's prefix. */
  readonly topic: string;
  readonly key: string | Buffer | null;
  readonly value: string | Buffer;
  readonly headers?: Record<string, string>;
  /** Instead of the one that the key decides. */
  readonly partition?: number;
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
  /** How long the first broker may take to answer: 10 s unless told. */
  readonly connectTimeoutMs?: number;
  /** Overrides of the client's settings, for tests. */
  readonly settings?: KafkaSettings;
}

/** A lone message waits this long for company: the relay's calls are batches already. */
const LINGER_MS = 2;
const MESSAGE_TIMEOUT_MS = 20_000;
/** How long the broker may not know a topic before a message to it is refused. */
const TOPIC_UNKNOWN_MAX_MS = 5_000;
const RECONNECT_MAX_MS = 2_000;
/** Every message that is queued is reported by its time out, so there is room by then. */
const QUEUE_FULL_WAIT_MAX_MS = MESSAGE_TIMEOUT_MS + 5_000;
const QUEUE_FULL_PAUSE_MS = 5;
/** Within the time that a process has to drain; what is cut off may be published again. */
const STOP_WAIT_MAX_MS = 10_000;
const REPORTS_WAIT_MAX_MS = MESSAGE_TIMEOUT_MS + 5_000;
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

/** Which message of which call a report is about. */
interface Place {
  readonly call: Call;
  readonly index: number;
}

class KafkaEventProducer implements EventProducer {
  readonly #connection: ProducerConnection<Place>;
  readonly #published: Counter<'topic' | 'result'>;
  readonly #latency: Histogram;
  readonly #underWay = new Set<Promise<unknown>>();
  #stopping = false;

  constructor(options: ProducerOptions) {
    this.#connection = new ProducerConnection<Place>({
      settings: producerSettings(options),
      logger: options.logger,
      connectTimeoutMs: options.connectTimeoutMs,
      onReport: (place, error) => {
        failpoint('producer.reported');
        settle(place, error === undefined ? { ok: true } : failed(error));
      },
    });
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
    return this.#connection.connect();
  }

  async publish(messages: readonly ProducerMessage[]): Promise<readonly PublishResult[]> {
    if (messages.length === 0) return [];
    if (this.#stopping) {
      const error = new KafkaError('the producer has stopped', KAFKA_ERRORS.ERR__STATE);
      return messages.map(() => failed(error));
    }
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
    await withinMs(Promise.allSettled(this.#underWay), STOP_WAIT_MAX_MS);
    await this.#connection.close();
  }

  async #publish(messages: readonly ProducerMessage[]): Promise<readonly PublishResult[]> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const call: Call = { results: [], remaining: messages.length, done: resolve };
    for (const [index, message] of messages.entries()) {
      const refused = await this.#enqueue(message, { call, index });
      if (refused !== undefined) settle({ call, index }, refused);
    }
    failpoint('producer.enqueued');
    const timer = setTimeout(() => giveUp(call, messages.length), REPORTS_WAIT_MAX_MS);
    await promise;
    clearTimeout(timer);
    return call.results;
  }

  /** Hands a message to the client; returns a result only when the client did not take it. */
  async #enqueue(message: ProducerMessage, place: Place): Promise<PublishResult | undefined> {
    const deadline = performance.now() + QUEUE_FULL_WAIT_MAX_MS;
    for (;;) {
      const error = this.#connection.produce(message, place);
      if (error === undefined) return undefined;
      const full = error.code === KAFKA_ERRORS.ERR__QUEUE_FULL;
      if (!full || performance.now() > deadline) return failed(error);
      await new Promise((wake) => setTimeout(wake, QUEUE_FULL_PAUSE_MS));
    }
  }
}

function producerSettings(options: ProducerOptions): KafkaSettings {
  return {
    'bootstrap.servers': options.brokers,
    'client.id': options.clientId,
    'enable.idempotence': true,
    acks: -1,
    'compression.type': 'lz4',
    'linger.ms': LINGER_MS,
    partitioner: 'murmur2_random',
    'message.timeout.ms': MESSAGE_TIMEOUT_MS,
    'topic.metadata.propagation.max.ms': TOPIC_UNKNOWN_MAX_MS,
    'reconnect.backoff.max.ms': RECONNECT_MAX_MS,
    'allow.auto.create.topics': false,
    dr_cb: true,
    ...options.settings,
  };
}

function settle({ call, index }: Place, result: PublishResult): void {
  if (call.results[index] !== undefined) return;
  call.results[index] = result;
  call.remaining -= 1;
  if (call.remaining === 0) call.done();
}

/** Reports that never came, from a client that was replaced: nobody knows what became of these. */
function giveUp(call: Call, count: number): void {
  const error = new KafkaError('no delivery report came', KAFKA_ERRORS.ERR__TIMED_OUT);
  for (let index = 0; index < count; index += 1) settle({ call, index }, failed(error));
}

function failed(error: KafkaError): PublishResult {
  return { ok: false, error, permanent: PERMANENT_ERRORS.has(error.code) };
}
