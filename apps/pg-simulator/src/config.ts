import { serviceEnvShape } from '@mini-pg/runtime';
import { z } from 'zod';

const count = (byDefault: number) => z.coerce.number().int().min(1).default(byDefault);

const list = z.string().transform((value) => value.split(',').map((item) => item.trim()));

/** The environment of the simulator. */
export const simulatorEnvSchema = z
  .object({
    APP_ENV: serviceEnvShape.APP_ENV.refine((env) => env !== 'prod', {
      message: 'a simulator has no place in prod',
    }),
    HOST: serviceEnvShape.HOST,
    PORT: serviceEnvShape.PORT,
    LOG_LEVEL: serviceEnvShape.LOG_LEVEL,
    INSTANCE_ID: serviceEnvShape.INSTANCE_ID,
    LEDGER_FILE: z
      .string()
      .min(1)
      .optional()
      .describe('JSON lines of windows and movements, read again at the start; else memory only'),
    SIMULATOR_TOSS_KEYS: list
      .refine((keys) => keys.every((key) => TOSS_SECRET_KEY.test(key)), {
        message: 'must be secret keys (test_sk_..., live_sk_...), separated by commas',
      })
      .optional()
      .describe('the secret keys that are taken, comma separated; else every well-formed one'),
    WINDOWS_MAX: count(1_000_000).describe('payments without money that are kept'),
    IDEMPOTENCY_MAX: count(1_000_000).describe('idempotency keys that are kept'),
  })
  .transform((env) => ({
    host: env.HOST,
    port: env.PORT,
    logLevel: env.LOG_LEVEL,
    instanceId: env.INSTANCE_ID,
    simulator: {
      ledgerFile: env.LEDGER_FILE ?? null,
      tossKeys: env.SIMULATOR_TOSS_KEYS ?? null,
      windowsMax: env.WINDOWS_MAX,
      idempotencyMax: env.IDEMPOTENCY_MAX,
    } satisfies SimulatorConfig,
  }));

/** What a secret key of Toss looks like, for the API and for the widget. */
export const TOSS_SECRET_KEY = /^(test|live)_g?sk_[A-Za-z0-9_-]+$/;

export interface SimulatorConfig {
  /** Where money and windows are written down; null keeps them in memory only. */
  readonly ledgerFile: string | null;
  /** The secret keys that are taken; null takes every well-formed one. */
  readonly tossKeys: readonly string[] | null;
  /** Payments without money that are kept; the oldest go first. Payments with money always stay. */
  readonly windowsMax: number;
  /** Idempotency keys that are kept; the oldest go first. */
  readonly idempotencyMax: number;
}

export const SIMULATOR_DEFAULTS: SimulatorConfig = {
  ledgerFile: null,
  tossKeys: null,
  windowsMax: 1_000_000,
  idempotencyMax: 1_000_000,
};
