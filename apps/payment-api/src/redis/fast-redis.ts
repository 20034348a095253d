import type { Logger } from '@mini-pg/runtime';
import { createClient, type RedisClientType } from 'redis';

export type RedisClient = RedisClientType;

/**
 * Redis as a fast path only: a command that cannot be answered at once is given up, and what it
 * would have told is read from Postgres.
 */
export interface FastRedis {
  /** The command's answer, or undefined when Redis is away, slow or resting after being slow. */
  run<T>(command: (client: RedisClient) => Promise<T>): Promise<T | undefined>;
  /** Listens to a channel on a connection of its own; resumes by itself after a reconnection. */
  subscribe(channel: string, listener: (message: string) => void): Promise<void>;
  stop(): Promise<void>;
}

/** Longer than any healthy answer on a local network, shorter than a caller notices. */
const COMMAND_TIMEOUT_MS = 50;
/** How long a slow Redis is left alone before one command tries it again. */
const REST_AFTER_TIMEOUT_MS = 500;
const CONNECT_TIMEOUT_MS = 1_000;
const RECONNECT_DELAY_MAX_MS = 500;

export function createFastRedis(options: { url: string; logger: Logger }): FastRedis {
  const client = connect(options.url, options.logger, { disableOfflineQueue: true });
  const subscriber = connect(options.url, options.logger, { disableOfflineQueue: false });
  let restUntil = 0;
  let probing = false;

  const mayTry = (): boolean => {
    if (!client.isReady) return false;
    if (restUntil === 0) return true;
    if (probing || performance.now() < restUntil) return false;
    probing = true;
    return true;
  };

  return {
    async run(command) {
      if (!mayTry()) return undefined;
      const answer = await withTimeout((async () => command(client))());
      probing = false;
      restUntil = answer.timedOut ? performance.now() + REST_AFTER_TIMEOUT_MS : 0;
      return answer.value;
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

async function withTimeout<T>(
  answer: Promise<T>,
): Promise<{ timedOut: boolean; value: T | undefined }> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<{ timedOut: true; value: undefined }>((resolve) => {
    timer = setTimeout(() => resolve({ timedOut: true, value: undefined }), COMMAND_TIMEOUT_MS);
  });
  const settled = answer.then(
    (value) => ({ timedOut: false, value }),
    () => ({ timedOut: false, value: undefined }),
  );
  try {
    return await Promise.race([settled, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
