import { type FieldError, ProblemError } from '@mini-pg/runtime';
import type { FastifySchemaCompiler } from 'fastify';
import type { ZodError, ZodType, z } from 'zod';

/** The issues of one request that are told; a body of thousands of wrong fields has more. */
const FIELD_ERRORS_MAX = 50;

/**
 * Checks the parts of a request by their zod schemas. What does not fit is one problem: INVALID_ID
 * for the path, whose parameters are all ids, else VALIDATION_FAILED with a pointer per field.
 */
export const validatorCompiler: FastifySchemaCompiler<ZodType> = ({ schema, httpPart }) => {
  const isPath = httpPart === 'params';
  const isBody = httpPart === 'body';
  return (data: unknown) => {
    const result = schema.safeParse(data, { error: sayRequired });
    if (result.success) return { value: result.data };
    const errors = fieldErrors(result.error, isBody).slice(0, FIELD_ERRORS_MAX);
    return { error: new ProblemError(isPath ? 'INVALID_ID' : 'VALIDATION_FAILED', { errors }) };
  };
};

/** RFC 6901 pointers into a body; the bare name of a parameter. */
export function fieldErrors(error: ZodError, isBody: boolean): FieldError[] {
  return error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        pointer: pointerOf([...issue.path, key], isBody),
        message: isBody ? 'is not a field of this request' : 'is not a parameter of this call',
      }));
    }
    return [{ pointer: pointerOf(issue.path, isBody), message: issue.message }];
  });
}

function pointerOf(path: readonly PropertyKey[], isBody: boolean): string {
  if (!isBody) return path.map(String).join('.');
  return path
    .map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
}

const sayRequired: z.core.$ZodErrorMap = (issue) =>
  issue.code === 'invalid_type' && issue.input === undefined ? 'is required' : undefined;
