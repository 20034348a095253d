import { chooseStack, type StackChoice, type StackKind } from './choose-stack.ts';
import { startContainers } from './containers.ts';
import { offerCompose, offerDocker } from './docker-offer.ts';
import { attachExternal } from './external.ts';
import type { SideDoor } from './kafka.ts';
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
  const choice = await pickStack(log);
  if (startsNothing(choice, options.own)) {
    log(`servers: ${choice.kind} (${choice.why})`);
    return stackOf(choice, {}, {}, await attached(choice));
  }
  const site = await openSite(options.dataDir, log);
  try {
    return await startStackOn(site, choice, options.own);
  } catch (error) {
    await site.close();
    throw error;
  }
}

/** What `chooseStack` decides for the environment of this process. */
export function pickStack(log: Log): Promise<StackChoice> {
  return chooseStack(process.env, () => offerDocker(log));
}

/** The same for a whole system, which `docker` runs by compose. */
export function pickSystemStack(log: Log): Promise<StackChoice> {
  return chooseStack(process.env, () => offerCompose(log));
}

/**
 * Finds what is wrong with STACK and the URLs before anything is built or started. Docker is not
 * asked, because that may take its time.
 *
 * @throws Error that says in one line what to change
 */
export async function checkStackSettings(): Promise<void> {
  const choice = await chooseStack(process.env, async () => ({
    available: true,
    why: 'not asked',
  }));
  await attached(choice);
}

/** Starts the servers on a site of the caller's; stopping the stack closes that site. */
export async function startStackOn(
  site: Site,
  choice: StackChoice,
  own: readonly ServerName[] = [],
  brokerSideDoor?: SideDoor,
): Promise<Stack> {
  site.log(`servers: ${choice.kind} (${choice.why})`);
  const names = choice.kind === 'native' ? SERVER_NAMES : own;
  const [started, given] = await Promise.all([
    startNativeServers(site, names, brokerSideDoor),
    choice.kind === 'docker' ? startRest(site, own) : attached(choice),
  ]);
  return stackOf(choice, site, started, given);
}

function startsNothing(choice: StackChoice, own: readonly ServerName[] = []): boolean {
  return choice.kind === 'external' && own.length === 0;
}

/** Containers start after the first of them. */
const QUICKEST_FIRST = ['redis', 'postgres', 'kafka'] as const satisfies readonly ServerName[];

/** A server that a test kills is a process of its own, also beside containers. */
async function startRest(site: Site, own: readonly ServerName[]): Promise<Partial<StackUrls>> {
  const rest = QUICKEST_FIRST.filter((name) => !own.includes(name));
  const { postgres, redis, kafka } = await startContainers(site, rest);
  return {
    ...(postgres && { postgresUrl: postgres }),
    ...(redis && { redisUrl: redis }),
    ...(kafka && { kafkaBrokers: kafka }),
  };
}

async function attached(choice: StackChoice): Promise<Partial<StackUrls>> {
  return choice.kind === 'external' ? attachExternal(process.env) : {};
}

function stackOf(
  choice: StackChoice,
  site: Partial<Site>,
  started: Partial<Record<ServerName, NativeServer>>,
  given: Partial<StackUrls>,
): Stack {
  return {
    kind: choice.kind,
    dataDir: site.dataDir?.path,
    postgresUrl: urlOf(started.postgres?.url ?? given.postgresUrl),
    redisUrl: urlOf(started.redis?.url ?? given.redisUrl),
    kafkaBrokers: urlOf(started.kafka?.url ?? given.kafkaBrokers),
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
