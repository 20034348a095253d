import type { PostgresPool } from '@mini-pg/database';
import { ProblemError } from '@mini-pg/runtime';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { EXCEPTION_KINDS } from '../decisions/decision.ts';
import { resolutionRequestSchema } from '../resolutions/resolution.ts';
import { type ResolveOptions, resolveException } from '../resolutions/resolve-exception.ts';
import { requireChange } from './operator.ts';
import { parseBody, parseQuery } from './query.ts';

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

const idSchema = z.uuid();

interface ExceptionView {
  readonly id: string;
  readonly resolvedAt: Date | null;
  /** What operators decided; of a single exception only. */
  readonly actions?: readonly object[];
}

const COLUMNS = `
  id, kind, payment_id as "paymentId", attempt_id as "attemptId", merchant_id as "merchantId",
  livemode, detail, opened_at as "openedAt", resolved_at as "resolvedAt", resolution,
  resolved_by as "resolvedBy", resolved_as as "resolvedAs"`;

/** Newest first: ids are UUIDv7, so their order is that of their making. */
const READ = `
  select ${COLUMNS} from exception
  where ($1::text is null or kind = $1)
    and ($2::uuid is null or payment_id = $2)
    and ($3 = 'all' or (resolved_at is null) = ($3 = 'open'))
    and ($4::uuid is null or id < $4)
  order by id desc limit $5`;

const READ_ONE = `select ${COLUMNS} from exception where id = $1`;

const READ_ACTIONS = `
  select at, operator, action, detail from operator_action where target = $1 order by at, id`;

/**
 * `GET /exceptions?kind&state&paymentId&cursor&limit`: what waits for a person. `GET
 * /exceptions/{id}`: one of them, with what operators decided. `POST /exceptions/{id}/resolve`
 * brings it to its end and answers it as it is then, 202 while a cancel is under way.
 */
export function registerExceptionRoutes(app: FastifyInstance, options: ResolveOptions): void {
  const { pool } = options;
  app.get('/exceptions', async (request) => {
    const { kind, state, paymentId, cursor, limit } = parseQuery(querySchema, request.query);
    const values = [kind ?? null, paymentId ?? null, state, cursor ?? null, limit];
    const { rows } = await pool.query<ExceptionView>(READ, values);
    const nextCursor = rows.length === limit ? (rows.at(-1)?.id ?? null) : null;
    return { data: rows, nextCursor };
  });
  app.get<{ Params: { id: string } }>('/exceptions/:id', async ({ params }) =>
    readOne(pool, idOf(params.id)),
  );
  app.post<{ Params: { id: string } }>('/exceptions/:id/resolve', async (request, reply) => {
    const operator = requireChange(request);
    const exceptionId = idOf(request.params.id);
    const resolution = parseBody(resolutionRequestSchema, request.body);
    await resolveException(options, { exceptionId, request: resolution, operator });
    const exception = await readOne(pool, exceptionId);
    return reply.code(exception.resolvedAt === null ? 202 : 200).send(exception);
  });
}

async function readOne(pool: PostgresPool, id: string): Promise<ExceptionView> {
  const { rows } = await pool.query<ExceptionView>(READ_ONE, [id]);
  const [exception] = rows;
  if (exception === undefined) throw new ProblemError('NOT_FOUND');
  const actions = await pool.query<object>(READ_ACTIONS, [id]);
  return { ...exception, actions: actions.rows };
}

function idOf(text: string): string {
  const id = idSchema.safeParse(text);
  if (!id.success) throw new ProblemError('INVALID_ID');
  return id.data;
}
