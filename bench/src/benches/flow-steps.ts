import type { PostgresPool } from '@mini-pg/database';

/** A part of a payment's way; the median of all payments of a run, in milliseconds. */
export interface Step {
  readonly name: string;
  readonly medianMs: number;
}

const STEPS = [
  ['committed, published and read: request to attempt stored', 'stored - requested'],
  ['claimed: attempt stored to call begun', 'called - stored'],
  ['called: the gateway answers, and the result is committed', 'closed - called'],
  ['published, read and projected: result to fact stored', 'projected - closed'],
  ['request to fact stored', 'projected - requested'],
] as const;

/**
 * Where the time of payments goes, by the times in their rows. Those that the database gives are
 * of the beginning of a transaction, so a commit counts to the step that follows it.
 */
export async function readSteps(database: PostgresPool, runId: string): Promise<Step[]> {
  const medians = STEPS.map(
    ([, interval], index) =>
      `percentile_cont(0.5) within group (order by extract(epoch from ${interval}) * 1000)::float8
         as step${index}`,
  );
  const { rows } = await database.query<Record<string, number>>(
    `select ${medians.join(', ')}
     from (
       select p.requested_at as requested, a.created_at as stored, a.called_at as called,
              a.closed_at as closed, f.recorded_at as projected
       from payment.payment p
       join processor.attempt a on a.payment_id = p.id
       join payment.payment_fact f on f.payment_id = p.id and f.kind = 'APPROVED'
       where p.order_id like $1
     ) as times`,
    [`${runId}-order-%`],
  );
  return STEPS.map(([name], index) => ({
    name,
    medianMs: rows[0]?.[`step${index}`] ?? Number.NaN,
  }));
}
