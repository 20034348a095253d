import type { PostgresPool } from '@mini-pg/database';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { EXCEPTION_KINDS } from '../decisions/decision.ts';
import { parseQuery } from './query.ts';

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 500;

const querySchema = z.strictObject({
  kind: z.enum(EXCEPTION_KINDS).optional(),
  state: z.enum(['open', 'resolved', 'all']).default('open'),
  paymentId: z.uuid().optional(),
  /** `nextCursor` of the page before: the id of its last exception. */
  cursor: z.uuid().optional(),
  limit: z.coerce.number().int().min(1).max(LIMIT_MAX).default(LIMIT_DEFAULT),
});

interface ExceptionView {
  readonly id: string;
}

/** Newest first: ids are UUIDv7, so their order is that of their making. */
const READ = `
  select id, kind, payment_id as "paymentId", attempt_id as "attemptId",
    merchant_id as "merchantId", livemode, detail, opened_at as "openedAt",
    resolved_at as "resolvedAt", resolution, resolved_by as "resolvedBy"
  from exception
  where ($1::text is null or kind = $1)
    and ($2::uuid is null or payment_id = $2)
    and ($3 = 'all' or (resolved_at is null) = ($3 = 'open'))
    and ($4::uuid is null or id < $4)
  order by id desc limit $5`;

/** `GET /exceptions?kind&state&paymentId&cursor&limit`: what waits for a person. */
export function registerExceptionRoutes(app: FastifyInstance, pool: PostgresPool): void {
  app.get('/exceptions', async (request) => {
    const { kind, state, paymentId, cursor, limit } = parseQuery(querySchema, request.query);
    const values = [kind ?? null, paymentId ?? null, state, cursor ?? null, limit];
    const { rows } = await pool.query<ExceptionView>(READ, values);
    const nextCursor = rows.length === limit ? (rows.at(-1)?.id ?? null) : null;
    return { data: rows, nextCursor };
  });
}
