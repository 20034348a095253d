import { docker } from '@mini-pg/local-stack';
import { z } from 'zod';
import { type ComposeProject, composeEnvironment, labelOf } from './compose-project.ts';

const LOOK_TIMEOUT_MS = 10_000;
const DOWN_TIMEOUT_MS = 180_000;
/** Above the 25 s that a service gives itself to drain. */
const STOP_GRACE_S = 30;
const LOG_LINES_IN_ERROR = 15;

const inspected = z.array(
  z.object({
    Id: z.string(),
    Config: z.object({ Labels: z.record(z.string(), z.string()) }),
    State: z.object({
      Status: z.string(),
      ExitCode: z.int(),
      Health: z.object({ Status: z.string() }).optional(),
    }),
    NetworkSettings: z.object({
      Ports: z.record(
        z.string(),
        z.array(z.object({ HostIp: z.string(), HostPort: z.string() })).nullable(),
      ),
    }),
  }),
);

export type Container = {
  id: string;
  /** The name in the compose file, and which of its containers this is, from 1. */
  service: string;
  number: number;
  /** `running`, `exited` and so on, as Docker has it. */
  status: string;
  exitCode: number;
  /** Undefined while it has no check of its own, or is not running. */
  health: string | undefined;
  /** Where it is reached from this machine, as `host:port`; undefined when nothing is published. */
  published: string | undefined;
};

/** Docker does not do what it is asked; the message is what it says. */
export class DockerError extends Error {
  override readonly name = 'DockerError';
}

/** All containers of a project, sorted by name. Empty where there is no Docker at all. */
export async function containersOf(project: ComposeProject): Promise<Container[]> {
  const filter = ['--filter', `label=${labelOf(project)}`];
  const listed = await docker(['ps', '--all', '--quiet', ...filter], LOOK_TIMEOUT_MS);
  if (!listed.ok && listed.reason === 'not installed') return [];
  const ids = outputOf(listed).split('\n').filter(Boolean);
  if (ids.length === 0) return [];
  const json = outputOf(await docker(['inspect', ...ids], LOOK_TIMEOUT_MS));
  return inspected
    .parse(JSON.parse(json))
    .map(containerOf)
    .sort((one, other) => one.service.localeCompare(other.service) || one.number - other.number);
}

function containerOf({
  Id,
  Config,
  State,
  NetworkSettings,
}: z.infer<typeof inspected>[number]): Container {
  const [binding] = Object.values(NetworkSettings.Ports).flatMap((bindings) => bindings ?? []);
  return {
    id: Id,
    service: Config.Labels['com.docker.compose.service'] ?? '',
    number: Number(Config.Labels['com.docker.compose.container-number'] ?? 1),
    status: State.Status,
    exitCode: State.ExitCode,
    health: State.Health?.Status,
    published: binding && `${binding.HostIp}:${binding.HostPort}`,
  };
}

export function isReady({ status, health }: Container): boolean {
  return status === 'running' && (health === undefined || health === 'healthy');
}

/** Jobs run to their end; all else has to stay up. */
export function isJob({ service }: Container): boolean {
  return /^(provision|setup|.+-migrate)$/.test(service);
}

/** The end of what a container has written. */
export async function lastWordsOf({ id }: Container): Promise<string> {
  const args = ['logs', '--tail', String(LOG_LINES_IN_ERROR), id];
  const logs = await docker(args, LOOK_TIMEOUT_MS);
  return logs.ok ? `${logs.output}\n${logs.errors}`.trim() : logs.output;
}

/** Whether a project has volumes, with what an earlier system left in them. */
export async function hasVolumes(project: ComposeProject): Promise<boolean> {
  const filter = ['--filter', `label=${labelOf(project)}`];
  return outputOf(await docker(['volume', 'ls', '--quiet', ...filter], LOOK_TIMEOUT_MS)) !== '';
}

/** Stops a project in order and removes its containers and network, and if asked its data. */
export async function removeProject(
  project: ComposeProject,
  { volumes }: { volumes: boolean },
): Promise<void> {
  const args = ['compose', 'down', '--remove-orphans', '--timeout', String(STOP_GRACE_S)];
  const environment = composeEnvironment(project, { COMPOSE_PROFILES: '*' });
  outputOf(
    await docker([...args, ...(volumes ? ['--volumes'] : [])], DOWN_TIMEOUT_MS, environment),
  );
}

/** Runs a program in the first container of a service; the rejection says what Docker or it said. */
export async function execIn(
  project: ComposeProject,
  service: string,
  command: readonly string[],
  timeoutMs: number,
): Promise<string> {
  const args = ['compose', 'exec', '-T', service, ...command];
  return outputOf(await docker(args, timeoutMs, composeEnvironment(project)));
}

function outputOf(result: Awaited<ReturnType<typeof docker>>): string {
  if (result.ok) return result.output;
  throw new DockerError(
    result.reason === 'no answer' ? 'the Docker daemon does not answer' : result.output,
  );
}
