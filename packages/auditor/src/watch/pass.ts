import type { PostgresSession } from '@mini-pg/database';
import type { AuditBounds } from '../bounds.ts';
import type { Rule } from '../rule.ts';
import { RULES } from '../rules/index.ts';
import { FIRST_PAGE, fillKeyPage } from './key-pages.ts';
import { FIRST_ID, lanesOf, readStretch } from './lanes.ts';
import type { WatchLimits } from './limits.ts';
import { idsOf, type Problem, problemOf } from './problems.ts';
import { readOverduePayments, readSubjects, type Subjects } from './seeds.ts';
import { fillSlice, type SliceScope, seedScope, sliceQuery } from './slice.ts';

export interface PassInput {
  readonly session: PostgresSession;
  readonly bounds: AuditBounds;
  readonly limits: WatchLimits;
  /** How far each lane has come, by its name. */
  readonly cursors: Readonly<Record<string, string>>;
  /** Open problems to look at again. */
  readonly recheck: readonly Problem[];
  /** Ends the pass after the rule at hand. */
  readonly signal: AbortSignal;
}

/** What a rule gave for a slice. */
export interface Look {
  readonly rule: Rule;
  readonly found: readonly Problem[];
  /** The open problems that it would have found again. */
  readonly lookedAt: readonly Problem[];
}

export interface PassOutput {
  readonly looks: readonly Look[];
  readonly cursors: Readonly<Record<string, string>>;
  /** Rows that the slices held. */
  readonly rows: number;
  /** Some lane has more that is due. */
  readonly isBehind: boolean;
  /** Lanes that came to the end of their table. */
  readonly rounds: readonly string[];
}

/** The rules of a watch: a whole audit has those that need more than a slice, or the ledger. */
export const WATCHED_RULES: readonly Rule[] = RULES.filter(
  ({ needsLedger, scope }) => !needsLedger && scope !== 'audit',
);

/** Slices are young and small; the planner takes them for larger than any index is worth. */
const PLANNER_SETTINGS = ['enable_nestloop = off', 'enable_mergejoin = off', 'jit = off'];
/** Pages of idempotency keys that open problems were found on. */
const RECHECKED_PAGES_MAX = 3;
const KEYS_LANE = 'keys-round';
const RUNS_LANE = 'runs-round';

/** A pass that is under way. */
interface Progress extends PassInput {
  readonly now: Date;
  readonly subjects: Subjects;
  readonly moved: Record<string, string>;
  readonly looks: Look[];
  readonly rounds: string[];
  rows: number;
  isBehind: boolean;
}

/**
 * Looks at what is new, at what is due, at what is open, and at the next stretch of each round. Each
 * slice is of one snapshot, and bounded; what its rules find is given to the caller, who keeps it.
 */
export async function runPass(input: PassInput): Promise<PassOutput> {
  const { session, recheck } = input;
  const { rows } = await session.query<{ now: Date }>('select now() as now');
  const ids = recheck.filter(({ page }) => page === null).flatMap((one) => idsOf(one.violation));
  const progress: Progress = {
    ...input,
    now: rows[0]?.now ?? new Date(Number.NaN),
    subjects: await readSubjects(session, [...new Set(ids)]),
    moved: { ...input.cursors },
    looks: [],
    rounds: [],
    rows: 0,
    isBehind: false,
  };
  await lookAtPayments(progress);
  await lookAtStatements(progress);
  await lookAtKeys(progress);
  await lookAtRuns(progress);
  await inSnapshot(session, () => holdRules(progress, 'whole', problemsOf(progress, 'whole')));
  const { looks, moved: cursors, rows: held, isBehind, rounds } = progress;
  return { looks, cursors, rows: held, isBehind, rounds };
}

async function lookAtPayments(progress: Progress): Promise<void> {
  const { session, bounds, limits, now, subjects } = progress;
  await inSnapshot(session, async () => {
    const seeds = await takeStretches(progress, 'payment');
    const overdue = await readOverduePayments(session, bounds, now, limits.overdueMax);
    await seedScope(session, [...seeds, ...overdue, ...subjects.payments]);
    await lookAtSlice(progress, 'payment');
  });
}

async function lookAtStatements(progress: Progress): Promise<void> {
  const { session, subjects } = progress;
  await inSnapshot(session, async () => {
    const seeds = await takeStretches(progress, 'statement');
    await seedScope(session, [...seeds, ...subjects.statements]);
    await lookAtSlice(progress, 'statement');
  });
}

/** The next page of keys, and the pages on which problems were found. */
async function lookAtKeys(progress: Progress): Promise<void> {
  const { session, cursors, recheck, limits, moved, rounds } = progress;
  const next = cursors[KEYS_LANE] ?? FIRST_PAGE;
  const open = recheck.flatMap(({ page }) => page ?? []);
  const pages = new Set([next, ...new Set(open.slice(0, RECHECKED_PAGES_MAX))]);
  for (const page of pages) {
    await inSnapshot(session, async () => {
      const filled = await fillKeyPage(session, page, limits.roundRowsMax);
      progress.rows += filled.rows;
      if (page === next) moved[KEYS_LANE] = filled.next;
      if (page === next && filled.next === FIRST_PAGE) rounds.push(KEYS_LANE);
      await lookAtSlice(progress, 'key', page);
    });
  }
}

/** The last close, and one more of each round. */
async function lookAtRuns(progress: Progress): Promise<void> {
  const { session, cursors, moved, recheck, rounds } = progress;
  await inSnapshot(session, async () => {
    const { rows } = await session.query<{ id: string; next: boolean }>(
      `(select id, true as next from settlement.settlement_run where id > $1 order by id limit 1)
       union all
       (select id, false from settlement.settlement_run order by id desc limit 1)`,
      [cursors[RUNS_LANE] ?? FIRST_ID],
    );
    const next = rows.find((row) => row.next);
    moved[RUNS_LANE] = next?.id ?? FIRST_ID;
    if (next === undefined) rounds.push(RUNS_LANE);
    const open = recheck.flatMap(({ violation }) => String(violation.runId ?? ''));
    await seedScope(session, [...rows.map(({ id }) => id), ...open.filter((id) => id !== '')]);
    await lookAtSlice(progress, 'run');
  });
}

/** What the lanes give for a slice; each moves on as far as it gave. */
async function takeStretches(
  progress: Progress,
  gives: 'payment' | 'statement',
): Promise<string[]> {
  const { session, bounds, limits, cursors, now, moved, rounds } = progress;
  const seeds: string[] = [];
  for (const lane of lanesOf(bounds).filter((one) => one.gives === gives)) {
    const stretch = await readStretch(session, lane, {
      cursor: cursors[lane.name],
      now,
      rowsMax: lane.lagMs === null ? limits.roundRowsMax : limits.laneRowsMax,
      weightMax: lane.lagMs === null ? limits.roundLinesMax : limits.linesMax,
    });
    moved[lane.name] = stretch.cursor;
    seeds.push(...stretch.ids);
    progress.isBehind ||= stretch.isBehind;
    if (stretch.isRound) rounds.push(lane.name);
  }
  return seeds;
}

async function lookAtSlice(
  progress: Progress,
  scope: SliceScope,
  page: string | null = null,
): Promise<void> {
  progress.rows += await fillSlice(progress.session, scope);
  for (const setting of PLANNER_SETTINGS) await progress.session.query(`set local ${setting}`);
  const again = problemsOf(progress, scope).filter((problem) => problem.page === page);
  await holdRules(progress, scope, again, page);
}

/** Open problems of the rules of a scope, which the slice at hand would show again. */
function problemsOf({ recheck }: Progress, scope: SliceScope | 'whole'): Problem[] {
  const rules = new Set(WATCHED_RULES.filter((rule) => rule.scope === scope).map(({ id }) => id));
  return recheck.filter(({ rule }) => rules.has(rule));
}

async function holdRules(
  progress: Progress,
  scope: SliceScope | 'whole',
  again: readonly Problem[],
  page: string | null = null,
): Promise<void> {
  const { session, bounds, limits, now, looks, signal } = progress;
  const slice = scope === 'whole' ? undefined : (query: string) => sliceQuery(scope, query);
  for (const rule of WATCHED_RULES.filter((one) => one.scope === scope)) {
    signal.throwIfAborted();
    const { total, violations } = await rule.check({
      session,
      bounds,
      examplesMax: limits.violationsMax,
      ...(slice && { slice }),
    });
    const found = violations.map((one) => problemOf(rule, one, now.toISOString(), page));
    // Of a list that was cut off nobody can say what is not on it.
    const isWhole = total <= violations.length;
    const lookedAt = isWhole ? again.filter((problem) => problem.rule === rule.id) : [];
    looks.push({ rule, found, lookedAt });
  }
}

/**
 * One snapshot. It ends by a commit, which empties the slice's tables; a rollback would leave their
 * dead rows behind.
 */
async function inSnapshot(session: PostgresSession, work: () => Promise<void>): Promise<void> {
  await session.query('begin isolation level repeatable read read only');
  await work();
  await session.query('commit');
}
