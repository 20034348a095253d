import type { Queryable } from '@mini-pg/database';
import { countNegativeBalances } from './close/negative-balances.ts';
import { readDays } from './close/run.ts';
import { countHeldFacts } from './facts/held-facts.ts';
import type { SettlementMetrics } from './metrics.ts';

const DAY_SECONDS = 86_400;

/** Sets the gauges that are read from the database. Returns 0: there is nothing left to do. */
export async function watchBooks(
  client: Queryable,
  metrics: SettlementMetrics,
  dueDate: string,
): Promise<number> {
  const held = await countHeldFacts(client);
  const count = (reason: string) => held.find((row) => row.reason === reason)?.count ?? 0;
  metrics.factsWithoutMerchant.set(count('NO_MERCHANT'));
  metrics.factsWithoutTerms.set(count('NO_TERMS'));
  metrics.factsWithoutPayment.set(count('NO_PAYMENT'));
  metrics.factsHeldOldestSeconds.set(Math.max(0, ...held.map((row) => row.oldestSeconds)));

  const negative = await countNegativeBalances(client, dueDate);
  metrics.negativeBalances.set(negative.count);
  metrics.negativeBalanceOldestDays.set(negative.oldestDays);

  const { lastClosed } = await readDays(client);
  if (lastClosed !== null) {
    metrics.lastClosedDate.set(epochSeconds(lastClosed));
    const overdue = (epochSeconds(dueDate) - epochSeconds(lastClosed)) / DAY_SECONDS;
    metrics.daysOverdue.set(Math.max(0, overdue));
  }
  const { rows } = await client.query<{ openFacts: number; lastYear: number | null }>(
    `select (select count(*)::int from fact_open) as "openFacts",
       (select max(year) from business_calendar_year) as "lastYear"`,
  );
  metrics.openFacts.set(rows[0]?.openFacts ?? 0);
  metrics.calendarLastYear.set(rows[0]?.lastYear ?? 0);
  return 0;
}

function epochSeconds(date: string): number {
  return Date.parse(`${date}T00:00:00Z`) / 1000;
}
