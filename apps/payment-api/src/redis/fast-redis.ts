import type { Logger } from '@mini-pg/runtime';
import { createClient, type RedisClientType } from 'redis';
import { createDeadlines } from './deadlines.ts';

export type RedisClient = RedisClientType;

/**
 * Redis as a fast path only: a command that cannot be answered at once is given up, and what it
 * would have told is read from Postgres.
 */
export interface FastRedis {
  /**
   * The command's answer, or undefined when Redis is away, slow or resting after being slow.
   *
   * @param options `evenAtRest` sends it also while a slow Redis is left alone: it undoes what an
   * earlier command of this connection may yet do
   */
  run<T>(
    command: (client: RedisClient) => Promise<T>,
    options?: { readonly evenAtRest?: boolean },
  ): Promise<T | undefined>;
  /** Listens to a channel on a connection of its own; resumes by itself after a reconnection. */
  subscribe(channel: string, listener: (message: string) => void): Promise<void>;
  stop(): Promise<void>;
}

/** Longer than any healthy answer on a local network, shorter than a caller notices. */
const COMMAND_TIMEOUT_MS = 50;
/** How long a slow Redis is left alone before one command tries it again. */
const REST_AFTER_TIMEOUT_MS = 500;
/** A connection that has been silent this long is left: what waits in it must not arrive late. */
const SILENCE_MAX_MS = 5_000;
const CONNECT_TIMEOUT_MS = 1_000;
const RECONNECT_DELAY_MAX_MS = 500;
/** Commands that wait for the connection or for an answer. */
const COMMANDS_WAITING_MAX = 20_000;

export function createFastRedis(options: { url: string; logger: Logger }): FastRedis {
  const open = () => connect(options.url, options.logger, { disableOfflineQueue: true });
  const subscriber = connect(options.url, options.logger, { disableOfflineQueue: false });
  const deadlines = createDeadlines(COMMAND_TIMEOUT_MS);
  let client = open();
  let restUntil = 0;
  let silentSince = 0;
  let probing = false;

  const mayTry = (evenAtRest: boolean): boolean => {
    if (!client.isReady) return false;
    if (restUntil === 0 || evenAtRest) return true;
    if (probing || performance.now() < restUntil) return false;
    probing = true;
    return true;
  };
  const onAnswer = (): void => {
    probing = false;
    restUntil = 0;
    silentSince = 0;
  };
  const onTimeout = (): void => {
    const now = performance.now();
    probing = false;
    restUntil = now + REST_AFTER_TIMEOUT_MS;
    if (silentSince === 0) silentSince = now;
    if (now - silentSince < SILENCE_MAX_MS) return;
    silentSince = 0;
    client.destroy();
    client = open();
  };

  return {
    run<T>(
      command: (client: RedisClient) => Promise<T>,
      { evenAtRest = false } = {},
    ): Promise<T | undefined> {
      if (!mayTry(evenAtRest)) return Promise.resolve(undefined);
      return new Promise((resolve) => {
        const answer = (async () => command(client))();
        const deadline = deadlines.add(() => {
          onTimeout();
          resolve(undefined);
        });
        const settle = (value: T | undefined): void => {
          if (!deadline.cancel()) return;
          onAnswer();
          resolve(value);
        };
        answer.then(settle, () => settle(undefined));
      });
    },
    async subscribe(channel, listener) {
      // Not awaited: without Redis the subscription starts when Redis comes.
      void subscriber.subscribe(channel, listener).catch(() => undefined);
    },
    async stop() {
      client.destroy();
      subscriber.destroy();
    },
  };
}

function connect(
  url: string,
  logger: Logger,
  options: { disableOfflineQueue: boolean },
): RedisClient {
  const client = createClient({
    url,
    ...options,
    // The deadlines here are enough: the client's own makes a timer and a signal per command.
    commandOptions: { timeout: 0 },
    commandsQueueMaxLength: COMMANDS_WAITING_MAX,
    socket: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectStrategy: (retries) =>
        Math.min(50 * 2 ** Math.min(retries, 5), RECONNECT_DELAY_MAX_MS),
    },
  }) as unknown as RedisClient;
  let reported = false;
  client.on('error', (error: Error) => {
    if (!reported) logger.warn({ err: error }, 'redis is away; going on without it');
    reported = true;
  });
  client.on('ready', () => {
    if (reported) logger.info('redis is back');
    reported = false;
  });
  void client.connect().catch(() => undefined);
  return client;
}
