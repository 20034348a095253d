import type { Queryable } from '@mini-pg/database';

/** What a run came to, for whoever started it. Sums are minor units. */
export interface RunSummary {
  readonly date: string;
  readonly tries: number;
  readonly statements: number;
  readonly factsHeld: bigint;
  readonly totals: readonly CurrencyTotals[];
}

interface CurrencyTotals {
  readonly currency: string;
  readonly count: bigint;
  readonly gross: bigint;
  readonly fee: bigint;
  readonly vat: bigint;
  readonly net: bigint;
}

export async function readSummary(client: Queryable, runId: string): Promise<RunSummary> {
  const runs = await client.query<Omit<RunSummary, 'totals'>>(
    `select date, tries, facts_held as "factsHeld",
       (select count(*)::int from settlement where run_id = settlement_run.id) as statements
     from settlement_run where id = $1`,
    [runId],
  );
  const totals = await client.query<CurrencyTotals>(
    `select currency, count, gross, fee, vat, net
     from settlement_control
     where run_id = $1 and stage = 'STATEMENTS'
     order by currency`,
    [runId],
  );
  const [run] = runs.rows;
  if (run === undefined) throw new Error(`there is no run ${runId}`);
  return { ...run, totals: totals.rows };
}
