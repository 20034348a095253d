import type { Logger } from './logger.ts';

export interface LoopOptions {
  readonly name: string;
  /** Does one round and returns how many things it did; 0 means there was nothing to do. */
  readonly runOnce: () => Promise<number>;
  /** How long to rest when there was nothing to do. */
  readonly idleMs: number;
  readonly logger: Logger;
  /** The longest rest after rounds that failed; rests double up to it. */
  readonly backoffMaxMs?: number;
}

export interface Loop {
  /** Ends the current rest, so that the next round starts now. */
  wake(): void;
  /** Takes no new round and resolves when the current one is over. */
  stop(): Promise<void>;
}

const BACKOFF_BASE_MS = 100;
const BACKOFF_MAX_MS = 5_000;

/** Runs a round again and again: at once while there is work, after a rest when there is none. */
export function startLoop(options: LoopOptions): Loop {
  let stopped = false;
  let failures = 0;
  let woken = false;
  let endRest: (() => void) | undefined;

  const rest = (ms: number) =>
    new Promise<void>((resolve) => {
      if (woken || stopped) return resolve();
      const timer = setTimeout(resolve, ms);
      endRest = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const round = async (): Promise<number> => {
    try {
      const done = await options.runOnce();
      failures = 0;
      return done > 0 ? 0 : options.idleMs;
    } catch (error) {
      failures += 1;
      options.logger.error({ err: error, loop: options.name, failures }, 'loop round failed');
      const cap = Math.min(options.backoffMaxMs ?? BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** failures);
      return cap / 2 + (Math.random() * cap) / 2;
    }
  };

  const done = (async () => {
    while (!stopped) {
      woken = false;
      const restMs = await round();
      if (restMs > 0) await rest(restMs);
    }
  })();

  return {
    wake() {
      woken = true;
      endRest?.();
    },
    async stop() {
      stopped = true;
      endRest?.();
      await done;
    },
  };
}
