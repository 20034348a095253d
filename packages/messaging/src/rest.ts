/** Rests between rounds. */
export interface Rest {
  /** Resolves after `ms`, or at once when woken: also by a wake since the last sleep ended. */
  sleep(ms: number): Promise<void>;
  /** Resolves after `ms`; being woken makes no difference. */
  pause(ms: number): Promise<void>;
  wake(): void;
  /** Nothing takes any time from now on. */
  end(): void;
}

export function createRest(): Rest {
  let woken = false;
  let ended = false;
  let interrupt: (() => void) | undefined;
  let wakeable = false;

  const wait = async (ms: number): Promise<void> => {
    if (ended || ms <= 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      interrupt = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    interrupt = undefined;
  };

  return {
    async sleep(ms) {
      wakeable = true;
      if (!woken) await wait(ms);
      wakeable = false;
      woken = false;
    },
    pause: wait,
    wake() {
      woken = true;
      if (wakeable) interrupt?.();
    },
    end() {
      ended = true;
      interrupt?.();
    },
  };
}

/** Full jitter: anything up to `base * 2^failures`, with a cap. */
export function backoffMs(failures: number, baseMs: number, maxMs: number): number {
  return Math.random() * Math.min(maxMs, baseMs * 2 ** failures);
}

/** Whether something ends within a time; its outcome is not looked at. */
export async function withinMs(work: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  const ended = work.then(
    () => true,
    () => true,
  );
  const inTime = await Promise.race([ended, timeout]);
  clearTimeout(timer);
  return inTime;
}
