import type { PostgresSession, Queryable } from '@mini-pg/database';
import { addDays, businessDateOf } from '@mini-pg/domain';
import { type Clock, failpoint, type Logger } from '@mini-pg/runtime';
import { closeDay } from './close-day.ts';
import type { CloseContext, ClosePoint } from './context.ts';
import { CloseDateError, CloseError } from './errors.ts';
import { readDays } from './run.ts';
import { type SessionOptions, withCloseSession } from './session.ts';
import { type RunSummary, readSummary } from './summary.ts';
import { type WaitOptions, waitForFacts } from './wait-for-facts.ts';

/** More open days than a year mean that a date is wrong somewhere. */
const DAYS_MAX = 366;
const BATCH_LINES_MAX = 5_000;

export interface CloseOptions extends SessionOptions, WaitOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Who asked, for the record. */
  readonly requestedBy: string;
  /** Called at each point where a process may die, for tests. */
  readonly reach?: (point: ClosePoint) => Promise<void> | void;
  readonly batchLinesMax?: number;
}

export type CloseResult =
  | { readonly outcome: 'closed'; readonly days: readonly RunSummary[] }
  | { readonly outcome: 'already-closed'; readonly lastClosed: string };

/**
 * Closes a business day and, before it, each earlier day that is open. A date on or before the last
 * closed day changes nothing.
 *
 * @throws CloseDateError when the date is in the future.
 * @throws CloseError when another close runs, facts are still being stored, or totals differ.
 */
export async function closeDays(date: string, options: CloseOptions): Promise<CloseResult> {
  refuseFuture(date, options.clock.now());
  return withCloseSession(options, async (session) => {
    const { lastClosed } = await readDays(session);
    if (lastClosed !== null && date <= lastClosed) return { outcome: 'already-closed', lastClosed };
    await waitForFacts(options);
    const days: RunSummary[] = [];
    for (const day of await openDays(session, date)) {
      days.push(await closeOne(session, day, options));
    }
    return { outcome: 'closed', days };
  });
}

/** @throws CloseDateError when the date has not begun in Seoul. */
export function refuseFuture(date: string, now: Date): void {
  const today = businessDateOf(now);
  if (date <= today) return;
  throw new CloseDateError(`${date} is in the future: today is ${today} (Asia/Seoul)`);
}

async function closeOne(
  session: PostgresSession,
  date: string,
  options: CloseOptions,
): Promise<RunSummary> {
  const context: CloseContext = {
    session,
    batchLinesMax: options.batchLinesMax ?? BATCH_LINES_MAX,
    reach: async (point) => {
      failpoint(`settlement-worker.close.${point}`);
      await options.reach?.(point);
      options.signal?.throwIfAborted();
    },
  };
  const run = await closeDay(context, date, options.requestedBy);
  const summary = await readSummary(session, run.id);
  const { statements, factsHeld } = summary;
  options.logger.info({ date, statements, factsHeld: Number(factsHeld) }, 'business day closed');
  return summary;
}

/**
 * The days to close, in order. The first is the one whose close was interrupted, else the day after
 * the last closed one, else the first day that has a fact.
 */
async function openDays(client: Queryable, date: string): Promise<string[]> {
  const { lastClosed, unfinished, firstSale } = await readDays(client);
  const first = unfinished ?? (lastClosed === null ? (firstSale ?? date) : addDays(lastClosed, 1));
  if (unfinished !== null && date < unfinished) {
    throw new CloseError(`the close of ${unfinished} is not finished: close that day first`);
  }
  const days: string[] = [];
  for (let day = first < date ? first : date; day <= date; day = addDays(day, 1)) {
    if (days.length === DAYS_MAX) {
      throw new CloseError(
        `more than ${DAYS_MAX} days are open since ${first}: close up to an earlier day first`,
      );
    }
    days.push(day);
  }
  return days;
}
