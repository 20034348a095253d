import type { Socket } from 'node:net';
import { failpoint } from '@mini-pg/runtime';
import { buildConnector, Client, Pool } from 'undici';
import { type Exchange, type HttpCall, HttpExchange } from './http-exchange.ts';

export interface TransportOptions {
  /** Connections that may be open to one origin at once. */
  readonly connectionsMax: number;
  /** Calls that may wait for a connection to one origin; one more ends NOT_SENT. */
  readonly queueMax: number;
  /** Longest body that is read, in bytes; a longer answer is BROKEN. */
  readonly bodyMaxBytes: number;
  /** Gives up a connection that is being opened, also when nobody waits for it any more. */
  readonly connectTimeoutMs: number;
}

export const TRANSPORT_DEFAULTS: TransportOptions = {
  connectionsMax: 256,
  queueMax: 1024,
  bodyMaxBytes: 1_048_576,
  connectTimeoutMs: 10_000,
};

/**
 * Sends HTTP/1.1 calls, each exactly once: undici's pool without its agents and interceptors never
 * repeats a request, and `HttpExchange` refuses to be written twice should that ever change. One
 * call a connection at a time, so that the fate of a connection is the fate of one call.
 */
export class Transport {
  readonly #options: TransportOptions;
  readonly #pools = new Map<string, { pool: Pool; waiting: number }>();
  readonly #connect: buildConnector.connector;
  #closed = false;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#connect = buildConnector({ allowH2: false, timeout: options.connectTimeoutMs });
  }

  send(call: HttpCall): Promise<Exchange> {
    const origin = this.#originOf(call.origin);
    if (origin === null) return ended('UNSENDABLE', `${call.origin} is not an http(s) origin`);
    if (this.#closed) return ended('UNREACHABLE', 'the transport is closed');
    if (origin.waiting >= this.#options.queueMax) {
      return ended('UNREACHABLE', `${origin.waiting} calls wait for a connection already`);
    }
    origin.waiting += 1;
    return new Promise((resolve) => {
      const exchange = new HttpExchange(call, {
        onTaken: () => {
          origin.waiting -= 1;
        },
        onEnd: resolve,
      });
      origin.pool.dispatch(
        // The exchange's own deadline covers headers and body together; undici's two would leave
        // an answer that trickles forever.
        {
          method: call.method,
          path: call.path,
          headers: call.headers,
          body: call.body,
          headersTimeout: 0,
          bodyTimeout: 0,
        },
        exchange,
      );
      failpoint('pg-processor.http.sent');
    });
  }

  /** Waits for the calls on their way and closes every connection. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#pools.values()].map(({ pool }) => pool.close()));
    this.#pools.clear();
  }

  #originOf(url: string): { pool: Pool; waiting: number } | null {
    const known = this.#pools.get(url);
    if (known) return known;
    if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) return null;
    const pool = new Pool(new URL(url).origin, {
      connections: this.#options.connectionsMax,
      pipelining: 1,
      allowH2: false,
      maxResponseSize: this.#options.bodyMaxBytes,
      factory: (origin, options) => new WatchedClient(origin, options, this.#connect),
    });
    const entry = { pool, waiting: 0 };
    this.#pools.set(url, entry);
    return entry;
  }
}

/** A client of one connection that shows its socket to the exchange it carries. */
class WatchedClient extends Client {
  #socket: Socket | undefined;

  constructor(origin: URL, options: Client.Options, connect: buildConnector.connector) {
    super(origin, {
      ...options,
      connect: (target, callback) =>
        connect(target, (...[error, socket]) => {
          if (error) return callback(error, null);
          this.#socket = socket;
          callback(null, socket);
        }),
    });
  }

  override dispatch(
    options: Parameters<Client['dispatch']>[0],
    handler: Parameters<Client['dispatch']>[1],
  ): boolean {
    if (handler instanceof HttpExchange) handler.watch(() => this.#socket?.bytesRead ?? 0);
    return super.dispatch(options, handler);
  }
}

function ended(reason: 'UNREACHABLE' | 'UNSENDABLE', message: string): Promise<Exchange> {
  return Promise.resolve({ kind: 'NOT_SENT', reason, message, latencyMs: 0 });
}
