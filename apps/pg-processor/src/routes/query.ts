import { ProblemError } from '@mini-pg/runtime';
import type { z } from 'zod';

/** Checks the parameters of a query string. @throws ProblemError that names each bad one */
export function parseQuery<Schema extends z.ZodType>(
  schema: Schema,
  query: unknown,
): z.output<Schema> {
  const result = schema.safeParse(query);
  if (result.success) return result.data;
  throw new ProblemError('VALIDATION_FAILED', {
    errors: result.error.issues.map((issue) => ({
      pointer: issue.path.join('.'),
      message: issue.message,
    })),
  });
}
