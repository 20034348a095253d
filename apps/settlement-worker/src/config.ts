import {
  eventEnvShape,
  loadConfig,
  operatorPublicKeySchema,
  serviceEnvShape,
} from '@mini-pg/runtime';
import { z } from 'zod';

/** The environment of settlement-worker. */
export const envSchema = z.object({
  ...serviceEnvShape,
  ...eventEnvShape,
  CLOSE_SCHEDULE: z
    .enum(['on', 'off'])
    .default('on')
    .describe('`off` where something else runs the close command, such as a CronJob of Kubernetes'),
  OPERATOR_PUBLIC_KEY: operatorPublicKeySchema,
});

export type Config = z.output<typeof envSchema>;

/** Reads what settlement-worker needs from its environment. @throws ConfigError */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  return loadConfig(envSchema, environment);
}

const commandSchema = z.object({ ...eventEnvShape, LOG_LEVEL: serviceEnvShape.LOG_LEVEL });

export type CommandConfig = z.output<typeof commandSchema>;

/** What the commands of this service read: no port, no keys. @throws ConfigError */
export function readCommandConfig(environment: NodeJS.ProcessEnv): CommandConfig {
  return loadConfig(commandSchema, environment);
}
