import {
  inTransaction,
  type PostgresClient,
  type PostgresPool,
  violatedKey,
} from '@mini-pg/database';
import { type Logger, type Operator, ProblemError } from '@mini-pg/runtime';
import type { PgCalls } from '../calls/pg-calls.ts';
import type { ProcessorMetrics } from '../metrics.ts';
import type { PlanContext } from '../results/plan.ts';
import { readLocked } from '../results/read-locked.ts';
import type { ResultsOptions } from '../results/results.ts';
import { writePlans } from '../results/write-plans.ts';
import { askPg, type Finding } from './ask-pg.ts';
import { planResolution } from './plan-resolution.ts';
import type { PlannedResolution } from './planned-resolution.ts';
import { RESOLUTIONS, type ResolutionRequest } from './resolution.ts';

export interface ResolveOptions extends Pick<ResultsOptions, 'context' | 'onCommitted'> {
  readonly pool: PostgresPool;
  readonly pgCalls: PgCalls;
  readonly metrics: ProcessorMetrics;
  readonly logger: Logger;
  readonly random: () => number;
}

/** A decision of an operator about one exception. */
export interface ResolutionCall {
  readonly exceptionId: string;
  readonly request: ResolutionRequest;
  readonly operator: Operator;
}

interface ExceptionRow {
  readonly id: string;
  readonly kind: string;
  readonly paymentId: string;
  readonly attemptId: string;
  readonly resolvedAt: Date | null;
  readonly resolution: string | null;
  readonly resolvedBy: string | null;
  readonly resolvedAs: string | null;
}

const EXCEPTION = `
  select id, kind, payment_id as "paymentId", attempt_id as "attemptId",
    resolved_at as "resolvedAt", resolution, resolved_by as "resolvedBy",
    resolved_as as "resolvedAs"
  from exception where id = $1`;

const READ_EXCEPTION = { name: 'read-exception', text: EXCEPTION };

const LOCK_EXCEPTION = { name: 'lock-exception', text: `${EXCEPTION} for update` };

/**
 * Resolves an exception as an operator says. The PG is asked before the transaction; what it said
 * is decided on under the lock of the payment, where the exception is read again. So of two
 * operators one is first, and the other one is told.
 *
 * @throws ProblemError NOT_FOUND, EXCEPTION_RESOLVED or RESOLUTION_REFUSED; then nothing is changed
 */
export async function resolveException(
  options: ResolveOptions,
  call: ResolutionCall,
): Promise<void> {
  const { resolution } = call.request;
  try {
    await resolve(options, call);
    options.metrics.resolutions.inc({ resolution, result: 'DONE' });
  } catch (error) {
    const key = violatedKey(error);
    const refusal = key === undefined ? error : refused(`it would break ${key}`);
    if (refusal instanceof ProblemError) {
      options.metrics.resolutions.inc({ resolution, result: refusal.code });
    }
    throw refusal;
  }
}

async function resolve(options: ResolveOptions, call: ResolutionCall): Promise<void> {
  const { rows } = await options.pool.query<ExceptionRow>({
    ...READ_EXCEPTION,
    values: [call.exceptionId],
  });
  const exception = openOf(rows[0]);
  const finding = await askPg(options, exception.attemptId, call.request.resolution);
  const { newId, firstFollowUpMs, now } = options.context;
  const context = { newId, firstFollowUpMs, now: now() };
  const planned = await inTransaction(options.pool, async (client) => {
    const result = await planUnderLock(client, exception, { call, finding, context });
    if (result.closes) await close(client, call);
    await recordAction(client, exception, { call, finding, context });
    if (result.plan !== null) await writePlans(client, [result.plan]);
    return result;
  });
  announce(options, exception, call, planned);
}

type Done = Extract<PlannedResolution, { kind: 'DONE' }>;

/** What a resolution is decided on, besides the payment. */
interface Known {
  readonly call: ResolutionCall;
  readonly finding: Finding | null;
  readonly context: PlanContext;
}

async function planUnderLock(
  client: PostgresClient,
  { id, kind, paymentId, attemptId }: ExceptionRow,
  { call, finding, context }: Known,
): Promise<Done> {
  const payment = (await readLocked(client, [paymentId])).get(paymentId);
  if (!payment) throw new Error(`there is no payment ${paymentId}`);
  const { rows } = await client.query<ExceptionRow>({ ...LOCK_EXCEPTION, values: [id] });
  openOf(rows[0]);
  const { resolution, pgTransactionId = null } = call.request;
  const order = { resolution, kind, attemptId, pgTransactionId, finding };
  const planned = planResolution(order, payment, context);
  if (planned.kind === 'REFUSED') throw refused(planned.reason);
  await refuseForeign(client, planned);
  return planned;
}

const READ_FOREIGN = {
  name: 'read-foreign-capture',
  text: `
  select from attempt a join attempt own on own.id = $1
  where (a.pg, a.pg_account_id, a.livemode) = (own.pg, own.pg_account_id, own.livemode)
    and a.pg_transaction_id = $2 and a.id <> own.id and a.operation = 'APPROVE'
    and a.state in ('APPROVED', 'REVERSED')`,
};

/** What another attempt has captured is neither approved here nor given back. */
async function refuseForeign(client: PostgresClient, { takes }: Done): Promise<void> {
  if (takes === null) return;
  const { attemptId, pgTransactionId } = takes;
  const values = [attemptId, pgTransactionId];
  const { rowCount } = await client.query({ ...READ_FOREIGN, values });
  if (rowCount) throw refused(`${pgTransactionId} belongs to another attempt`);
}

const CLOSE = {
  name: 'close-exception',
  text: `
  update exception
  set resolved_at = now(), resolution = $2, resolved_by = $3, resolved_as = $4
  where id = $1`,
};

async function close(client: PostgresClient, call: ResolutionCall): Promise<void> {
  const { resolution, reason } = call.request;
  const values = [call.exceptionId, reason, call.operator.name, RESOLUTIONS[resolution]];
  await client.query({ ...CLOSE, values });
}

const INSERT_ACTION = {
  name: 'insert-operator-action',
  text: `
  insert into operator_action (id, operator, action, target, detail)
  values ($1, $2, $3, $4, $5)`,
};

async function recordAction(
  client: PostgresClient,
  { id, kind, paymentId, attemptId }: ExceptionRow,
  { call, finding, context }: Known,
): Promise<void> {
  const { resolution, reason, pgTransactionId = null } = call.request;
  const pgSaid = finding?.said ?? null;
  const detail = { reason, kind, paymentId, attemptId, pgTransactionId, pgSaid };
  const action = RESOLUTIONS[resolution];
  const values = [context.newId(), call.operator.name, action, id, JSON.stringify(detail)];
  await client.query({ ...INSERT_ACTION, values });
}

function openOf(exception: ExceptionRow | undefined): ExceptionRow {
  if (exception === undefined) throw new ProblemError('NOT_FOUND');
  const { resolvedAt, resolution, resolvedBy, resolvedAs } = exception;
  if (resolvedAt === null) return exception;
  const how = resolvedAs === null ? '' : `${resolvedAs} `;
  throw new ProblemError('EXCEPTION_RESOLVED', {
    detail: `resolved already: ${how}by ${resolvedBy} at ${resolvedAt.toISOString()}: ${resolution}`,
    extra: { resolvedAt, resolution, resolvedBy, resolvedAs },
  });
}

function refused(detail: string): ProblemError {
  return new ProblemError('RESOLUTION_REFUSED', { detail });
}

function announce(
  { metrics, logger, onCommitted }: ResolveOptions,
  { id, kind, paymentId, attemptId }: ExceptionRow,
  { request, operator }: ResolutionCall,
  { plan }: Done,
): void {
  const { resolution, reason } = request;
  const what = { exceptionId: id, kind, paymentId, attemptId, resolution, reason };
  logger.info({ ...what, operator: operator.name }, 'an operator resolved an exception');
  if (plan === null) return;
  for (const state of plan.reversals) metrics.reversals.inc({ state });
  for (const { state } of plan.cancels) metrics.cancels.inc({ state });
  onCommitted({ hasFurtherAttempts: plan.further.length > 0, hasEndedCancels: true });
}
