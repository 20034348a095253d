import { z } from 'zod';
import { failpointSchema } from './failpoint.ts';
import { Secret } from './secret.ts';

export const APP_ENVS = ['local', 'dev', 'stg', 'cbo', 'prod'] as const;

export type AppEnv = (typeof APP_ENVS)[number];

/** A service cannot start with the environment that it was given; one line for each bad name. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`configuration is not valid:\n${problems.map((line) => `  ${line}`).join('\n')}`);
    this.problems = problems;
  }
}

/** A secret from the environment, held masked. */
export const secretSchema = z
  .string()
  .min(1, 'must not be empty')
  .transform((value) => new Secret(value));

/** What every service reads from its environment. Descriptions are for the page of configuration. */
export const serviceEnvShape = {
  APP_ENV: z.enum(APP_ENVS).default('local').describe('names the profile'),
  HOST: z.string().min(1).default('127.0.0.1').describe('the address to listen on'),
  PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(0)
    .describe('0 takes a free port; the log says `{"msg":"listening","port":N}`'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('the least level that is logged'),
  INSTANCE_ID: z
    .string()
    .min(1)
    .optional()
    .describe('tells instances apart in logs, leases and Kafka'),
  PROFILES_DIR: z
    .string()
    .min(1)
    .optional()
    .describe('the folder of the profiles, `infra/profiles` unless given'),
};

const CLOCK_OFFSET_MAX_MS = 86_400_000;

/** What a service that stores and sends events reads besides. */
export const eventEnvShape = {
  DATABASE_URL: z
    .string()
    .refine(isPostgresUrl, 'must be a URL: postgres://user:password@host:port/database')
    .transform((value) => new Secret(value))
    .describe(
      "`postgres://` URL of the service's own role. A direct connection: session locks do not survive a transaction pooler",
    ),
  KAFKA_BROKERS: z
    .string()
    .regex(/^[^\s,]+:\d+(,[^\s,]+:\d+)*$/, 'must be a list of host:port, separated by commas')
    .describe('`host:port`, comma separated'),
  TOPIC_PREFIX: z
    .string()
    .default('')
    .describe('in front of every topic and consumer group, for deployments that share a cluster'),
  FAILPOINT: failpointSchema
    .optional()
    .describe(
      '`<name>[:<n>][:pause]`: ends the process at the n-th time that it comes to that step, for the crash matrix; refused by `prod`',
    ),
  CLOCK_OFFSET_MS: z.coerce
    .number()
    .int()
    .min(-CLOCK_OFFSET_MAX_MS)
    .max(CLOCK_OFFSET_MAX_MS)
    .optional()
    .describe(
      'milliseconds: moves the clock of the process, for the crash matrix; refused by `prod`',
    ),
};

/** Variables by which a test makes a process fail: none of them has a place in `prod`. */
const FOR_TESTS = ['FAILPOINT', 'CLOCK_OFFSET_MS'];

/** A colon or an at-sign in a password that is not percent-encoded shows here. */
export function isPostgresUrl(text: string): boolean {
  return /^postgres(ql)?:\/\//.test(text) && URL.canParse(text);
}

const MISSING = 'is missing: set it, see docs/reference/configuration.md';

/**
 * Reads the environment by a schema and reports every bad name at once.
 *
 * @throws ConfigError
 */
export function loadConfig<Schema extends z.ZodType>(
  schema: Schema,
  environment: Readonly<Record<string, string | undefined>>,
): z.output<Schema> {
  const result = schema.safeParse(environment);
  const problems = result.error?.issues.map((issue) => {
    const name = issue.path.join('.');
    const problem = environment[name] === undefined ? MISSING : issue.message;
    return name === '' ? issue.message : `${name}: ${problem}`;
  });
  const refused = FOR_TESTS.filter(
    (name) => environment.APP_ENV === 'prod' && environment[name] !== undefined,
  ).map((name) => `${name}: prod refuses it: unset it`);
  if (result.success && refused.length === 0) return result.data;
  throw new ConfigError([...(problems ?? []), ...refused]);
}
