const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const EXIT_CODE_STOPPED = 130;

/**
 * Calls `stop` once when somebody asks this command to end: by a signal, or because the process
 * that started it is gone. Then the command exits with 130. Further requests change nothing.
 */
export function onStopRequest(stop: (why: string) => Promise<void>): void {
  let asked = false;
  const end = async (why: string): Promise<void> => {
    if (asked) return;
    asked = true;
    try {
      await stop(why);
    } finally {
      process.exit(EXIT_CODE_STOPPED);
    }
  };
  for (const signal of SIGNALS) process.on(signal, end);
  process.once('disconnect', () => end('the end of its parent'));
}
