import type { Queryable } from '@mini-pg/database';

/**
 * How far the close of a business day has come. Each step moves the run on in the transaction that
 * holds its rows; FAILED takes the place of AGREED until the totals agree.
 */
export type RunStatus = 'STARTED' | 'ITEMIZED' | 'STATED' | 'FAILED' | 'AGREED' | 'CLOSED';

export interface Run {
  readonly id: string;
  readonly date: string;
  readonly status: RunStatus;
  readonly tries: number;
  readonly factsHeld: bigint | null;
  /** From when on the statements are final: the totals agreed. Events carry it. */
  readonly closedAt: Date | null;
}

const RUN_COLUMNS = `
  id, date, status, tries, facts_held as "factsHeld", closed_at as "closedAt"`;

/**
 * The run of a date: made on the first try, taken up again on each later one. The try is counted
 * when it starts.
 */
export async function startRun(client: Queryable, date: string, requestedBy: string): Promise<Run> {
  const { rows } = await client.query<Run>(
    `insert into settlement_run (date, requested_by) values ($1, $2)
     on conflict (date) do update
       set tries = settlement_run.tries + 1, requested_by = excluded.requested_by
       where settlement_run.status <> 'CLOSED'
     returning ${RUN_COLUMNS}`,
    [date, requestedBy],
  );
  return rows[0] ?? (await findRun(client, date));
}

/** Locks a run's row for a step and makes sure that the step is its next one. */
export async function lockRun(client: Queryable, run: Run): Promise<void> {
  const { rows } = await client.query<{ status: RunStatus }>(
    'select status from settlement_run where id = $1 for update',
    [run.id],
  );
  const status = rows[0]?.status;
  if (status !== run.status) {
    throw new Error(`run of ${run.date} is ${status}, expected ${run.status}`);
  }
}

export async function findRun(client: Queryable, date: string): Promise<Run> {
  const { rows } = await client.query<Run>(
    `select ${RUN_COLUMNS} from settlement_run where date = $1`,
    [date],
  );
  const run = rows[0];
  if (run === undefined) throw new Error(`there is no run of ${date}`);
  return run;
}

/** The last day that is closed, and the day whose close began and did not end. */
export async function readDays(
  client: Queryable,
): Promise<{ lastClosed: string | null; unfinished: string | null; firstSale: string | null }> {
  const { rows } = await client.query<{
    lastClosed: string | null;
    unfinished: string | null;
    firstSale: string | null;
  }>(
    `select
       (select max(date) from settlement_run where status = 'CLOSED') as "lastClosed",
       (select min(date) from settlement_run where status <> 'CLOSED') as unfinished,
       (select min(sale_date) from fact_open) as "firstSale"`,
  );
  return rows[0] ?? { lastClosed: null, unfinished: null, firstSale: null };
}
