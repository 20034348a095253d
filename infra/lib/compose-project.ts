import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { REPOSITORY_DIR } from '@mini-pg/local-stack';

const COMPOSE_FILE = join(REPOSITORY_DIR, 'docker-compose.yml');
const HASH_LENGTH = 8;

/** A system of containers: the project that compose knows it by. */
export type ComposeProject = { readonly name: string };

/** The project of a data folder. Two clones, or two folders of one, never share containers. */
export function projectOf(dataDir: string): ComposeProject {
  const hash = createHash('sha256').update(dataDir).digest('hex').slice(0, HASH_LENGTH);
  return { name: `mini-pg-${hash}` };
}

/** The label by which Docker marks containers, networks and volumes of a project. */
export function labelOf({ name }: ComposeProject): string {
  return `com.docker.compose.project=${name}`;
}

/** What `docker compose` runs with: this environment, on the compose file of the repository. */
export function composeEnvironment(
  { name }: ComposeProject,
  variables: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const own = Object.entries(process.env).flatMap(([key, value]) => (value ? [[key, value]] : []));
  return {
    ...Object.fromEntries(own),
    NPMRC: npmSettings(),
    COMPOSE_FILE,
    COMPOSE_PROFILES: 'all',
    COMPOSE_PROJECT_NAME: name,
    ...variables,
  };
}

/** The arguments of `docker` that close a day in a container, with variables of its own. */
export function closeCommand(
  variables: Readonly<Record<string, string>>,
  args: readonly string[],
): string[] {
  const env = Object.entries(variables).map(([key, value]) => `--env=${key}=${value}`);
  const program = ['node', '--env-file=/run/mini-pg/secrets.env', 'dist/close.js'];
  return ['compose', 'exec', '-T', ...env, 'settlement-worker', ...program, ...args];
}

/** The user's settings of npm, such as a registry, count in builds too; no layer keeps them. */
function npmSettings(): string {
  if (process.env.NPMRC) return process.env.NPMRC;
  const file = process.env.npm_config_userconfig ?? join(homedir(), '.npmrc');
  return existsSync(file) ? file : '/dev/null';
}
