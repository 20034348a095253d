import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { writeWhole } from '@mini-pg/local-setup';
import { ownerOf, REPOSITORY_DIR, SERVICE_NAMES, type ServiceName } from '@mini-pg/local-stack';
import { z } from 'zod';

/** Where `npm run up` keeps everything; another folder runs another system beside it. */
export const DATA_DIR = resolve(REPOSITORY_DIR, process.env.DATA_DIR ?? '.data');

const LOCAL_FILE = join(DATA_DIR, 'local.json');
/** The merchants that every `up` on this folder has. */
export const MERCHANTS_FILE = join(DATA_DIR, 'merchants.json');
const ENVIRONMENTS_FILE = join(DATA_DIR, 'environments.json');

export const localSystemSchema = z.object({
  /** Base URLs of the services. */
  api: z.url(),
  processor: z.url(),
  settlement: z.url(),
  simulator: z.url(),
  /** As the auditor's role, which reads all schemas. */
  postgres: z.string(),
  redis: z.string(),
  kafka: z.string(),
  /** The token of an operator who may do everything. */
  adminToken: z.string(),
  merchants: z.array(z.object({ id: z.string(), secretKey: z.string() })),
  /** Of the first instance of each service, the servers and the supervisor. */
  pids: z.record(z.string(), z.int()),
  /** Every instance of every service; `pid` is null while it is down, and for a container. */
  instances: z.array(
    z.object({
      /** As its log is called: `payment-api`, `payment-api-2`. */
      name: z.string(),
      service: z.enum(SERVICE_NAMES),
      url: z.url(),
      pid: z.int().nullable(),
    }),
  ),
  /** Of a system of containers: what `docker compose --project-name` takes. */
  compose: z.object({ project: z.string() }).optional(),
});

/** What `.data/local.json` says about the system that is up, for scripts and other clients. */
export type LocalSystem = z.infer<typeof localSystemSchema>;

/** The names of services in `local.json`, and theirs in this repository. */
export const SERVICE_KEYS = {
  api: 'payment-api',
  processor: 'pg-processor',
  settlement: 'settlement-worker',
  simulator: 'pg-simulator',
} as const satisfies Record<string, ServiceName>;

/** The system that is up, or undefined when none is, or it is not ready yet. */
export function readLocalSystem(): LocalSystem | undefined {
  if (!existsSync(LOCAL_FILE)) return undefined;
  const text = readFileSync(LOCAL_FILE, 'utf8');
  // What a redirection of a job that failed leaves.
  if (text === '') return undefined;
  const local = localSystemSchema.parse(JSON.parse(text));
  // Containers are looked after by Docker, processes by their owner.
  return local.compose || ownerOf(DATA_DIR) ? local : undefined;
}

/** The same for a command that cannot do without. */
export function requireLocalSystem(): LocalSystem {
  const local = readLocalSystem();
  if (!local) throw new Error('Nothing is up. `npm run up` starts the system.');
  return local;
}

export function writeLocalSystem(local: LocalSystem): void {
  writeJson(LOCAL_FILE, local);
}

export function removeLocalSystem(): void {
  for (const file of [LOCAL_FILE, ENVIRONMENTS_FILE]) rmSync(file, { force: true });
}

const environmentsSchema = z.record(z.string(), z.record(z.string(), z.string()));

/** What the programs of a service find in their environment, in a system of processes that is up. */
export function readEnvironment(service: ServiceName): Record<string, string> {
  const environments = environmentsSchema.parse(
    JSON.parse(readFileSync(ENVIRONMENTS_FILE, 'utf8')),
  );
  return environments[service] ?? {};
}

export function writeEnvironments(environments: Record<string, Record<string, string>>): void {
  writeJson(ENVIRONMENTS_FILE, environments);
}

function writeJson(file: string, content: unknown): void {
  mkdirSync(DATA_DIR, { recursive: true });
  writeWhole(file, JSON.stringify(content, null, 2));
}
