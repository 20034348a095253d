import { findFreePort } from '@mini-pg/local-stack';
import { startTcpProxy, type TcpProxy } from '@mini-pg/testing';
import type { KilledService } from './failpoint-rows.ts';
import type { LivingSystem } from './living-system.ts';

/** The broker tells its clients where it is, so a proxy in front of it has to be there first. */
export interface BrokerProxy {
  readonly proxy: TcpProxy;
  readonly sideDoor: { port: number; advertisedPort: number };
}

export async function startBrokerProxy(): Promise<BrokerProxy> {
  const port = await findFreePort();
  const proxy = await startTcpProxy({ host: '127.0.0.1', port });
  return { proxy, sideDoor: { port, advertisedPort: proxy.port } };
}

export const PEERS = ['Postgres', 'Redis', 'Kafka', 'the PG'] as const;
export type Peer = (typeof PEERS)[number];

/** Which service talks to whom. */
export const PAIRS: readonly (readonly [KilledService, Peer])[] = [
  ['payment-api', 'Postgres'],
  ['payment-api', 'Redis'],
  ['payment-api', 'Kafka'],
  ['pg-processor', 'Postgres'],
  ['pg-processor', 'Kafka'],
  ['pg-processor', 'the PG'],
  ['settlement-worker', 'Postgres'],
  ['settlement-worker', 'Kafka'],
];

const VARIABLE_OF: Record<Peer, string> = {
  Postgres: 'DATABASE_URL',
  Redis: 'REDIS_URL',
  Kafka: 'KAFKA_BROKERS',
  'the PG': 'TOSS_BASE_URL',
};

/** A service whose connections to a peer go through a proxy, until it is let go. */
export interface ProxiedService {
  readonly proxy: TcpProxy;
  release(): Promise<void>;
}

/** Starts a service again, with a proxy between it and one of its peers. */
export async function proxied(
  living: LivingSystem,
  name: KilledService,
  peer: Peer,
): Promise<ProxiedService> {
  const service = living.system.service(name);
  const variable = VARIABLE_OF[peer];
  const direct = living.system.environment(name)[variable];
  if (direct === undefined) throw new Error(`${name} has no ${variable}.`);
  const proxy = peer === 'Kafka' ? brokerProxyOf(living) : await proxyTo(direct);
  await service.stop();
  service.setEnvironment({
    [variable]: peer === 'Kafka' ? `127.0.0.1:${proxy.port}` : at(direct, proxy),
  });
  await service.start();
  return {
    proxy,
    async release() {
      await service.stop();
      service.setEnvironment({ [variable]: direct });
      await service.start();
      if (peer !== 'Kafka') await proxy.stop();
    },
  };
}

function brokerProxyOf({ brokerProxy }: LivingSystem): TcpProxy {
  if (brokerProxy === undefined) throw new Error('This system has no broker of its own.');
  return brokerProxy;
}

function proxyTo(url: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(url);
  return startTcpProxy({ host: hostname, port: Number(port) });
}

function at(url: string, { port }: TcpProxy): string {
  const moved = new URL(url);
  moved.hostname = '127.0.0.1';
  moved.port = String(port);
  return moved.href.replace(/\/$/, '');
}
