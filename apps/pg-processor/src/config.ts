import { PGS, type Pg } from '@mini-pg/domain';
import { sealKeysSchema } from '@mini-pg/messaging';
import { ADAPTED_PGS } from '@mini-pg/pg-adapters';
import {
  ConfigError,
  eventEnvShape,
  loadConfig,
  loadProfile,
  operatorPublicKeySchema,
  type PgProfile,
  type Profile,
  prodSecretProblems,
  Secret,
  serviceEnvShape,
} from '@mini-pg/runtime';
import { z } from 'zod';
import type { PgAccount, PgSetup } from './calls/gateways.ts';

/** The environment of pg-processor, without the secrets that its profile names. */
export const envSchema = z.object({
  ...serviceEnvShape,
  ...eventEnvShape,
  SEAL_KEYS: sealKeysSchema.describe(
    '`kid:base64of32bytes[,kid2:...]`, the same list as payment-api has; a key stays as long as attempts that were sealed with it are open',
  ),
  OPERATOR_PUBLIC_KEY: operatorPublicKeySchema,
  TOSS_BASE_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe("another origin for Toss than the profile's, such as a simulator; refused by `prod`"),
});

export type Environment = Readonly<Record<string, string | undefined>>;

export type Config = z.output<typeof envSchema> & {
  readonly profile: Profile;
  /** The PGs that are on, with our accounts there. */
  readonly pgs: readonly PgSetup[];
};

/**
 * Reads what pg-processor needs from its environment and its profile; each PG account's secret from
 * the variable that the profile names.
 *
 * @throws ConfigError naming every bad name
 */
export function readConfig(environment: Environment): Config {
  const problems: string[] = [];
  const env = collect(problems, () => loadConfig(envSchema, environment));
  const appEnv = serviceEnvShape.APP_ENV.safeParse(environment.APP_ENV);
  const profile = appEnv.success
    ? collect(problems, () => loadProfile(appEnv.data, environment.PROFILES_DIR || undefined))
    : undefined;
  if (profile) problems.push(...accountProblems(profile, environment));
  if (appEnv.data === 'prod') problems.push(...prodProblems(environment, profile));
  if (!env || !profile || problems.length > 0) throw new ConfigError(problems);
  return { ...env, profile, pgs: setupsOf(profile, environment) };
}

function collect<T>(problems: string[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
    return undefined;
  }
}

/** PGs that are on without an adapter, and accounts whose secret is missing. */
function accountProblems(profile: Profile, environment: Environment): string[] {
  const problems: string[] = [];
  for (const [pg, { on }] of Object.entries(profile.pgs)) {
    if (!on) continue;
    if (!ADAPTED_PGS.some((adapted) => adapted === pg)) {
      problems.push(`pgs.${pg} is on but has no adapter; there is one for: ${ADAPTED_PGS}`);
    }
    for (const { secretEnv, id } of profile.accounts.filter((account) => account.pg === pg)) {
      if (!environment[secretEnv]) {
        problems.push(`${secretEnv}: is missing: set it to the secret key of account ${id}`);
      }
    }
  }
  return problems;
}

/** What prod refuses beyond the profile. */
function prodProblems(environment: Environment, profile: Profile | undefined): string[] {
  const problems: string[] = [];
  if (environment.TOSS_BASE_URL) {
    problems.push('TOSS_BASE_URL: prod takes the base URL from its profile only');
  }
  const secrets = ['SEAL_KEYS', ...(profile?.accounts ?? []).map(({ secretEnv }) => secretEnv)];
  for (const name of secrets) {
    const value = environment[name];
    if (value) problems.push(...prodSecretProblems(name, value));
  }
  return problems;
}

function setupsOf(profile: Profile, environment: Environment): PgSetup[] {
  return PGS.flatMap((pg): PgSetup[] => {
    const settings = profile.pgs[pg];
    if (!settings?.on) return [];
    const accounts = profile.accounts
      .filter((account) => account.pg === pg)
      .map(({ id, livemode, secretEnv }): PgAccount => {
        return { id, livemode, secret: new Secret(environment[secretEnv] ?? '') };
      });
    return [{ pg, settings: { ...settings, ...overridesOf(pg, environment) }, accounts }];
  });
}

function overridesOf(pg: Pg, environment: Environment): Partial<PgProfile> {
  return pg === 'toss' && environment.TOSS_BASE_URL ? { baseUrl: environment.TOSS_BASE_URL } : {};
}
