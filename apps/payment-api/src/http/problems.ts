import { HTTP_ERRORS, type HttpErrorCode, PROBLEM_JSON, ProblemError } from '@mini-pg/runtime';
import { z } from 'zod';

const EXAMPLE_TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';

/** What every call with a body may answer. */
export const BODY_PROBLEMS = [
  'MALFORMED_REQUEST',
  'VALIDATION_FAILED',
  'BODY_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
] as const satisfies readonly HttpErrorCode[];

/** What every refusal looks like (RFC 9457); some codes add a member of their own. */
const problemSchema = z
  .looseObject({
    type: z.url(),
    title: z.string(),
    status: z.int(),
    code: z.string(),
    detail: z.string().meta({ description: 'What to do about it.' }),
    errors: z
      .array(
        z.object({
          pointer: z
            .string()
            .meta({ description: 'RFC 6901 pointer into the body, or the name of a parameter.' }),
          message: z.string(),
        }),
      )
      .optional(),
    traceId: z.string().optional().meta({ description: 'For support.' }),
    paymentId: z.uuid().optional().meta({ description: 'Beside `ORDER_ALREADY_ACTIVE`.' }),
    balanceAmount: z.int().optional().meta({
      description:
        'What may still be cancelled; beside `BALANCE_CHANGED` and `AMOUNT_EXCEEDS_BALANCE`.',
    }),
  })
  .meta({ id: 'Problem' });

/** The documented answer of one status with the codes that it may carry. */
export interface ProblemResponse {
  readonly description: string;
  readonly content: { readonly [PROBLEM_JSON]: { readonly schema: z.ZodType } };
}

/** The responses of a route's schema for the refusals that it may answer, by their status. */
export function problemResponses(
  ...codes: readonly HttpErrorCode[]
): Record<number, ProblemResponse> {
  const byStatus = Map.groupBy(codes, (code) => HTTP_ERRORS[code].status);
  return Object.fromEntries(
    [...byStatus].map(([status, group]) => [status, problemResponse(group)]),
  );
}

function problemResponse(codes: readonly HttpErrorCode[]): ProblemResponse {
  const schema = z.intersection(problemSchema, z.looseObject({ code: z.enum(codes) }));
  return {
    description: codes.map((code) => `\`${code}\`: ${HTTP_ERRORS[code].title}.`).join(' '),
    content: {
      [PROBLEM_JSON]: {
        schema: schema.meta({
          examples: codes.map((code) => new ProblemError(code).body(EXAMPLE_TRACE_ID)),
        }),
      },
    },
  };
}
