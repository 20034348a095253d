import type { PostgresPool } from '@mini-pg/database';
import { createCoalescer } from '@mini-pg/runtime';

/** What is left of a lease. */
export interface LeaseLeft {
  /** The monotonic clock from before the lease was read. */
  readonly readAtMs: number;
  /** By SQL time. */
  readonly leftMs: number;
}

export interface LeaseChecks {
  /** Reads the lease of an attempt in CALLING; null when it is not this owner's any more. */
  check(attemptId: string, owner: string): Promise<LeaseLeft | null>;
  drain(): Promise<void>;
}

const BATCH_MAX = 500;
const QUEUE_MAX = 50_000;

const READ_LEASES = {
  name: 'read-leases',
  text: `
    select id, state, lease_owner as owner,
      (extract(epoch from lease_until - clock_timestamp()) * 1000)::float8 as "leftMs"
    from attempt where id = any($1::uuid[])`,
};

interface LeaseRow {
  id: string;
  state: string;
  owner: string | null;
  leftMs: number;
}

/** Leases are read just before bytes are written; those of one moment by one statement. */
export function createLeaseChecks(pool: PostgresPool): LeaseChecks {
  const coalescer = createCoalescer<{ attemptId: string; owner: string }, LeaseLeft | null>({
    async flush(items) {
      const readAtMs = performance.now();
      const { rows } = await pool.query<LeaseRow>({
        ...READ_LEASES,
        values: [items.map(({ attemptId }) => attemptId)],
      });
      const leases = new Map(rows.map((row) => [row.id, row]));
      return items.map(({ attemptId, owner }) => {
        const lease = leases.get(attemptId);
        return lease?.state === 'CALLING' && lease.owner === owner
          ? { readAtMs, leftMs: lease.leftMs }
          : null;
      });
    },
    batchMax: BATCH_MAX,
    queueMax: QUEUE_MAX,
    flushesMax: 2,
  });
  return {
    check: (attemptId, owner) => coalescer.submit({ attemptId, owner }),
    drain: () => coalescer.drain(),
  };
}
