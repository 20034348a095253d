import type { PostgresSession } from '@mini-pg/database';

/**
 * The places of a close where a process may die: each step just before its commit and just after.
 * A second try gives the same rows wherever the first one ended.
 */
export const CLOSE_POINTS = [
  'run-started',
  'facts-counted',
  'items-written',
  'itemized',
  'statements-written',
  'stated',
  'totals-written',
  'agreed',
  'batch-written',
  'batch-published',
  'end-written',
  'closed',
] as const;

export type ClosePoint = (typeof CLOSE_POINTS)[number];

export interface CloseContext {
  readonly session: PostgresSession;
  /** Called at each point; a test fails there. */
  readonly reach: (point: ClosePoint) => Promise<void> | void;
  /** How many lines a transaction of the publication holds before it ends. */
  readonly batchLinesMax: number;
}
