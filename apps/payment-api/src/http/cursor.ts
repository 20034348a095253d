import { ProblemError } from '@mini-pg/runtime';
import { z } from 'zod';

/** Where a page ended: what a call's rows are ordered by, as opaque text for the caller. */
export interface CursorCodec<Position> {
  encode(position: Position): string;
  /** @throws ProblemError INVALID_CURSOR for anything that `encode` did not make. */
  decode(cursor: string): Position;
}

/**
 * A codec for positions of one call. `kind` keeps a cursor of another call out, the schema what
 * the database could not read.
 */
export function createCursorCodec<Schema extends z.ZodType>(
  kind: string,
  schema: Schema,
): CursorCodec<z.output<Schema>> {
  const envelope = z.tuple([z.literal(kind), schema]);
  const encode = (position: z.output<Schema>): string =>
    Buffer.from(JSON.stringify([kind, position])).toString('base64url');
  return {
    encode,
    decode(cursor) {
      const parsed = envelope.safeParse(parseJson(Buffer.from(cursor, 'base64url').toString()));
      if (!parsed.success) throw new ProblemError('INVALID_CURSOR');
      const position = parsed.data[1] as z.output<Schema>;
      if (encode(position) !== cursor) throw new ProblemError('INVALID_CURSOR');
      return position;
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
