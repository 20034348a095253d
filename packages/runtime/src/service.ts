import { ConfigError } from './config.ts';
import type { Logger } from './logger.ts';
import { giveBackMemory } from './memory.ts';

/** Something that was started and can be stopped; stopping drains. */
export interface Running {
  stop(): Promise<void>;
}

const STOP_BUDGET_MS = 25_000;
const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/**
 * Starts a service and stops it on SIGTERM or SIGINT: it drains for at most 25 s, then the process
 * ends. A fault that nobody handles ends the process with code 1, since its state is not known.
 */
export async function runService(logger: Logger, start: () => Promise<Running>): Promise<void> {
  let running: Running | undefined;
  let stopping = false;

  const stop = async (reason: string, exitCode: number) => {
    if (stopping) return;
    stopping = true;
    logger.info({ reason }, 'stopping');
    const deadline = setTimeout(() => {
      logger.fatal('the drain took too long');
      process.exit(1);
    }, STOP_BUDGET_MS);
    try {
      await running?.stop();
    } catch (error) {
      logger.error({ err: error }, 'stopping failed');
      exitCode = 1;
    }
    clearTimeout(deadline);
    logger.info('stopped');
    logger.flush();
    process.exit(exitCode);
  };

  for (const signal of SIGNALS) process.on(signal, () => void stop(signal, 0));
  process.on('uncaughtException', (error) => {
    logger.fatal({ err: error }, 'uncaught exception');
    void stop('uncaughtException', 1);
  });
  process.on('unhandledRejection', (error) => {
    logger.fatal({ err: error }, 'unhandled rejection');
    void stop('unhandledRejection', 1);
  });

  running = await start();
  giveBackMemory();
}

/** Prints what keeps a command from starting, one line each, and ends the process with code 1. */
export function exitWithError(error: unknown): never {
  if (error instanceof ConfigError) {
    for (const line of error.problems) process.stderr.write(`config: ${line}\n`);
  } else {
    const message = error instanceof Error ? error.message : String(error);
    process.stderr.write(`cannot start: ${message}\n`);
  }
  process.exit(1);
}
