export type Log = (line: string) => void;

const FIRST_LINE_MS = 1_000;
const NEXT_LINE_MS = 5_000;

/**
 * Runs `work` and tells how it goes when it takes longer than a second: a line when it becomes
 * slow, one every five seconds, one at its end.
 */
export async function withProgress<T>(what: string, log: Log, work: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  const seconds = (): string => ((performance.now() - startedAt) / 1000).toFixed(1);
  let timer = setTimeout(function tell() {
    log(`${what} ... ${seconds()} s`);
    timer = setTimeout(tell, NEXT_LINE_MS);
  }, FIRST_LINE_MS);
  try {
    const result = await work();
    if (performance.now() - startedAt >= FIRST_LINE_MS) log(`${what}: done in ${seconds()} s`);
    return result;
  } finally {
    clearTimeout(timer);
  }
}
