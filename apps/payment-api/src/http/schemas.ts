import { businessDateSchema } from '@mini-pg/domain';
import { z } from 'zod';

const PAGE_SIZE_DEFAULT = 20;
const PAGE_SIZE_MAX = 100;
const CURSOR_LENGTH_MAX = 200;
/** What Postgres can store as well: the year 0000 of ISO 8601 is none of its years. */
const YEAR_MIN = '1970';
const INSTANT_MAX_MS = Date.parse('9999-12-31T23:59:59.999Z');

/** Text that Postgres can store and a log line can show: well-formed, without control characters. */
export const textOrEmptySchema = (lengthMax: number) =>
  z
    .string()
    .max(lengthMax)
    .refine((value) => value.isWellFormed() && !/\p{Cc}/u.test(value), {
      error: 'must be well-formed text without control characters',
    });

export const textSchema = (lengthMax: number) => textOrEmptySchema(lengthMax).min(1);

/** The path of one object. */
export const idParamsSchema = z.object({ id: z.uuid() });

/** The headers of a call that is executed once per key. */
export const keyedHeadersSchema = z.object({
  'idempotency-key': z
    .string()
    .optional()
    .meta({
      description:
        'Required: 8 to 255 visible ASCII, bare or quoted; new for each payment or cancel.',
      examples: ['7f9c24e8-3b12-4c4e-9f0d-1a2b3c4d5e6f'],
    }),
  prefer: z
    .string()
    .optional()
    .meta({ description: '`wait=N` waits up to N (at most 30) seconds for the outcome.' }),
});

/** An instant of RFC 3339, with its offset; as UTC in milliseconds, which is what we store. */
export const instantSchema = z.iso
  .datetime({ offset: true })
  .refine((value) => value >= YEAR_MIN, { error: `must be in ${YEAR_MIN} or later` })
  .transform(toMilliseconds)
  .meta({ description: 'RFC 3339, with offset.', examples: ['2026-03-31T00:00:00Z'] });

export const dateSchema = businessDateSchema
  .refine((value) => value >= YEAR_MIN, { error: `must be in ${YEAR_MIN} or later` })
  .meta({ description: 'Business date, Asia/Seoul.', examples: ['2026-03-31'] });

/**
 * Rounded up, so that as a bound it parts times in milliseconds as the given instant does. Kept
 * below the year 10000, whose ISO form Postgres does not read.
 */
function toMilliseconds(value: string): string {
  const finer = /\.\d{3}(\d+)/.exec(value)?.[1] ?? '';
  const roundedMs = Date.parse(value) + (/[1-9]/.test(finer) ? 1 : 0);
  return new Date(Math.min(roundedMs, INSTANT_MAX_MS)).toISOString();
}

/** What every paged call takes. */
export const pageQueryShape = {
  cursor: z
    .string()
    .min(1)
    .max(CURSOR_LENGTH_MAX)
    .optional()
    .meta({ description: '`nextCursor` of the page before, unchanged.' }),
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(PAGE_SIZE_MAX)
    .default(PAGE_SIZE_DEFAULT)
    .meta({ description: `How many at most, ${PAGE_SIZE_MAX} at the most.`, examples: [20] }),
};

export function pageSchema<Item extends z.ZodType>(item: Item) {
  return z.object({
    data: z.array(item),
    nextCursor: z
      .string()
      .nullable()
      .meta({ description: 'Give it as `cursor` for what follows; null: that was all.' }),
  });
}
