import { eventEnvShape, serviceEnvShape } from '@mini-pg/runtime';
import { z } from 'zod';

const { HOST, PORT, LOG_LEVEL, INSTANCE_ID } = serviceEnvShape;

/** The environment of the auditor as a process of its own. */
export const envSchema = z.object({
  HOST,
  PORT,
  LOG_LEVEL,
  INSTANCE_ID,
  DATABASE_URL: eventEnvShape.DATABASE_URL.describe(
    '`postgres://` URL of a role that may read every schema and make temporary tables',
  ),
  STATE_FILE: z
    .string()
    .min(1)
    .describe('where it keeps how far it has come, on a disk that outlives the process'),
  INTERVAL_MS: z.coerce
    .number()
    .int()
    .min(1)
    .max(3_600_000)
    .default(5_000)
    .describe('how long it rests between two passes'),
});
