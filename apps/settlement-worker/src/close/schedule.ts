import { addDays, businessDateOf } from '@mini-pg/domain';
import type { Clock } from '@mini-pg/runtime';

/** A day is closed by itself at 00:10 of the next (docs/reference/settlement-rules.md). */
const CLOSE_AFTER_MIDNIGHT_MS = 10 * 60 * 1000;

/** The business day that should be closed by now. */
export function dueDateOf(now: Date): string {
  return addDays(businessDateOf(new Date(now.getTime() - CLOSE_AFTER_MIDNIGHT_MS)), -1);
}

export interface ScheduleOptions {
  readonly clock: Clock;
  readonly readLastClosed: () => Promise<string | null>;
  /** Returns false when another instance is at it. */
  readonly close: (date: string) => Promise<boolean>;
}

export interface Schedule {
  /** Closes what is due; returns 1 when it did. */
  runOnce(): Promise<number>;
}

/**
 * Closes each business day once it is due. A service that was down at ten past midnight catches up
 * when it is back. Where nothing was ever closed the first day is the one that ends while the
 * service runs: whoever begins with older days closes them by command.
 */
export function createSchedule(options: ScheduleOptions): Schedule {
  const dueAtStart = dueDateOf(options.clock.now());
  return {
    async runOnce() {
      const due = dueDateOf(options.clock.now());
      const closedUpTo = (await options.readLastClosed()) ?? dueAtStart;
      if (closedUpTo >= due) return 0;
      return (await options.close(due)) ? 1 : 0;
    },
  };
}
