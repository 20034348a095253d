/** A deadline that may still be cancelled. */
export interface Deadline {
  /** Whether it was in time: false when it has expired or was cancelled before. */
  cancel(): boolean;
}

export interface Deadlines {
  /** Calls `onExpire` once the time is over, unless it is cancelled before. */
  add(onExpire: () => void): Deadline;
}

interface Entry extends Deadline {
  readonly atMs: number;
  readonly onExpire: () => void;
  over: boolean;
}

/**
 * Deadlines of one length under one timer: they end in the order in which they begin, so only the
 * first needs one. A command then costs an object instead of a timer.
 */
export function createDeadlines(lengthMs: number, nowMs = () => performance.now()): Deadlines {
  let entries: Entry[] = [];
  let first = 0;
  let isArmed = false;

  const arm = (): void => {
    const head = entries[first];
    isArmed = head !== undefined;
    if (head === undefined) return;
    // What has arrived is read between a timer and an immediate: a process that was held up does
    // not take its own delay for that of the other side.
    setTimeout(() => setImmediate(expire), Math.max(1, Math.ceil(head.atMs - nowMs())));
  };

  const expire = (): void => {
    const now = nowMs();
    for (let entry = entries[first]; entry !== undefined; entry = entries[first]) {
      if (!entry.over && entry.atMs > now) break;
      first += 1;
      if (entry.cancel()) entry.onExpire();
    }
    entries = entries.slice(first);
    first = 0;
    arm();
  };

  return {
    add(onExpire) {
      const entry: Entry = {
        atMs: nowMs() + lengthMs,
        onExpire,
        over: false,
        cancel() {
          if (entry.over) return false;
          entry.over = true;
          return true;
        },
      };
      entries.push(entry);
      if (!isArmed) arm();
      return entry;
    },
  };
}
