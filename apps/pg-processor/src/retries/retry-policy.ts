import type { UnifiedCode } from '@mini-pg/domain';
import type { PgProfile } from '@mini-pg/runtime';

/** A token bucket. A token is one call to the PG. */
export interface Rate {
  /** Tokens that it gains by itself, so that a quiet system may try again too. */
  readonly perSecond: number;
  /** The most that it holds, and what it begins with. */
  readonly burst: number;
}

/** What one PG may be called for once more, by all instances together. */
export interface RetryPolicy {
  /** For all retries. */
  readonly total: Rate & {
    /** Tokens that a first call of an approval earns. */
    readonly shareOfFirstCalls: number;
  };
  /** The share of each burst that approvals leave to cancels, net-cancels and bytes sent again. */
  readonly reservedForRepairs: number;
  /** Besides, by the code of the error that a retry follows; null where none ever does. */
  readonly classes: Readonly<Record<UnifiedCode, Rate | null>>;
}

const RESERVED_FOR_REPAIRS = 0.5;

/** The policy of a PG: the total is the environment's, the classes are the same everywhere. */
export function retryPolicyOf({ retries }: Pick<PgProfile, 'retries'>): RetryPolicy {
  return { total: retries, reservedForRepairs: RESERVED_FOR_REPAIRS, classes: RETRY_CLASSES };
}

/**
 * Classes with a budget are those that leave nothing done, or nothing known; all others end an
 * attempt, or are asked about until they do. How often one payment may be called is bounded apart
 * from this (`repairs/schedule.ts`).
 */
export const RETRY_CLASSES: RetryPolicy['classes'] = {
  // Not executed: asked about once, then called with a new key.
  PROVIDER_UNAVAILABLE: { perSecond: 100, burst: 400 },
  // No byte of an answer: the same bytes once more.
  OUTCOME_UNKNOWN: { perSecond: 50, burst: 200 },
  IN_PROGRESS: null,
  ALREADY_PROCESSED: null,
  CARD_DECLINED: null,
  INSUFFICIENT_FUNDS_OR_LIMIT: null,
  INVALID_PAYMENT_METHOD: null,
  AUTHENTICATION_FAILED: null,
  INVALID_REQUEST: null,
  AMOUNT_MISMATCH: null,
  NOT_FOUND: null,
  NOT_CANCELABLE: null,
  CONFIG_ERROR: null,
};

/** A new attempt is two calls: the inquiry which makes sure that nothing was done, and itself. */
export const NEW_ATTEMPT_CALLS = 2;

/** The same bytes once more are one; the inquiry before them is of the schedule. */
export const RESEND_CALLS = 1;

/** Times that one approval is put off before its payment fails of what its last call failed of. */
export const DENIALS_MAX = 8;

/** Full jitter, as for the backoff of a first try: up to a bound that doubles with each denial. */
const DENIED_BASE_MS = 1_000;
const DENIED_MAX_MS = 30_000;

/** How long a retry that was put off waits until it asks again. `denials` counts those before. */
export function deniedPauseMs(denials: number, random: () => number): number {
  return Math.round(random() * Math.min(DENIED_MAX_MS, DENIED_BASE_MS * 2 ** (denials + 1)));
}
