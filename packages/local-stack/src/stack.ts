import { chooseStack, type StackChoice, type StackKind } from './choose-stack.ts';
import { attachExternal } from './external.ts';
import { type NativeServer, SERVER_NAMES, type ServerName, startNativeServers } from './native.ts';
import type { Log } from './progress.ts';
import type { Server } from './server.ts';
import { openSite, type Site } from './site.ts';

export type StackUrls = {
  /** A superuser's URL on the maintenance database `postgres`. */
  postgresUrl: string;
  redisUrl: string;
  /** `host:port`, comma separated. */
  kafkaBrokers: string;
};

export type Stack = StackUrls & {
  kind: StackKind;
  /** Where its servers keep their data and logs; undefined when it started none. */
  dataDir: string | undefined;
  /** Process ids by name of the servers that this stack started itself. */
  pids: Record<string, number>;
  /** A server that this stack started itself; throws for one that it was only given. */
  server(name: ServerName): Server;
  /** Ends what was started; a server that was only attached to stays as it is. */
  stop(): Promise<void>;
};

export type StackOptions = {
  /** Where the servers keep their data; a temporary folder unless given. */
  dataDir?: string;
  /** Servers to start for this stack alone even if others are given, so that they may be killed. */
  own?: readonly ServerName[];
  log?: Log;
};

/**
 * Postgres, Redis and Kafka from the first source that is available; see `chooseStack`.
 * However this process ends, the servers that it started end too.
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const log = options.log ?? (() => {});
  const choice = chooseStack(process.env);
  if (startsNothing(choice, options.own)) return stackOf(choice, { log }, {});
  const site = await openSite(options.dataDir, log);
  try {
    return await startStackOn(site, choice, options.own);
  } catch (error) {
    await site.close();
    throw error;
  }
}

/** Starts the servers on a site of the caller's; stopping the stack closes that site. */
export async function startStackOn(
  site: Site,
  choice: StackChoice,
  own: readonly ServerName[] = [],
): Promise<Stack> {
  const names = choice.kind === 'native' ? SERVER_NAMES : own;
  const started = await startNativeServers(site, names);
  return stackOf(choice, site, started);
}

function startsNothing(choice: StackChoice, own: readonly ServerName[] = []): boolean {
  return choice.kind === 'external' && own.length === 0;
}

async function stackOf(
  choice: StackChoice,
  site: Pick<Site, 'log'> & Partial<Site>,
  started: Partial<Record<ServerName, NativeServer>>,
): Promise<Stack> {
  site.log(`servers: ${choice.kind} (${choice.why})`);
  const given = choice.kind === 'external' ? await attachExternal(process.env) : undefined;
  return {
    kind: choice.kind,
    dataDir: site.dataDir?.path,
    postgresUrl: urlOf(started.postgres?.url ?? given?.postgresUrl),
    redisUrl: urlOf(started.redis?.url ?? given?.redisUrl),
    kafkaBrokers: urlOf(started.kafka?.url ?? given?.kafkaBrokers),
    get pids() {
      const servers = Object.values(started).map(({ server }) => server);
      return Object.fromEntries(servers.flatMap(({ name, pid }) => (pid ? [[name, pid]] : [])));
    },
    server(name) {
      const own = started[name];
      if (own) return own.server;
      throw new Error(`This stack was given its ${name}: start it with own: ['${name}'].`);
    },
    stop: async () => site.close?.(),
  };
}

function urlOf(url: string | undefined): string {
  if (url === undefined) throw new Error('A stack has to have Postgres, Redis and Kafka.');
  return url;
}
