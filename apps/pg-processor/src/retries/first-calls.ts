import type { Pg } from '@mini-pg/domain';

/** First calls of approvals, counted until a budget is credited with them. */
export interface FirstCalls {
  add(pg: Pg, count: number): void;
  /** Those of a PG since the last time; whoever takes them credits them. */
  take(pg: Pg): number;
}

/**
 * In this process only: a count that dies with it was never spent, so retries stay within their
 * share, and no row is written for a call that succeeds.
 */
export function createFirstCalls(): FirstCalls {
  const counts = new Map<Pg, number>();
  return {
    add: (pg, count) => void counts.set(pg, (counts.get(pg) ?? 0) + count),
    take(pg) {
      const count = counts.get(pg) ?? 0;
      counts.delete(pg);
      return count;
    },
  };
}
