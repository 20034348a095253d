import { sealKeysSchema } from '@mini-pg/messaging';
import {
  ConfigError,
  eventEnvShape,
  loadConfig,
  loadProfile,
  operatorPublicKeySchema,
  type Profile,
  prodSecretProblems,
  serviceEnvShape,
} from '@mini-pg/runtime';
import { z } from 'zod';

/** The environment of payment-api. */
export const envSchema = z.object({
  ...serviceEnvShape,
  ...eventEnvShape,
  REDIS_URL: z
    .url({ protocol: /^rediss?$/, error: 'must be a URL that starts with redis://' })
    .describe('`redis://` or `rediss://`'),
  REDIS_PREFIX: z.string().default('').describe('in front of every key and channel'),
  SEAL_KEYS: sealKeysSchema.describe(
    '`kid:base64of32bytes[,kid2:...]`: the first seals, all open; the same list as pg-processor has',
  ),
  OPERATOR_PUBLIC_KEY: operatorPublicKeySchema,
});

export type Config = z.output<typeof envSchema> & { readonly profile: Profile };

/** Reads what payment-api needs from its environment. @throws ConfigError naming every bad name */
export function readConfig(environment: NodeJS.ProcessEnv): Config {
  const env = loadConfig(envSchema, environment);
  const profile = loadProfile(env.APP_ENV, env.PROFILES_DIR);
  if (env.APP_ENV === 'prod') {
    const problems = prodSecretProblems('SEAL_KEYS', env.SEAL_KEYS.reveal());
    if (problems.length > 0) throw new ConfigError(problems);
  }
  return { ...env, profile };
}
