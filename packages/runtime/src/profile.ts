import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { APP_ENVS, type AppEnv, ConfigError } from './config.ts';

const milliseconds = z
  .int()
  .min(1)
  .max(86_400_000 * 30);

/** How one PG is reached and used in an environment. */
const pgProfileSchema = z.strictObject({
  on: z.boolean().describe('whether the PG may be used'),
  baseUrl: z.url().describe('its origin'),
  connectTimeoutMs: milliseconds.describe('of one call'),
  readTimeoutMs: milliseconds.describe('of one call'),
  concurrency: z.int().min(1).max(10_000).describe('calls that may be open at once, per process'),
  weight: z.int().min(0).max(1000).describe('reserved for routing'),
  inquiryScheduleMs: z
    .array(milliseconds)
    .min(1)
    .max(20)
    .describe('waits before the inquiries of an unknown outcome, each from the one before'),
  lateCaptureScheduleMs: z
    .array(milliseconds)
    .min(1)
    .max(10)
    .describe('when an attempt without a definite answer is looked at again, from its close'),
  executionTimeMaxMs: milliseconds.describe(
    'how long the PG may still execute a request after our deadline for it',
  ),
  retries: z
    .strictObject({
      shareOfFirstCalls: z.number().min(0).max(1),
      perSecond: z.number().min(0).max(10_000),
      burst: z.number().min(0).max(1_000_000),
    })
    .describe(
      'calls that retries may make, of all processes: as a share of the first calls of approvals, ' +
        'by themselves, and at most at once',
    ),
});

/** An environment as data. Secrets are named here and read from `secretEnv`. */
export const profileSchema = z.strictObject({
  env: z.enum(APP_ENVS).describe('the `APP_ENV` that it is for'),
  cors: z.strictObject({
    origins: z
      .array(z.string().min(1))
      .describe('origins whose pages may call the gateway; `*` is any'),
  }),
  limits: z.strictObject({
    bodyBytes: z.int().min(1024).max(1_048_576).describe('the longest body of a request'),
    requestsPerSecond: z
      .int()
      .min(1)
      .max(1_000_000)
      .describe(
        'requests a second for each merchant, each operator and each address without credentials, over all instances',
      ),
    intakeQueueMax: z
      .int()
      .min(1)
      .max(1_000_000)
      .describe('requests that may wait for a batch; more is 503'),
    intakeQueueAgeMaxMs: milliseconds
      .optional()
      .describe(
        'how long a request may wait for its batch; after it 503. New ones are refused once the oldest has waited half of it; 2000 unless given',
      ),
    intakeBatchMax: z
      .int()
      .min(1)
      .max(10_000)
      .optional()
      .describe('requests that one statement writes; 256 unless given'),
    intakeFlushesMax: z
      .int()
      .min(1)
      .max(100)
      .optional()
      .describe('statements of intake at once; 2 unless given'),
    intakeTimeoutMs: milliseconds.describe(
      'how long the end of a batch that is not known is asked for; after it 504',
    ),
    outboxAgeMaxMs: milliseconds.describe(
      'the age of the oldest outbox row from which intake answers 503',
    ),
    eventLoopDelayMaxMs: milliseconds
      .optional()
      .describe(
        'the delay of the event loop, as a mean over a second, from which new payments and cancels are 503; 250 unless given',
      ),
    waitingMax: z
      .int()
      .min(0)
      .max(1_000_000)
      .optional()
      .describe(
        'requests that may wait for an outcome (`Prefer: wait`), per process; more are answered 202 at once; 10000 unless given',
      ),
    connectionsMax: z
      .int()
      .min(1)
      .max(1_000_000)
      .optional()
      .describe(
        'connections that may be open, per process; more are closed at once; 10000 unless given',
      ),
  }),
  pgs: z.record(z.string(), pgProfileSchema),
  accounts: z.array(
    z.strictObject({
      pg: z.string().describe('one of `pgs`'),
      id: z.string().min(1).max(64).describe('our account at the PG, at most PGs the MID'),
      livemode: z.boolean().describe('whether real money moves; one account per PG and mode'),
      secretEnv: z
        .string()
        .regex(/^[A-Z][A-Z0-9_]*$/)
        .describe('the variable that holds its secret key'),
    }),
  ),
});

export type Profile = z.infer<typeof profileSchema>;

export type PgProfile = z.infer<typeof pgProfileSchema>;

const PROFILES_DIR_DEFAULT = fileURLToPath(new URL('../../../infra/profiles', import.meta.url));

/**
 * Reads and checks `<directory>/<env>.json`.
 *
 * @throws ConfigError when the file is missing or does not fit.
 */
export function loadProfile(env: AppEnv, directory: string = PROFILES_DIR_DEFAULT): Profile {
  const path = join(directory, `${env}.json`);
  const result = profileSchema.safeParse(readJson(path));
  if (!result.success) {
    throw new ConfigError(
      result.error.issues.map((issue) => `${path}: ${issue.path.join('.')}: ${issue.message}`),
    );
  }
  const problems = profileProblems(result.data, env);
  if (problems.length > 0) throw new ConfigError(problems.map((line) => `${path}: ${line}`));
  return result.data;
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unreadable';
    throw new ConfigError([`${path}: ${reason}; check APP_ENV and PROFILES_DIR`]);
  }
}

/** What is wrong with a profile beyond its shape. */
export function profileProblems(profile: Profile, env: AppEnv): string[] {
  const problems: string[] = [];
  if (profile.env !== env) problems.push(`env is ${profile.env}, expected ${env}`);
  const seen = new Set<string>();
  for (const account of profile.accounts) {
    const key = `${account.pg}, livemode ${account.livemode}`;
    if (seen.has(key)) problems.push(`two accounts for ${key}: one per PG and mode`);
    seen.add(key);
    if (!profile.pgs[account.pg])
      problems.push(`account ${account.id}: pg ${account.pg} is not in pgs`);
  }
  for (const [pg, settings] of Object.entries(profile.pgs)) {
    if (settings.on && !profile.accounts.some((account) => account.pg === pg)) {
      problems.push(`pgs.${pg} is on but has no account`);
    }
  }
  if (env === 'prod') problems.push(...prodProblems(profile));
  return problems;
}

const LOCAL_HOST = /^(localhost|127\.|0\.0\.0\.0|\[?::1\]?$|host\.docker\.internal$)/;

function prodProblems(profile: Profile): string[] {
  const problems: string[] = [];
  if (profile.cors.origins.some((origin) => origin.includes('*'))) {
    problems.push('prod refuses a wildcard CORS origin');
  }
  for (const [pg, settings] of Object.entries(profile.pgs)) {
    if (isSimulatorUrl(settings.baseUrl)) {
      problems.push(`prod refuses pgs.${pg}.baseUrl ${settings.baseUrl}: it is a simulator`);
    }
  }
  return problems;
}

/** Whether a base URL cannot be a PG's own: a local host, plain http or a simulator's name. */
export function isSimulatorUrl(baseUrl: string): boolean {
  const { protocol, hostname } = new URL(baseUrl);
  return protocol !== 'https:' || LOCAL_HOST.test(hostname) || hostname.includes('simulator');
}

/** Secrets that are printed in documents and examples, so that no real system may use them. */
const DEFAULT_SECRETS = ['changeme', 'secret', 'password', 'default'];

/**
 * What `prod` refuses of a secret: a test key of a PG, and a value that is a
 * default or too short to be one.
 */
export function prodSecretProblems(name: string, value: string): string[] {
  if (/^(test_|sk_test_)/.test(value)) return [`${name}: prod refuses a test key`];
  const known = DEFAULT_SECRETS.some((word) => value.toLowerCase().includes(word));
  if (known || value.length < 16) return [`${name}: prod refuses a default or short secret`];
  return [];
}
