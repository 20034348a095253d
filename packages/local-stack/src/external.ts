import { connect } from 'node:net';
import { CannotConnectError, connecting, createClient } from '@mini-pg/database';
import type { StackEnvironment } from './choose-stack.ts';
import type { StackUrls } from './stack.ts';

const CONNECT_TIMEOUT_MS = 5_000;

/** What a client of Redis sends first; a server that wants a password answers as well. */
const REDIS_PING = 'PING\r\n';
const REDIS_ANSWER = /^[+-]/;

type Target = {
  host: string;
  port: number;
  /** Sent once connected; without it a connection is enough. */
  say?: string;
  /** What the answer looks like. */
  answer?: RegExp;
};

/**
 * The URLs of STACK_*, once every server behind them has answered.
 *
 * @throws Error that names each variable with what is wrong, in one line
 */
export async function attachExternal(environment: StackEnvironment): Promise<StackUrls> {
  const postgresUrl = environment.STACK_POSTGRES_URL ?? '';
  const redisUrl = environment.STACK_REDIS_URL ?? '';
  const kafkaBrokers = environment.STACK_KAFKA_BROKERS ?? '';
  const problems = await Promise.all([
    postgresProblem(postgresUrl),
    redisProblem(redisUrl),
    ...kafkaBrokers.split(',').map(brokerProblem),
  ]);
  const found = problems.filter((problem) => problem !== undefined);
  if (found.length > 0) throw new Error(`the servers of STACK=external: ${found.join('. ')}`);
  return { postgresUrl, redisUrl, kafkaBrokers };
}

async function postgresProblem(url: string): Promise<string | undefined> {
  try {
    await connecting({ url, setting: 'STACK_POSTGRES_URL' }, async () => {
      const session = createClient({ connectionString: url, applicationName: 'local-stack' });
      // A server that goes away is told by the connection attempt itself.
      session.on('error', () => {});
      await session.connect();
      await session.end();
    });
    return undefined;
  } catch (error) {
    if (error instanceof CannotConnectError) return error.message;
    throw error;
  }
}

async function redisProblem(text: string): Promise<string | undefined> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^rediss?:$/.test(url.protocol)) {
    return 'STACK_REDIS_URL is no URL of Redis: give redis://host:port';
  }
  const target = { host: url.hostname, port: Number(url.port || 6379) };
  // Behind TLS a connection has to do.
  const ping = url.protocol === 'redis:' ? { say: REDIS_PING, answer: REDIS_ANSWER } : {};
  const refusal = await refusalOf({ ...target, ...ping });
  return refusal && `Redis at ${refusal}; check the host and port of STACK_REDIS_URL`;
}

async function brokerProblem(broker: string): Promise<string | undefined> {
  const match = /^\s*(?<host>[^:\s]+):(?<port>\d{1,5})\s*$/.exec(broker);
  if (!match?.groups) {
    return `STACK_KAFKA_BROKERS has ${JSON.stringify(broker)}: give host:port, comma separated`;
  }
  const { host = '', port } = match.groups;
  const refusal = await refusalOf({ host, port: Number(port) });
  return refusal && `Kafka at ${refusal}; check the host and port of STACK_KAFKA_BROKERS`;
}

/** Why a server does not answer, with its place, or undefined when it does. */
function refusalOf({ host, port, say, answer }: Target): Promise<string | undefined> {
  return new Promise((resolve) => {
    const end = (reason: string | undefined): void => {
      socket.destroy();
      resolve(reason && `${host}:${port}: ${reason}`);
    };
    const socket = connect({ host, port });
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => end(`no answer in ${CONNECT_TIMEOUT_MS} ms`));
    socket.once('connect', () => (say === undefined ? end(undefined) : socket.write(say)));
    socket.once('data', (data) =>
      end(answer?.test(data.toString()) ? undefined : 'another kind of server answers'),
    );
    socket.once('close', () => end('it closed the connection'));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.message || error.code));
  });
}
