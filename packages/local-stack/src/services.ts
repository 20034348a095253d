import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessSpec } from './guardian-protocol.ts';
import { REPOSITORY_DIR } from './paths.ts';
import type { ServerPlan } from './server.ts';

export const SERVICE_NAMES = [
  'payment-api',
  'pg-processor',
  'settlement-worker',
  'pg-simulator',
] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

/** Services that may run more than once: the simulator's ledger is one file of one process. */
export const SCALABLE_SERVICES = ['payment-api', 'pg-processor', 'settlement-worker'] as const;
export type ScalableService = (typeof SCALABLE_SERVICES)[number];

/** On one machine more of them take memory and give nothing. */
export const INSTANCES_MAX = 8;

/** Services with a schema of their own, which their `migrate` command brings up to date. */
export const MIGRATED_SERVICES = ['payment-api', 'pg-processor', 'settlement-worker'] as const;

/** A little above the 25 s that a service gives itself to drain. */
const STOP_TIMEOUT_MS = 28_000;
const HEALTH_TIMEOUT_MS = 2_000;
/** Above the servers: services end first, while what they need for it still runs. */
const STAGE = 5;

const COMMON_FLAGS = ['--enable-source-maps', '--expose-gc'];

/**
 * How Node is started for the programs of a service, on a machine and in an image alike; the page
 * about configuration has the reasons. Sizes of memory are set where they were measured.
 */
export const NODE_FLAGS: Record<ServiceName, readonly string[]> = {
  'payment-api': [...COMMON_FLAGS, '--max-semi-space-size=32', '--max-old-space-size=384'],
  'pg-processor': [...COMMON_FLAGS, '--max-semi-space-size=16'],
  'settlement-worker': [...COMMON_FLAGS, '--max-semi-space-size=16'],
  'pg-simulator': COMMON_FLAGS,
};

/** A program of a service: `main`, `migrate`, or a command like `close`. */
export type ServiceProgram = {
  service: ServiceName;
  program: string;
  args?: readonly string[];
  env: Record<string, string>;
  /** The repository whose build is run: this one unless given. */
  buildsDir?: string | undefined;
};

/** How to run a program of a service from its build. Throws when it has not been built. */
export function serviceProcess(
  { service, program, args = [], env, buildsDir = REPOSITORY_DIR }: ServiceProgram,
  name: string,
  logDir: string,
): ProcessSpec {
  const entry = join(buildsDir, 'apps', service, 'dist', `${program}.js`);
  if (!existsSync(entry)) {
    throw new Error(`${service} is not built (${entry} is missing): run \`npm run build\`.`);
  }
  return {
    name,
    command: process.execPath,
    args: [...NODE_FLAGS[service], entry, ...args],
    cwd: REPOSITORY_DIR,
    env,
    output: { file: join(logDir, `${name}.log`) },
    stopSignal: 'SIGTERM',
    stopTimeoutMs: STOP_TIMEOUT_MS,
    stage: STAGE,
  };
}

/** A service that is ready once its own health check says so. */
export function planService(spec: ProcessSpec, url: string): ServerPlan {
  return { spec, isReady: () => isHealthy(url) };
}

/** Whether a service at a base URL says that it is ready. */
export async function isHealthy(url: string): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(HEALTH_TIMEOUT_MS);
    const response = await fetch(new URL('/health/ready', url), { signal });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
