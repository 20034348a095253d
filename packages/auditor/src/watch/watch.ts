import type { PostgresSession } from '@mini-pg/database';
import { type AuditBounds, DEFAULT_BOUNDS } from '../bounds.ts';
import { asCannotAudit, connect } from '../session.ts';
import { DEFAULT_LIMITS, type WatchLimits } from './limits.ts';
import { type PassOutput, runPass, WATCHED_RULES } from './pass.ts';
import { OpenProblems, type Problem } from './problems.ts';
import { createSliceTables } from './slice.ts';
import type { StateStore } from './state.ts';

export interface WatchOptions {
  /** A role that may read every schema and make temporary tables: the auditor's. */
  readonly postgresUrl: string;
  readonly store: StateStore;
  readonly bounds?: AuditBounds;
  readonly limits?: Partial<WatchLimits>;
  /** Called for each problem when it is found and, later, when it is not there any more. */
  readonly onProblem?: (problem: Problem) => void;
  readonly onResolved?: (problem: Problem) => void;
}

/** What a pass did. */
export interface Pass {
  /** Rows that its slices held. */
  readonly rows: number;
  /** Some lane has more that is due: the next pass should not wait. */
  readonly isBehind: boolean;
  /** Lanes that came to the end of their table and begin anew. */
  readonly rounds: readonly string[];
  readonly found: number;
  readonly resolved: number;
}

/** The auditor, always on. One pass runs at a time. */
export interface Watch {
  /** @throws CannotAuditError when there is no verdict; the next pass connects anew. */
  runOnce(): Promise<Pass>;
  /** Open problems of each rule that is watched, 0 where all is well. */
  open(): ReadonlyMap<string, number>;
  /** Ends a pass after the rule at hand: what it had found, the next one finds. */
  stop(): void;
  close(): Promise<void>;
}

/** A pass that needs longer than this for one rule is given up. */
const STATEMENT_TIMEOUT_MS = 30_000;

/**
 * Watches a system from where its state says on.
 *
 * @throws CannotAuditError when the state cannot be read.
 */
export function createWatch(options: WatchOptions): Watch {
  const { bounds = DEFAULT_BOUNDS, store } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const state = store.read();
  const problems = new OpenProblems(state.problems);
  const stopping = new AbortController();
  let cursors = state.cursors;
  let session: PostgresSession | undefined;

  const pass = async (): Promise<PassOutput> => {
    try {
      session ??= await openSession(options.postgresUrl);
      const recheck = problems.next(limits.recheckMax);
      const { signal } = stopping;
      return await runPass({ session, bounds, limits, cursors, recheck, signal });
    } catch (error) {
      // A broken transaction goes with its session, and so do the tables of its slices.
      await session?.end().catch(() => {});
      session = undefined;
      throw asCannotAudit(error);
    }
  };

  return {
    async runOnce() {
      const output = await pass();
      const changes = output.looks.map(({ found, lookedAt }) => problems.take(found, lookedAt));
      const found = changes.flatMap((change) => change.found);
      const resolved = changes.flatMap((change) => change.resolved);
      // Told before it is kept: who dies in between tells it again, rather than never.
      for (const problem of found) options.onProblem?.(problem);
      for (const problem of resolved) options.onResolved?.(problem);
      cursors = output.cursors;
      store.write({ version: 1, cursors, problems: problems.all() });
      const { rows, isBehind, rounds } = output;
      return { rows, isBehind, rounds, found: found.length, resolved: resolved.length };
    },
    open: () => new Map(WATCHED_RULES.map(({ id }) => [id, problems.count(id)])),
    stop: () => stopping.abort(),
    async close() {
      stopping.abort();
      await session?.end().catch(() => {});
    },
  };
}

async function openSession(url: string): Promise<PostgresSession> {
  const session = await connect(url, {
    applicationName: 'auditor-watch',
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
  });
  try {
    await createSliceTables(session);
  } catch (error) {
    await session.end().catch(() => {});
    throw error;
  }
  return session;
}
