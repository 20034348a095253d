import { randomUUID } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { connecting, provision, unprovision } from '@mini-pg/database';
import { keepSecrets, signOperatorToken } from '@mini-pg/local-setup';
import type { StackChoice } from './choose-stack.ts';
import { findFreePort } from './free-port.ts';
import type { SideDoor } from './kafka.ts';
import type { ServerName } from './native.ts';
import { type Log, withProgress } from './progress.ts';
import { reasonIn, type Server, type ServerHooks, startServer } from './server.ts';
import { type Isolation, type SystemFacts, serviceEnvironment } from './service-environment.ts';
import {
  MIGRATED_SERVICES,
  planService,
  type ScalableService,
  SERVICE_NAMES,
  type ServiceName,
  type ServiceProgram,
  serviceProcess,
} from './services.ts';
import { openSite, type Site } from './site.ts';
import { pickStack, type Stack, startStackOn } from './stack.ts';

/** One running instance of a service. */
export type Service = Server & {
  service: ServiceName;
  /** Its base URL, the same over all restarts. */
  url: string;
  /** Changes variables of its environment, from its next start on; undefined removes one. */
  setEnvironment(variables: Record<string, string | undefined>): void;
};

/** All services with their servers; see `startSystem`. */
export type System = {
  /** Base URLs of the first instance of each service. */
  api: string;
  processor: string;
  settlement: string;
  simulator: string;
  /** The auditor's URL: reads all schemas, writes nothing. */
  postgres: string;
  redis: string;
  kafka: string;
  isolation: Isolation;
  /** The token of an operator who may do everything. */
  adminToken: string;
  /** Where it keeps its data; its logs are in `logs` below it. */
  dataDir: string;
  stack: Stack;
  services: readonly Service[];
  /** One instance of a service; the first unless `index` says otherwise. */
  service(name: ServiceName, index?: number): Service;
  /** What the programs of a service find in their environment. */
  environment(name: ServiceName): Record<string, string>;
  /** Runs a program of a service, such as `close`, to its end, with variables added to its own. */
  run(
    name: ServiceName,
    program: string,
    args: readonly string[],
    variables?: Record<string, string>,
  ): Promise<ProgramResult>;
  /** Stops services and servers, and removes what an isolated system made on shared ones. */
  stop(): Promise<void>;
};

export type ProgramResult = { code: number | null; output: string };

export type SystemOptions = {
  /** Where data, secrets and logs are kept; a temporary folder unless given. */
  dataDir?: string;
  /** Where its servers come from; what `pickStack` decides unless given. */
  choice?: StackChoice;
  /** Servers to start for this system alone, so that it may stop and kill them. */
  own?: readonly ServerName[];
  /** A repository whose builds are run in place of those of this one. */
  buildsDir?: string;
  /** Another port of an own broker, for clients that are to come through a proxy. */
  brokerSideDoor?: SideDoor;
  /**
   * Use a database, topics and Redis keys of its own; so unless said otherwise when the servers
   * were given, because others may be using them.
   */
  isolate?: boolean;
  /** Instances of a service, from 1 to `INSTANCES_MAX`; one unless given. */
  scale?: Partial<Record<ScalableService, number>>;
  /** Variables added to a service's environment. */
  env?: Partial<Record<ServiceName, Record<string, string>>>;
  /** Ports to use if they are free, for the first instance of a service. */
  ports?: Partial<Record<ServiceName, number>>;
  /** Told of every start, and of every end that nobody asked for. */
  hooks?: ServerHooks;
  log?: Log;
};

const PLAIN: Isolation = { database: 'minipg', topicPrefix: '', redisPrefix: '' };

/**
 * Starts the whole system from its builds: servers, database, migrations, services; resolves once
 * every service is ready. However this process ends, everything that it started ends too.
 */
export async function startSystem(options: SystemOptions = {}): Promise<System> {
  const log = options.log ?? (() => {});
  const choice = options.choice ?? (await pickStack(log));
  const site = await openSite(options.dataDir, log, options.hooks);
  /** Removes what an isolated system makes on servers that stay. */
  let tidyUp = async (): Promise<void> => {};
  try {
    const stack = await startStackOn(site, choice, options.own, options.brokerSideDoor);
    const isIsolated = options.isolate ?? choice.kind === 'external';
    const isolation = isIsolated ? newIsolation() : PLAIN;
    if (isIsolated && stack.kind === 'external') {
      tidyUp = () => unprovision(stack.postgresUrl, isolation.database);
    }
    const facts = await prepare(site, stack, isolation, options);
    await withProgress('migrating', log, () => migrate(site, facts));
    const services = await withProgress('starting services', log, () =>
      startServices(site, facts, options),
    );
    return await systemOf(site, stack, facts, services, tidyUp);
  } catch (error) {
    await site.close();
    // What went wrong first is what there is to tell.
    await tidyUp().catch(() => {});
    throw error;
  }
}

function newIsolation(): Isolation {
  const name = randomUUID().slice(0, 8);
  return { database: `minipg_${name}`, topicPrefix: `${name}.`, redisPrefix: `${name}:` };
}

async function prepare(
  site: Site,
  stack: Stack,
  isolation: Isolation,
  options: SystemOptions,
): Promise<SystemFacts> {
  const secrets = keepSecrets(join(site.dataDir.path, 'secrets.json'));
  const port = await portFor('pg-simulator', options.ports?.['pg-simulator'], site.log);
  return {
    stack,
    isolation,
    secrets,
    databaseUrls: await connecting({ url: stack.postgresUrl, setting: 'STACK_POSTGRES_URL' }, () =>
      provision(stack.postgresUrl, {
        database: isolation.database,
        passwords: secrets.databasePasswords,
      }),
    ),
    simulatorUrl: `http://127.0.0.1:${port}`,
    buildsDir: options.buildsDir,
    dataDir: site.dataDir.path,
  };
}

async function migrate(site: Site, facts: SystemFacts): Promise<void> {
  const results = await Promise.all(
    MIGRATED_SERVICES.map(async (service) => {
      const env = serviceEnvironment(service, facts);
      const program = { service, program: 'migrate', env, buildsDir: facts.buildsDir };
      return { service, ...(await runProgram(site, program)) };
    }),
  );
  for (const { service, code, output } of results) {
    if (code === 0) continue;
    const reason = reasonIn(output) ?? `failed:\n${output.trimEnd()}`;
    throw new Error(`the migrations of ${service}: ${reason}`);
  }
}

async function startServices(
  site: Site,
  facts: SystemFacts,
  options: SystemOptions,
): Promise<Service[]> {
  const instances = SERVICE_NAMES.flatMap((name) =>
    Array.from({ length: instancesOf(name, options.scale) }, (_, index) => ({ name, index })),
  );
  return Promise.all(
    instances.map(async ({ name, index }) => {
      const port =
        name === 'pg-simulator'
          ? Number(new URL(facts.simulatorUrl).port)
          : await portFor(name, index === 0 ? options.ports?.[name] : undefined, site.log);
      const env = { ...serviceEnvironment(name, facts), ...options.env?.[name] };
      const { buildsDir } = facts;
      return startService(site, { service: name, env, buildsDir }, index, port);
    }),
  );
}

function instancesOf(name: ServiceName, scale: SystemOptions['scale'] = {}): number {
  return name === 'pg-simulator' ? 1 : (scale[name] ?? 1);
}

/** The port that is wanted if it is free; a line says so when it is another. */
async function portFor(name: ServiceName, wanted: number | undefined, log: Log): Promise<number> {
  const port = await findFreePort(wanted);
  if (wanted !== undefined && port !== wanted) {
    log(`port ${wanted} is taken: ${name} listens on ${port}`);
  }
  return port;
}

async function startService(
  site: Site,
  { service, env: environment, buildsDir }: Omit<ServiceProgram, 'program'>,
  index: number,
  port: number,
): Promise<Service> {
  const name = index === 0 ? service : `${service}-${index + 1}`;
  const url = `http://127.0.0.1:${port}`;
  const env: Record<string, string> = {
    ...environment,
    PORT: String(port),
    INSTANCE_ID: name,
  };
  const program = { service, program: 'main', env, buildsDir };
  const spec = serviceProcess(program, name, site.logDir);
  const server = await startServer(site.guardian, planService(spec, url), site.hooks);
  return {
    service,
    url,
    name,
    get pid() {
      return server.pid;
    },
    start: () => server.start(),
    stop: () => server.stop(),
    kill: (signal) => server.kill(signal),
    setEnvironment(variables) {
      for (const [variable, value] of Object.entries(variables)) {
        if (value === undefined) delete env[variable];
        else env[variable] = value;
      }
    },
  };
}

async function runProgram(
  site: Site,
  program: ServiceProgram,
  logName = `${program.service}-${program.program}`,
): Promise<ProgramResult> {
  const spec = serviceProcess(program, logName, site.logDir);
  const file = join(site.logDir, `${logName}.log`);
  rmSync(file, { force: true });
  const run = await site.guardian.run(spec);
  const { code } = await run.exited;
  return { code, output: readFileSync(file, 'utf8') };
}

async function systemOf(
  site: Site,
  stack: Stack,
  facts: SystemFacts,
  services: readonly Service[],
  tidyUp: () => Promise<void>,
): Promise<System> {
  const { isolation, secrets } = facts;
  const service = (name: ServiceName, index = 0): Service => {
    const found = services.filter((one) => one.service === name)[index];
    if (!found) throw new Error(`There is no instance ${index} of ${name}: see \`scale\`.`);
    return found;
  };
  return {
    api: service('payment-api').url,
    processor: service('pg-processor').url,
    settlement: service('settlement-worker').url,
    simulator: service('pg-simulator').url,
    postgres: facts.databaseUrls.auditor,
    redis: stack.redisUrl,
    kafka: stack.kafkaBrokers,
    isolation,
    adminToken: await signOperatorToken(secrets, { name: 'local-admin', role: 'admin' }),
    dataDir: site.dataDir.path,
    stack,
    services,
    service,
    environment: (name) => serviceEnvironment(name, facts),
    run(name, program, args, variables) {
      const env = { ...serviceEnvironment(name, facts), ...variables };
      const logName = `${name}-${program}-${randomUUID().slice(0, 8)}`;
      const { buildsDir } = facts;
      return runProgram(site, { service: name, program, args, env, buildsDir }, logName);
    },
    async stop() {
      await Promise.all(services.map((one) => one.stop()));
      await tidyUp();
      await site.close();
    },
  };
}
