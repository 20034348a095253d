import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  docker,
  REPOSITORY_DIR,
  reasonIn,
  removeAtEnd,
  SERVICE_NAMES,
  type Site,
  withProgress,
} from '@mini-pg/local-stack';
import { z } from 'zod';
import {
  type Container,
  containersOf,
  hasVolumes,
  isJob,
  isReady,
  lastWordsOf,
  removeProject,
} from './compose-containers.ts';
import { choosePorts } from './compose-ports.ts';
import { type ComposeProject, composeEnvironment, labelOf } from './compose-project.ts';
import { type LocalSystem, localSystemSchema, SERVICE_KEYS } from './local-system.ts';
import type { Scale } from './scale.ts';

/** With the Kafka client from source, on a slow machine. */
const BUILD_TIMEOUT_MS = 1_800_000;
const START_TIMEOUT_S = 300;
const SETUP_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;
/** Above what removes the containers, so that nothing makes any while it does. */
const STAGE = 10;
const LOG_LINES_IN_ERROR = 15;

/** One of them has every target of the Dockerfile; jobs share the images of these. */
const BUILT = [...SERVICE_NAMES, 'auditor', 'provision'];

export type ComposeSystem = {
  project: ComposeProject;
  local: LocalSystem;
  /** Lets it stay when the site ends. */
  release(): Promise<void>;
};

type ComposeOptions = {
  project: ComposeProject;
  scale: Scale;
  /** Whether its data go at its end, too, and it begins with none. */
  isEphemeral: boolean;
};

/**
 * Runs the system as containers of the compose file: builds the images, starts servers, jobs and
 * services, and resolves once every service is ready. Unless it is released, it goes with the site.
 *
 * @throws Error with what Docker or a container said, after everything is removed by the site's end
 */
export async function startComposeSystem(
  site: Site,
  options: ComposeOptions,
): Promise<ComposeSystem> {
  const { project, scale, isEphemeral } = options;
  await clearAway(site, options);
  const volumes = isEphemeral || !(await hasVolumes(project));
  const ports = await choosePorts({ environment: process.env, scale, log: site.log });
  const environment = composeEnvironment(project, ports);
  const compose = { site, environment };
  await withProgress('building the images', site.log, () =>
    run(compose, 'build', ['--progress=plain', 'build', ...BUILT], BUILD_TIMEOUT_MS),
  );
  const release = await removeAtEnd(site, { label: labelOf(project), volumes });
  await withProgress('starting containers', site.log, () => bringUp(compose, options));
  const merchants = await docker(
    ['compose', 'run', '--rm', '--no-deps', '-T', 'setup'],
    SETUP_TIMEOUT_MS,
    environment,
  );
  if (!merchants.ok) throw new Error(`the first merchants: ${merchants.output}`);
  return { project, local: await localOf(project, merchants.output), release };
}

/** What an interrupted start left is in nobody's use: running systems are found by local.json. */
async function clearAway(site: Site, { project, isEphemeral }: ComposeOptions): Promise<void> {
  const left = await containersOf(project);
  if (left.length > 0) site.log(`removing ${left.length} containers of an earlier run`);
  if (left.length > 0 || isEphemeral) await removeProject(project, { volumes: isEphemeral });
}

type Compose = { site: Site; environment: Record<string, string> };

async function bringUp(compose: Compose, { project, scale }: ComposeOptions): Promise<void> {
  const scales = Object.entries(scale).map(([service, count]) => `--scale=${service}=${count}`);
  const wait = ['--wait', `--wait-timeout=${START_TIMEOUT_S}`];
  const args = ['--progress=plain', 'up', '--detach', '--no-build', ...wait, ...scales];
  try {
    await run(compose, 'up', args, START_TIMEOUT_S * 1_000 + STOP_TIMEOUT_MS);
  } catch (error) {
    throw await culpritOf(project, error);
  }
}

/** The container that kept the others from starting says more than compose does. */
async function culpritOf(project: ComposeProject, error: unknown): Promise<unknown> {
  const containers = await containersOf(project).catch(() => []);
  const culprit =
    containers.find(({ status, exitCode }) => status === 'exited' && exitCode !== 0) ??
    containers.find((one) => !isJob(one) && one.status === 'running' && !isReady(one));
  if (!culprit) return error;
  const words = await lastWordsOf(culprit);
  return new Error(`${culprit.service}: ${reasonIn(words) ?? `did not start:\n${words}`}`, {
    cause: error,
  });
}

/** Runs `docker compose` on the site, with its output in a log. */
async function run(
  { site, environment }: Compose,
  name: string,
  args: readonly string[],
  timeoutMs: number,
): Promise<void> {
  const log = join(site.logDir, `compose-${name}.log`);
  const start = existsSync(log) ? statSync(log).size : 0;
  const compose = await site.guardian.run({
    name: `compose-${name}`,
    command: 'docker',
    args: ['compose', ...args],
    cwd: REPOSITORY_DIR,
    env: environment,
    output: { file: log },
    stopSignal: 'SIGTERM',
    stopTimeoutMs: STOP_TIMEOUT_MS,
    stage: STAGE,
  });
  const timer = setTimeout(() => void compose.stop(), timeoutMs);
  const { code } = await compose.exited;
  clearTimeout(timer);
  if (code === 0) return;
  const lines = readFrom(log, start).trimEnd().split('\n').slice(-LOG_LINES_IN_ERROR);
  throw new Error(`docker compose ${name} failed (its whole output: ${log}):\n${lines.join('\n')}`);
}

function readFrom(file: string, start: number): string {
  return readFileSync(file).subarray(start).toString('utf8');
}

/** What the job `setup` says, with where each container is reached in the end. */
async function localOf(project: ComposeProject, said: string): Promise<LocalSystem> {
  const instances = (await containersOf(project)).flatMap(instanceOf);
  const urls = Object.entries(SERVICE_KEYS).map(([key, service]) => [
    key,
    instances.find((instance) => instance.service === service)?.url,
  ]);
  return localSystemSchema.parse({
    ...JSON.parse(said),
    ...Object.fromEntries(urls),
    instances,
    compose: { project: project.name },
  });
}

const serviceName = z.enum(SERVICE_NAMES);

function instanceOf({ service, number, published }: Container): LocalSystem['instances'] {
  const parsed = serviceName.safeParse(service);
  if (!parsed.success || published === undefined) return [];
  const name = number === 1 ? service : `${service}-${number}`;
  return [{ name, service: parsed.data, url: `http://${published}`, pid: null }];
}
