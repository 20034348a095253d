import { connect } from 'node:net';
import type { StackEnvironment } from './choose-stack.ts';
import type { StackUrls } from './stack.ts';

const CONNECT_TIMEOUT_MS = 5_000;

type Target = { name: string; host: string; port: number };

/** The URLs of STACK_*, once every server behind them has accepted a connection. */
export async function attachExternal(environment: StackEnvironment): Promise<StackUrls> {
  const postgresUrl = environment.STACK_POSTGRES_URL ?? '';
  const redisUrl = environment.STACK_REDIS_URL ?? '';
  const kafkaBrokers = environment.STACK_KAFKA_BROKERS ?? '';
  const targets: Target[] = [
    urlTarget('STACK_POSTGRES_URL', postgresUrl, 5432),
    urlTarget('STACK_REDIS_URL', redisUrl, 6379),
    ...kafkaBrokers.split(',').map((broker) => brokerTarget('STACK_KAFKA_BROKERS', broker)),
  ];
  const refusals = (await Promise.all(targets.map(refusal))).filter((line) => line !== undefined);
  if (refusals.length > 0) {
    throw new Error(`Cannot reach the servers of STACK=external: ${refusals.join('; ')}.`);
  }
  return { postgresUrl, redisUrl, kafkaBrokers };
}

function urlTarget(name: string, text: string, defaultPort: number): Target {
  if (!URL.canParse(text)) throw new Error(`${name} is not a URL.`);
  const url = new URL(text);
  return { name, host: url.hostname, port: url.port ? Number(url.port) : defaultPort };
}

function brokerTarget(name: string, broker: string): Target {
  const match = /^\s*(?<host>[^:\s]+):(?<port>\d+)\s*$/.exec(broker);
  if (!match?.groups) throw new Error(`${name} has an entry that is not host:port.`);
  return { name, host: match.groups.host ?? '', port: Number(match.groups.port) };
}

/** Why a server does not accept connections, or undefined when it does. */
function refusal({ name, host, port }: Target): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (reason: string | undefined): void => {
      socket.destroy();
      resolve(reason && `${name} (${host}:${port}): ${reason}`);
    };
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => end(`no answer in ${CONNECT_TIMEOUT_MS} ms`));
    socket.once('connect', () => end(undefined));
    socket.once('error', (error) => end(error.message));
  });
}
