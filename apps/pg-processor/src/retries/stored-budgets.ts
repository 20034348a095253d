import type { PostgresClient } from '@mini-pg/database';
import type { Pg } from '@mini-pg/domain';
import type { Gateways } from '../calls/gateways.ts';
import { createRowset } from '../db/rowset.ts';
import { type BucketKind, Budget, fullBuckets, type StoredBucket } from './budget.ts';
import type { FirstCalls } from './first-calls.ts';
import { type RetryPolicy, retryPolicyOf } from './retry-policy.ts';

interface BucketRow {
  readonly pg: Pg;
  readonly kind: BucketKind;
  readonly tokens: number;
}

const buckets = createRowset<BucketRow>([
  { name: 'pg', type: 'text', of: ({ pg }) => pg },
  { name: 'kind', type: 'text', of: ({ kind }) => kind },
  { name: 'tokens', type: 'float8', of: ({ tokens }) => tokens },
]);

/** Makes what is missing, full, and locks all of them: in one order, so that no two wait for each other. */
const LOCK_BUDGETS = {
  name: 'lock-retry-budgets',
  text: `
    insert into retry_budget as b (pg, kind, tokens, refilled_at)
    select pg, kind, tokens, clock_timestamp() from ${buckets.from('f')} order by pg, kind
    on conflict (pg, kind) do update set pg = excluded.pg
    returning b.pg, b.kind, b.tokens,
      (extract(epoch from clock_timestamp() - b.refilled_at) * 1000)::float8 as "sinceMs"`,
};

const WRITE_BUDGETS = {
  name: 'write-retry-budgets',
  text: `
    update retry_budget b set tokens = s.tokens, refilled_at = clock_timestamp()
    from ${buckets.from('s')} where b.pg = s.pg and b.kind = s.kind`,
};

export interface BudgetOptions {
  readonly gateways: Gateways;
  readonly firstCalls: FirstCalls;
}

/** The budgets of PGs that are on, until the end of the transaction in nobody else's hands. */
export async function lockBudgets(
  client: PostgresClient,
  pgs: readonly Pg[],
  { gateways, firstCalls }: BudgetOptions,
): Promise<ReadonlyMap<Pg, Budget>> {
  const policies = pgs.flatMap((pg): [Pg, RetryPolicy][] => {
    const settings = gateways.get(pg)?.settings;
    return settings ? [[pg, retryPolicyOf(settings)]] : [];
  });
  const wanted = policies.flatMap(([pg, policy]) =>
    [...fullBuckets(policy)].map(([kind, tokens]) => ({ pg, kind, tokens })),
  );
  const { rows } = await client.query<StoredBucket & { pg: Pg }>({
    ...LOCK_BUDGETS,
    values: buckets.values(wanted),
  });
  const stored = Map.groupBy(rows, ({ pg }) => pg);
  return new Map(
    policies.map(([pg, policy]) => [
      pg,
      new Budget(policy, stored.get(pg) ?? [], firstCalls.take(pg)),
    ]),
  );
}

export async function writeBudgets(
  client: PostgresClient,
  budgets: ReadonlyMap<Pg, Budget>,
): Promise<void> {
  const rows = [...budgets].flatMap(([pg, budget]) =>
    [...budget.tokens].map(([kind, tokens]) => ({ pg, kind, tokens })),
  );
  await client.query({ ...WRITE_BUDGETS, values: buckets.values(rows) });
}
