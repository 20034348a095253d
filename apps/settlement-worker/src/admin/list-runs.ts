import type { Queryable } from '@mini-pg/database';
import { toJsonInteger } from '@mini-pg/domain';

interface ControlRow {
  readonly runId: string;
  readonly stage: 'FACTS' | 'ITEMS' | 'STATEMENTS';
  readonly currency: string;
  readonly count: bigint;
  readonly gross: bigint;
  readonly fee: bigint | null;
  readonly vat: bigint | null;
  readonly net: bigint | null;
}

interface RunRow {
  readonly id: string;
  readonly date: string;
  readonly status: string;
  readonly requestedBy: string;
  readonly tries: number;
  readonly factsHeld: bigint | null;
  readonly failure: string | null;
  readonly startedAt: Date;
  readonly closedAt: Date | null;
  readonly finishedAt: Date | null;
}

/** A page of the runs with their control totals, newest date first. */
export async function listRuns(
  client: Queryable,
  page: { after: string | undefined; limit: number },
) {
  const runs = await client.query<RunRow>(
    `select id, date, status, requested_by as "requestedBy", tries, facts_held as "factsHeld",
       failure, started_at as "startedAt", closed_at as "closedAt", finished_at as "finishedAt"
     from settlement_run
     where date < $1::date
     order by date desc
     limit $2`,
    [page.after ?? 'infinity', page.limit],
  );
  const controls = await client.query<ControlRow>(
    `select run_id as "runId", stage, currency, count, gross, fee, vat, net
     from settlement_control
     where run_id = any($1::uuid[])
     order by currency, stage`,
    [runs.rows.map((run) => run.id)],
  );
  const byRun = Map.groupBy(controls.rows, (control) => control.runId);
  return runs.rows.map(({ factsHeld, ...run }) => ({
    ...run,
    factsHeld: factsHeld === null ? null : toJsonInteger(factsHeld),
    totals: (byRun.get(run.id) ?? []).map(viewOf),
  }));
}

function viewOf({ stage, currency, count, gross, fee, vat, net }: ControlRow) {
  const integerOrNull = (value: bigint | null) => (value === null ? null : toJsonInteger(value));
  return {
    stage,
    currency,
    count: toJsonInteger(count),
    gross: toJsonInteger(gross),
    fee: integerOrNull(fee),
    vat: integerOrNull(vat),
    net: integerOrNull(net),
  };
}
