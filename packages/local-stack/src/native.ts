import { findFreePort } from './free-port.ts';
import { planKafka, type SideDoor } from './kafka.ts';
import { planPostgres } from './postgres.ts';
import { withProgress } from './progress.ts';
import { planRedis } from './redis.ts';
import { type Server, startServer } from './server.ts';
import type { Site } from './site.ts';

export const SERVER_NAMES = ['postgres', 'redis', 'kafka'] as const;
export type ServerName = (typeof SERVER_NAMES)[number];

/** A server that runs as a process of this machine, and the URL that it listens on. */
export type NativeServer = { server: Server; url: string };

/** Starts the named servers, all at once. */
export async function startNativeServers(
  site: Site,
  names: readonly ServerName[],
  brokerSideDoor?: SideDoor,
): Promise<Partial<Record<ServerName, NativeServer>>> {
  const started = await Promise.all(
    names.map(async (name) => [name, await STARTERS[name](site, brokerSideDoor)] as const),
  );
  return Object.fromEntries(started);
}

const STARTERS: Record<ServerName, (site: Site, door?: SideDoor) => Promise<NativeServer>> = {
  postgres: startPostgres,
  redis: startRedis,
  kafka: startKafka,
};

async function startPostgres(site: Site): Promise<NativeServer> {
  const port = await findFreePort();
  return withProgress(`starting PostgreSQL on port ${port}`, site.log, async () => {
    const planned = await planPostgres(site.guardian, { ...places(site), port, log: site.log });
    if (site.dataDir.isEphemeral && planned.outsideDir) {
      site.guardian.removeAtEnd(planned.outsideDir);
    }
    const server = await startServer(site.guardian, planned.plan, site.hooks);
    return { server, url: planned.url };
  });
}

async function startRedis(site: Site): Promise<NativeServer> {
  const port = await findFreePort();
  return withProgress(`starting Redis on port ${port}`, site.log, async () => {
    const plan = planRedis({ ...places(site), port });
    const server = await startServer(site.guardian, plan, site.hooks);
    return { server, url: `redis://127.0.0.1:${port}` };
  });
}

async function startKafka(site: Site, sideDoor?: SideDoor): Promise<NativeServer> {
  const port = await findFreePort();
  const controllerPort = await findFreePort();
  return withProgress(`starting Kafka on port ${port}`, site.log, async () => {
    const plan = await planKafka(site.guardian, {
      ...places(site),
      port,
      controllerPort,
      sideDoor,
    });
    const server = await startServer(site.guardian, plan, site.hooks);
    return { server, url: `127.0.0.1:${port}` };
  });
}

function places(site: Site): { dataDir: string; logDir: string } {
  return { dataDir: site.dataDir.path, logDir: site.logDir };
}
