import { setTimeout as sleep } from 'node:timers/promises';

const INTERVAL_MS = 50;

/** Asks until the answer is yes. @throws Error naming what did not come about in time */
export async function waitUntil(
  what: string,
  isSo: () => Promise<boolean>,
  timeoutMs: number,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isSo())) {
    if (performance.now() > deadline)
      throw new Error(`${what} did not come about in ${timeoutMs} ms.`);
    await sleep(INTERVAL_MS);
  }
}
