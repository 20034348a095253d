import { ProblemError } from '@mini-pg/runtime';
import { z } from 'zod';

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 100;

const querySchema = z.strictObject({
  limit: z.coerce.number().int().min(1).max(LIMIT_MAX).default(LIMIT_DEFAULT),
  cursor: z.string().min(1).max(200).optional(),
});

export interface Page<Position> {
  readonly limit: number;
  /** Where the page before ended. */
  readonly after: Position | undefined;
}

/** Reads `limit` and `cursor` of a list. @throws ProblemError that names what is wrong */
export function parsePage<Position>(query: unknown, position: z.ZodType<Position>): Page<Position> {
  const parsed = querySchema.safeParse(query);
  if (!parsed.success) {
    const errors = parsed.error.issues.map((issue) => ({
      pointer: issue.path.join('.') || (issue.code === 'unrecognized_keys' ? issue.keys[0] : ''),
      message: issue.message,
    }));
    throw new ProblemError('VALIDATION_FAILED', {
      errors: errors.map((error) => ({ ...error, pointer: error.pointer ?? '' })),
    });
  }
  const { limit, cursor } = parsed.data;
  return { limit, after: cursor === undefined ? undefined : readCursor(cursor, position) };
}

/** A page of answers: one row more than asked for was read when there is a next page. */
export function pageOf<Row>(rows: readonly Row[], limit: number, position: (row: Row) => unknown) {
  const data = rows.slice(0, limit);
  const last = data.at(-1);
  const hasMore = rows.length > limit && last !== undefined;
  const cursor = () => Buffer.from(JSON.stringify(position(last as Row))).toString('base64url');
  return { data, nextCursor: hasMore ? cursor() : null };
}

function readCursor<Position>(cursor: string, position: z.ZodType<Position>): Position {
  try {
    return position.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()));
  } catch {
    throw new ProblemError('INVALID_CURSOR');
  }
}
