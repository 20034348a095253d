import { inTransaction, type PostgresClient, type PostgresPool } from '@mini-pg/database';
import type { AttemptOperation, Failure, Pg, UnifiedCode } from '@mini-pg/domain';
import { failpoint } from '@mini-pg/runtime';
import { createRowset } from '../db/rowset.ts';
import type { ProcessorMetrics } from '../metrics.ts';
import type { Results } from '../results/results.ts';
import { WITHOUT_EXCHANGE } from '../results/verdict.ts';
import type { Budget } from './budget.ts';
import { DENIALS_MAX, deniedPauseMs, NEW_ATTEMPT_CALLS } from './retry-policy.ts';
import { type BudgetOptions, lockBudgets, writeBudgets } from './stored-budgets.ts';

export interface RetryOptions extends BudgetOptions {
  readonly pool: PostgresPool;
  readonly results: Results;
  readonly metrics: ProcessorMetrics;
  readonly random: () => number;
}

/** What one round takes of each operation; the next follows soon. */
const ADMIT_MAX = 500;

/** Each has a line of its own, so that many approvals which wait hide no cancel. */
const OPERATIONS: readonly AttemptOperation[] = ['CANCEL', 'NET_CANCEL', 'APPROVE'];

interface DueRetry {
  readonly id: string;
  readonly paymentId: string;
  readonly pg: Pg;
  readonly operation: AttemptOperation;
  readonly failure: Failure & { readonly code: UnifiedCode };
  readonly denials: number;
  /** Negative once no further call may be made; null where nothing expires. */
  readonly untilExpiryMs: number | null;
}

const WAITING = `state = 'UNKNOWN' and not_executed and not admitted`;

const FIND_DUE = {
  name: 'find-due-retries',
  text: `
    select p.pg from unnest($1::text[]) as p (pg)
    where exists (
      select from unnest($2::text[]) as o (operation) join lateral (
        select from attempt
        where ${WAITING} and pg = p.pg and operation = o.operation and next_inquiry_at <= now()
        limit 1
      ) due on true)`,
};

const READ_DUE = {
  name: 'read-due-retries',
  text: `
    select due.* from unnest($1::text[]) as p (pg) cross join unnest($2::text[]) as o (operation)
    cross join lateral (
      select id, payment_id as "paymentId", pg, operation, failure, denials,
        (extract(epoch from expires_at - now()) * 1000)::float8 as "untilExpiryMs"
      from attempt
      where ${WAITING} and pg = p.pg and operation = o.operation and next_inquiry_at <= now()
      order by next_inquiry_at limit $3
      for update skip locked
    ) due`,
};

interface Admission {
  readonly retry: DueRetry;
  readonly isAdmitted: boolean;
  readonly pauseMs: number;
}

const admissions = createRowset<Admission>([
  { name: 'id', type: 'uuid', of: ({ retry }) => retry.id },
  { name: 'admitted', type: 'boolean', of: ({ isAdmitted }) => isAdmitted },
  { name: 'pause_ms', type: 'float8', of: ({ pauseMs }) => pauseMs },
]);

const WRITE_ADMISSIONS = {
  name: 'write-admissions',
  text: `
    update attempt a set
      admitted = s.admitted,
      denials = a.denials + case when s.admitted then 0 else 1 end,
      next_inquiry_at = now() + s.pause_ms * interval '1 ms', updated_at = now()
    from ${admissions.from('s')} where a.id = s.id`,
};

/**
 * Lets the retries that are due be made as far as the budgets of their PGs reach. Those beyond wait
 * for a random while and ask again; an approval that waited too often or too long is given up, with
 * the failure of its last call. One after the other among all instances, a PG at a time.
 */
export async function admitRetries(options: RetryOptions, pgs: readonly Pg[]): Promise<void> {
  const { rows } = await options.pool.query<{ pg: Pg }>({
    ...FIND_DUE,
    values: [pgs, OPERATIONS],
  });
  if (rows.length === 0) return;
  const due = rows.map(({ pg }) => pg);
  const { over, decided } = await inTransaction(options.pool, (client) =>
    admitDue(options, client, due),
  );
  failpoint('pg-processor.retries.after-commit');
  count(options, decided, over);
  await Promise.all(over.map((retry) => giveUp(options, retry)));
}

async function admitDue(options: RetryOptions, client: PostgresClient, pgs: readonly Pg[]) {
  const budgets = await lockBudgets(client, pgs, options);
  const { rows } = await client.query<DueRetry>({
    ...READ_DUE,
    values: [pgs, OPERATIONS, ADMIT_MAX],
  });
  const over = rows.filter(isOver);
  const decided = rows
    .filter((retry) => !isOver(retry))
    .map((retry) => decide(retry, budgets.get(retry.pg), options.random));
  if (decided.length > 0) {
    await client.query({ ...WRITE_ADMISSIONS, values: admissions.values(decided) });
  }
  await writeBudgets(client, budgets);
  failpoint('pg-processor.retries.before-commit');
  return { over, decided };
}

/** Only an approval ends: a cancel waits for its turn, which comes, since its reserve refills. */
function isOver({ operation, denials, untilExpiryMs }: DueRetry): boolean {
  if (operation !== 'APPROVE') return false;
  return denials >= DENIALS_MAX || (untilExpiryMs !== null && untilExpiryMs <= 0);
}

function decide(retry: DueRetry, budget: Budget | undefined, random: () => number): Admission {
  const isAdmitted =
    budget?.admits({
      code: retry.failure.code,
      calls: NEW_ATTEMPT_CALLS,
      isRepair: retry.operation !== 'APPROVE',
    }) ?? false;
  const pauseMs = isAdmitted ? 0 : deniedPauseMs(retry.denials, random);
  return { retry, isAdmitted, pauseMs };
}

function giveUp({ results }: RetryOptions, { id, paymentId, failure }: DueRetry) {
  return results.record({
    attemptId: id,
    paymentId,
    step: 'NOT_ADMITTED',
    owner: null,
    decision: { kind: 'GIVE_UP', failure },
    ...WITHOUT_EXCHANGE,
  });
}

function count(
  { metrics }: RetryOptions,
  decided: readonly Admission[],
  over: readonly DueRetry[],
): void {
  for (const { retry, isAdmitted } of decided) {
    const { pg, failure } = retry;
    metrics.retries.inc({ pg, code: failure.code, result: isAdmitted ? 'ADMITTED' : 'DENIED' });
  }
  for (const { pg, failure } of over) {
    metrics.retries.inc({ pg, code: failure.code, result: 'GIVEN_UP' });
  }
}
