/** A process that ends this often within the window is broken: starting it again helps nobody. */
const RESTARTS_MAX = 5;
const WINDOW_MS = 60_000;
const DELAY_FIRST_MS = 250;

/** What to do about a process that has ended: start it again after a delay, or leave it. */
export type RestartDecision = { restart: true; delayMs: number } | { restart: false };

/**
 * Decides by the times of the earlier restarts of that process: at most five a minute, each after
 * twice the delay of the one before.
 * @param restartedAtMs times of its earlier restarts, on the clock of `nowMs`
 */
export function decideRestart(restartedAtMs: readonly number[], nowMs: number): RestartDecision {
  const recent = restartedAtMs.filter((at) => nowMs - at < WINDOW_MS).length;
  if (recent >= RESTARTS_MAX) return { restart: false };
  return { restart: true, delayMs: DELAY_FIRST_MS * 2 ** recent };
}
