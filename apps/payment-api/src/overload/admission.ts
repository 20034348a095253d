import type { Profile } from '@mini-pg/runtime';

/** The requests whose rows wait to leave the queue, from the moment that they are taken in. */
export interface Admission {
  /** Why no more of them should come. */
  refusal(): 'queue-full' | 'queue-age' | null;
  /** @param waitedMs what it has waited before, in another place */
  enter(waitedMs?: number): Place;
}

/** Where one of them stands. */
export interface Place {
  /** Ends its wait, once; false when that lasted for too long. */
  leave(): boolean;
  /** How long it has waited so far, in all. */
  readonly waitedMs: number;
}

/** Its bounds by the profile. */
export function admissionOf({ intakeQueueMax, intakeQueueAgeMaxMs }: Profile['limits']): Admission {
  return createAdmission({
    rowsMax: intakeQueueMax,
    ageMaxMs: intakeQueueAgeMaxMs ?? QUEUE_AGE_MAX_MS,
  });
}

const QUEUE_AGE_MAX_MS = 2_000;

interface Waiting extends Place {
  readonly sinceMs: number;
  before: Waiting | null;
  after: Waiting | null;
  isInTime: boolean | null;
}

/** Who comes behind one that has waited so much of the bound would reach the bound itself. */
const REFUSED_FROM = 0.5;

/**
 * Bounds a queue by its number and by the age of its oldest. Waiting counts from the moment that a
 * request is taken in, whatever it waits for: on a busy processor most of it comes before the queue.
 *
 * @param ageMaxMs who has waited longer must not leave the queue for the database any more
 */
export function createAdmission(options: {
  readonly rowsMax: number;
  readonly ageMaxMs: number;
  readonly nowMs?: () => number;
}): Admission {
  const { rowsMax, ageMaxMs, nowMs = () => performance.now() } = options;
  let oldest: Waiting | null = null;
  let newest: Waiting | null = null;
  let count = 0;

  const remove = ({ before, after }: Waiting): void => {
    if (before === null) oldest = after;
    else before.after = after;
    if (after === null) newest = before;
    else after.before = before;
    count -= 1;
  };

  return {
    refusal() {
      if (count >= rowsMax) return 'queue-full';
      if (oldest === null || nowMs() - oldest.sinceMs < ageMaxMs * REFUSED_FROM) return null;
      return 'queue-age';
    },
    enter(waitedMs = 0) {
      const waiting: Waiting = {
        sinceMs: nowMs() - waitedMs,
        before: newest,
        after: null,
        isInTime: null,
        get waitedMs() {
          return nowMs() - waiting.sinceMs;
        },
        leave() {
          if (waiting.isInTime !== null) return waiting.isInTime;
          waiting.isInTime = nowMs() - waiting.sinceMs < ageMaxMs;
          remove(waiting);
          return waiting.isInTime;
        },
      };
      if (newest === null) oldest = waiting;
      else newest.after = waiting;
      newest = waiting;
      count += 1;
      return waiting;
    },
  };
}
