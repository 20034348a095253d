import type { PostgresPool } from '@mini-pg/database';
import { CANCEL_STATES } from '../cancels/cancel.ts';
import { EXCEPTION_KINDS } from '../decisions/decision.ts';
import type { ProcessorMetrics } from '../metrics.ts';

const COUNT_EXCEPTIONS = `
  select kind, count(*)::int as count from exception where resolved_at is null group by kind`;

const OPEN_STATES = ['READY', 'CALLING', 'UNKNOWN'] as const;

/** Counted up to this: beyond it the number says no more than "too many". */
const COUNT_MAX = 100_000;

const COUNT_OPEN = OPEN_STATES.map(
  (state) => `
    select '${state}' as state, count(*)::int as count
    from (select from attempt where state = '${state}' limit ${COUNT_MAX}) as open`,
).join(' union all ');

/** Longer than the last inquiry of the usual schedule: by then a person is asked, or should be. */
const OVERDUE_AFTER = '30 minutes';

const OPEN_CANCEL_STATES = CANCEL_STATES.filter((state) => state !== 'DONE' && state !== 'FAILED');

const COUNT_CANCELS = OPEN_CANCEL_STATES.map(
  (state) => `
    select '${state}' as state, count(*)::int as count,
      (count(*) filter (where created_at < now() - interval '${OVERDUE_AFTER}'))::int as overdue
    from (select created_at from cancel where state = '${state}' limit ${COUNT_MAX}) as open`,
).join(' union all ');

/** Refreshes the gauges that are read from the database: alerts are made of them. */
export async function refreshGauges(pool: PostgresPool, metrics: ProcessorMetrics): Promise<void> {
  const exceptions = await pool.query<{ kind: string; count: number }>(COUNT_EXCEPTIONS);
  const countOf = new Map(exceptions.rows.map(({ kind, count }) => [kind, count]));
  for (const kind of new Set([...EXCEPTION_KINDS, ...countOf.keys()])) {
    metrics.openExceptions.set({ kind }, countOf.get(kind) ?? 0);
  }
  const open = await pool.query<{ state: string; count: number }>(COUNT_OPEN);
  for (const { state, count } of open.rows) metrics.openAttempts.set({ state }, count);
  const cancels = await pool.query<{ state: string; count: number; overdue: number }>(
    COUNT_CANCELS,
  );
  for (const { state, count, overdue } of cancels.rows) {
    metrics.openCancels.set({ state }, count);
    metrics.overdueCancels.set({ state }, overdue);
  }
}
