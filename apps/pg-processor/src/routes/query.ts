import { ProblemError } from '@mini-pg/runtime';
import type { z } from 'zod';

/** Checks the parameters of a query string. @throws ProblemError that names each bad one */
export function parseQuery<Schema extends z.ZodType>(
  schema: Schema,
  query: unknown,
): z.output<Schema> {
  return parse(schema, query, (path) => path.join('.'));
}

/** Checks a body of JSON. @throws ProblemError that points at each bad field */
export function parseBody<Schema extends z.ZodType>(
  schema: Schema,
  body: unknown,
): z.output<Schema> {
  return parse(schema, body, (path) => path.map((part) => `/${part}`).join(''));
}

function parse<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
  pointerOf: (path: readonly string[]) => string,
): z.output<Schema> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  throw new ProblemError('VALIDATION_FAILED', {
    errors: result.error.issues.map(({ path, message }) => ({
      pointer: pointerOf(path.map(String)),
      message,
    })),
  });
}
