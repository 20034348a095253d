import type { PostgresSession } from '@mini-pg/database';
import type { AuditBounds } from '../bounds.ts';

/**
 * A way through a table in the order of its ids, which are UUIDv7 and so in the order of time. What
 * is new is looked at once it is as old as the lag; a lane without a lag goes round and round, so
 * that what was changed long after is found too.
 */
export interface Lane {
  readonly name: string;
  /** What the ids that it gives are of. */
  readonly gives: 'payment' | 'statement';
  /** Null goes round. */
  readonly lagMs: number | null;
  /** Rows after the id $1 and up to the id $2, at most $3; `weight` counts against the bound. */
  readonly query: string;
}

/** What a lane has come to: the last id that it gave. */
export type Cursor = string;

export interface Stretch {
  /** Of payments or of statements. */
  readonly ids: readonly string[];
  readonly cursor: Cursor;
  /** There may be more that is as old as the lag. */
  readonly isBehind: boolean;
  /** A lane that goes round came to the end of its table. */
  readonly isRound: boolean;
}

export const FIRST_ID = '00000000-0000-0000-0000-000000000000';
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

/** A row is committed at most so long after its id was made; who comes later is found when due. */
const NEW_MS = 5_000;
/** An effect that is due is looked for a little later, since clocks differ. */
const GRACE_MS = 60_000;
/** A daily close takes what was sold the day before, and ends within the bound. */
const DAY_MS = 24 * 60 * 60_000;

const PAYMENTS = `
  select id, id as seed, 1 as weight from payment.payment
  where id > $1 and id <= $2 order by id limit $3`;
const ATTEMPTS = `
  select id, payment_id as seed, 1 as weight from processor.attempt
  where id > $1 and id <= $2 order by id limit $3`;
const CANCELS = `
  select id, payment_id as seed, 1 as weight from processor.cancel
  where id > $1 and id <= $2 order by id limit $3`;
const FACTS = `
  select id, payment_id as seed, 1 as weight from settlement.fact
  where id > $1 and id <= $2 order by id limit $3`;
const STATEMENTS = `
  select id, id as seed, count as weight from settlement.settlement
  where id > $1 and id <= $2 order by id limit $3`;
const SHOWN_STATEMENTS = `
  select id, id as seed, count as weight from payment.settlement
  where id > $1 and id <= $2 order by id limit $3`;

/** Every lane: each thing is looked at while it is new, when its effects are due, and each round. */
export function lanesOf(bounds: AuditBounds): readonly Lane[] {
  const dueMs = bounds.deliveryMs + GRACE_MS;
  const payment = (name: string, lagMs: number | null, query: string): Lane => ({
    name,
    gives: 'payment',
    lagMs,
    query,
  });
  const statement = (name: string, lagMs: number | null, query: string): Lane => ({
    name,
    gives: 'statement',
    lagMs,
    query,
  });
  return [
    payment('payments-new', NEW_MS, PAYMENTS),
    payment('payments-due', dueMs, PAYMENTS),
    payment('payments-decided', bounds.requestedMs + dueMs, PAYMENTS),
    payment('payments-closed', DAY_MS + bounds.closeMs + dueMs, PAYMENTS),
    payment('payments-round', null, PAYMENTS),
    payment('attempts-new', NEW_MS, ATTEMPTS),
    payment('attempts-due', dueMs, ATTEMPTS),
    payment('attempts-round', null, ATTEMPTS),
    payment('cancels-new', NEW_MS, CANCELS),
    payment('cancels-due', dueMs, CANCELS),
    payment('facts-due', dueMs, FACTS),
    payment('facts-round', null, FACTS),
    statement('statements-new', NEW_MS, STATEMENTS),
    statement('statements-due', dueMs, STATEMENTS),
    statement('statements-round', null, STATEMENTS),
    statement('shown-statements-round', null, SHOWN_STATEMENTS),
  ];
}

export interface StretchOptions {
  /** Absent when the lane was never gone: one with a lag begins with what is new. */
  readonly cursor: Cursor | undefined;
  readonly now: Date;
  /** The most rows of a stretch, and the most that their weights may come to. */
  readonly rowsMax: number;
  readonly weightMax: number;
}

/** The next stretch of a lane. */
export async function readStretch(
  session: PostgresSession,
  lane: Lane,
  { cursor, now, rowsMax, weightMax }: StretchOptions,
): Promise<Stretch> {
  const to = lane.lagMs === null ? LAST_ID : firstIdAt(now.getTime() - lane.lagMs);
  const from = cursor ?? (lane.lagMs === null ? FIRST_ID : to);
  const { rows } = await session.query<{ id: string; seed: string; weight: bigint | number }>(
    lane.query,
    [from, to, rowsMax],
  );
  const taken = rows.slice(0, withinWeight(rows, weightMax));
  const isMore = rows.length === rowsMax || taken.length < rows.length;
  const isRound = lane.lagMs === null && !isMore;
  return {
    ids: taken.map(({ seed }) => seed),
    cursor: isRound ? FIRST_ID : (taken.at(-1)?.id ?? from),
    isBehind: lane.lagMs !== null && isMore,
    isRound,
  };
}

/** How many of the rows stay within the bound; one that is larger than the bound comes alone. */
function withinWeight(rows: readonly { weight: bigint | number }[], weightMax: number): number {
  let sum = 0;
  for (const [index, { weight }] of rows.entries()) {
    sum += Number(weight);
    if (sum > weightMax) return Math.max(1, index);
  }
  return rows.length;
}

/** The first UUIDv7 of a millisecond. */
export function firstIdAt(epochMs: number): string {
  const hex = Math.max(0, Math.floor(epochMs)).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}
