import type { Logger } from '@mini-pg/runtime';
import {
  connectError,
  KAFKA_ERRORS,
  KafkaError,
  type KafkaSettings,
  type LibrdKafkaError,
  Producer,
  type ProducerClient,
} from './kafka.ts';
import type { ProducerMessage } from './producer.ts';
import { backoffMs, createRest } from './rest.ts';

export interface ProducerConnectionOptions<Opaque> {
  readonly settings: KafkaSettings;
  readonly logger: Logger;
  readonly connectTimeoutMs?: number | undefined;
  readonly onReport: (opaque: Opaque, error: KafkaError | undefined) => void;
}

const CONNECT_TIMEOUT_MS = 10_000;
const FLUSH_TIMEOUT_MS = 5_000;
const REPLACE_BACKOFF_BASE_MS = 200;
const REPLACE_BACKOFF_MAX_MS = 5_000;
const REPLACE_ATTEMPTS_MAX = 60;

/**
 * The client of a producer, replaced when it breaks: after a fatal error (the broker lost the
 * producer's sequence) a client takes nothing any more, while a new one has a sequence of its own.
 * What the old one had not delivered is reported as failed and may be published again.
 */
export class ProducerConnection<Opaque> {
  readonly #options: ProducerConnectionOptions<Opaque>;
  readonly #rest = createRest();
  #client: ProducerClient | undefined;
  #replacing: Promise<void> | undefined;
  #closed = false;

  constructor(options: ProducerConnectionOptions<Opaque>) {
    this.#options = options;
  }

  /** @throws KafkaError when no broker answers in time. */
  async connect(): Promise<void> {
    const client = new Producer(this.#options.settings);
    client.on('delivery-report', (error, report) => {
      const failure = error ? KafkaError.from(error) : undefined;
      this.#options.onReport(report.opaque as Opaque, failure);
      if (failure !== undefined) this.#replaceIfBroken(client, failure);
    });
    client.on('event.error', (error) => this.#onError(client, error));
    await new Promise<void>((resolve, reject) => {
      client.connect({ timeout: this.#options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS }, (error) => {
        if (error) reject(connectError(error, this.#options.settings));
        else resolve();
      });
    });
    client.setPollInBackground(true);
    this.#client = client;
  }

  /** Hands a message over; returns why the client did not take it, when it did not. */
  produce(message: ProducerMessage, opaque: Opaque): KafkaError | undefined {
    const client = this.#client;
    if (client === undefined) {
      return new KafkaError('the producer is not connected', KAFKA_ERRORS.ERR__STATE);
    }
    const value = typeof message.value === 'string' ? Buffer.from(message.value) : message.value;
    const headers = Object.entries(message.headers ?? {}).map(([name, text]) => ({ [name]: text }));
    const partition = message.partition ?? null;
    try {
      client.produce(message.topic, partition, value, message.key, null, opaque, headers);
      return undefined;
    } catch (error) {
      if (error instanceof TypeError) {
        return new KafkaError(error.message, KAFKA_ERRORS.ERR__INVALID_ARG);
      }
      const failure = KafkaError.from(error);
      this.#replaceIfBroken(client, failure);
      return failure;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#rest.end();
    await this.#replacing;
    await this.#disconnect();
  }

  /** Events carry the text of an error, but not its code. */
  #onError(client: ProducerClient, error: LibrdKafkaError): void {
    this.#options.logger.warn({ reason: error.message }, 'kafka producer error');
    if (/fatal error/i.test(error.message)) this.#replace(client);
  }

  #replaceIfBroken(client: ProducerClient, error: KafkaError): void {
    if (error.code === KAFKA_ERRORS.ERR__FATAL) this.#replace(client);
  }

  #replace(broken: ProducerClient): void {
    if (this.#closed || this.#client !== broken) return;
    this.#options.logger.error('the kafka producer broke and is replaced');
    this.#replacing = this.#reconnect();
  }

  async #reconnect(): Promise<void> {
    await this.#disconnect();
    for (let attempt = 1; !this.#closed; attempt += 1) {
      try {
        return await this.connect();
      } catch (error) {
        if (attempt === REPLACE_ATTEMPTS_MAX) throw error;
        this.#options.logger.error({ err: error, attempt }, 'no new kafka producer');
        await this.#rest.pause(backoffMs(attempt, REPLACE_BACKOFF_BASE_MS, REPLACE_BACKOFF_MAX_MS));
      }
    }
  }

  async #disconnect(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    await new Promise<void>((resolve) => {
      client.disconnect(FLUSH_TIMEOUT_MS, () => resolve());
    });
  }
}
