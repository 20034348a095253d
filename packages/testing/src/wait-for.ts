import { setTimeout as sleep } from 'node:timers/promises';

const WAIT_TIMEOUT_MS = 15_000;
const CHECK_INTERVAL_MS = 20;

export type WaitForOptions = {
  /** What is waited for; part of the error's message. */
  what: string;
  timeoutMs?: number;
  intervalMs?: number;
};

/**
 * Repeats `check` until it gives something other than `undefined` or `false`, and returns that.
 * A check that throws counts as "not yet"; when the time is over, its last error is the cause.
 */
export async function waitFor<T>(
  check: () => Promise<T | undefined | false> | T | undefined | false,
  options: WaitForOptions,
): Promise<T> {
  const timeoutMs = options.timeoutMs ?? WAIT_TIMEOUT_MS;
  const deadline = performance.now() + timeoutMs;
  let cause: unknown;
  do {
    try {
      const value = await check();
      if (value !== undefined && value !== false) return value;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    await sleep(options.intervalMs ?? CHECK_INTERVAL_MS);
  } while (performance.now() < deadline);
  throw new Error(`Waited ${timeoutMs} ms in vain for: ${options.what}`, { cause });
}
