import { parseEnv } from 'node:util';
import type { ServiceName } from '@mini-pg/local-stack';
import { execIn } from './compose-containers.ts';
import { type LocalSystem, readEnvironment } from './local-system.ts';

const SECRETS_FILE = '/run/mini-pg/secrets.env';
const READ_TIMEOUT_MS = 10_000;

/**
 * What the programs of a service find in their environment, in the system that is up: of a
 * container the secret part, which is all that it has of its own.
 */
export async function readServiceEnvironment(
  { compose }: LocalSystem,
  service: ServiceName,
): Promise<Readonly<Record<string, string | undefined>>> {
  if (!compose) return readEnvironment(service);
  const command = ['cat', SECRETS_FILE];
  return parseEnv(await execIn({ name: compose.project }, service, command, READ_TIMEOUT_MS));
}
