/**
 * Requests that arrive at a constant rate, whatever becomes of them. The time at which one was to
 * be sent stands before the run begins, so that a server that makes the others wait is charged for
 * their waiting (no coordinated omission). Times are milliseconds from the start.
 */
export interface Arrivals {
  readonly count: number;
  /** When the request of an index is to be sent. */
  timeOf(index: number): number;
  /** How many are to be sent until then. */
  dueAt(elapsedMs: number): number;
}

export function constantArrivals(ratePerSecond: number, durationMs: number): Arrivals {
  const intervalMs = 1_000 / ratePerSecond;
  const count = Math.max(1, Math.floor(durationMs / intervalMs));
  return {
    count,
    timeOf: (index) => index * intervalMs,
    dueAt: (elapsedMs) =>
      elapsedMs < 0 ? 0 : Math.min(count, Math.floor(elapsedMs / intervalMs) + 1),
  };
}
