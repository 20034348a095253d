const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const EXIT_CODE_STOPPED = 130;

/**
 * Calls `stop` once when somebody asks this command to end: by a signal or, while `isBound`,
 * because the process that started it is gone. Then the command exits with 130. Further requests
 * change nothing.
 * @returns ends the listening
 */
export function onStopRequest(
  stop: (why: string) => Promise<void>,
  isBound: () => boolean = () => true,
): () => void {
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
  const endIfBound = (): void => {
    if (isBound()) void end('the process that started it is gone');
  };
  for (const signal of SIGNALS) process.on(signal, end);
  process.once('disconnect', endIfBound);
  // Listening must not keep a command from ending when it has done its work.
  process.channel?.unref();
  return () => {
    for (const signal of SIGNALS) process.off(signal, end);
    process.off('disconnect', endIfBound);
  };
}
