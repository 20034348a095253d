import { connect } from 'node:net';
import { CannotConnectError, connecting, createClient } from '@mini-pg/database';
import type { StackEnvironment } from './choose-stack.ts';
import type { StackUrls } from './stack.ts';

const CONNECT_TIMEOUT_MS = 5_000;

/** What Redis answers begins with one of these, and is a refusal after the second. */
const REDIS_ANSWER = /^[+-]/;
const REDIS_REFUSAL = /^-(?:ERR )?(?<reason>[^\r]*)/;

type Target = {
  host: string;
  port: number;
  /** Sent once connected; without it a connection is enough. */
  say?: string;
  /** What is wrong with the answer, if anything is. */
  problemOf?: (answer: string) => string | undefined;
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
  const url = redisUrlOf(text);
  if (!url) {
    return (
      'STACK_REDIS_URL is no URL of Redis: give redis://host:port, with user:password@ before ' +
      'the host if it wants them'
    );
  }
  const target = { host: url.hostname, port: Number(url.port || 6379) };
  // Behind TLS a connection has to do.
  const greeting =
    url.protocol === 'redis:' ? { say: redisGreeting(url), problemOf: redisAnswerProblem } : {};
  const refusal = await refusalOf({ ...target, ...greeting });
  return refusal && `Redis at ${refusal}; check host, port, user and password of STACK_REDIS_URL`;
}

function redisUrlOf(text: string): URL | undefined {
  if (!/^rediss?:/.test(text) || !URL.canParse(text)) return undefined;
  // A percent sign that stands for itself.
  return /%(?![0-9a-f]{2})/i.test(text) ? undefined : new URL(text);
}

/** A first command that needs no right but to log in: PING, or AUTH with what the URL has. */
function redisGreeting({ username, password }: URL): string {
  const words = password === '' ? ['PING'] : ['AUTH', username, password].filter(Boolean);
  const parts = words
    .map((word) => decodeURIComponent(word))
    .map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${parts.join('')}`;
}

function redisAnswerProblem(answer: string): string | undefined {
  if (!REDIS_ANSWER.test(answer)) return 'another kind of server answers';
  return REDIS_REFUSAL.exec(answer)?.groups?.reason;
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
function refusalOf({ host, port, say, problemOf }: Target): Promise<string | undefined> {
  return new Promise((resolve) => {
    const end = (reason: string | undefined): void => {
      socket.destroy();
      resolve(reason && `${host}:${port}: ${reason}`);
    };
    const socket = connect({ host, port });
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => end(`no answer in ${CONNECT_TIMEOUT_MS} ms`));
    socket.once('connect', () => (say === undefined ? end(undefined) : socket.write(say)));
    socket.once('data', (data) => end(problemOf?.(data.toString())));
    socket.once('close', () => end('it closed the connection'));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.message || error.code));
  });
}
