import type { UnifiedCode } from '@mini-pg/domain';
import type { Rate, RetryPolicy } from './retry-policy.ts';

/** A bucket by the code that it is for; `TOTAL` is for all of them. */
export type BucketKind = UnifiedCode | 'TOTAL';

/** A bucket as it was last written. */
export interface StoredBucket {
  readonly kind: BucketKind;
  readonly tokens: number;
  /** Since then, by the clock that all instances share. */
  readonly sinceMs: number;
}

/** A retry that asks to be made. */
export interface RetryRequest {
  /** What the call before it ended with. */
  readonly code: UnifiedCode;
  /** How many calls it may come to. */
  readonly calls: number;
  /** It finds out or undoes what is not known, or gives money back: never held up by approvals. */
  readonly isRepair: boolean;
}

/** The buckets that a policy has, full. */
export function fullBuckets({ total, classes }: RetryPolicy): Map<BucketKind, number> {
  const buckets = new Map<BucketKind, number>([['TOTAL', total.burst]]);
  for (const [code, rate] of Object.entries(classes)) {
    if (rate !== null) buckets.set(code as UnifiedCode, rate.burst);
  }
  return buckets;
}

/**
 * What one PG may still be called for once more. Over any time its retries come to at most the
 * burst, the share of the first calls that were counted, and what the bucket gained by itself.
 */
export class Budget {
  readonly #policy: RetryPolicy;
  readonly #tokens: Map<BucketKind, number>;

  constructor(policy: RetryPolicy, stored: readonly StoredBucket[], firstCalls: number) {
    this.#policy = policy;
    this.#tokens = fullBuckets(policy);
    for (const { kind, tokens, sinceMs } of stored) {
      const rate = kind === 'TOTAL' ? policy.total : policy.classes[kind];
      if (rate === null) continue;
      const earned = kind === 'TOTAL' ? firstCalls * policy.total.shareOfFirstCalls : 0;
      this.#tokens.set(kind, refilled(rate, tokens + earned, sinceMs));
    }
  }

  /** Takes what a retry needs from both of its buckets, or nothing. */
  admits({ code, calls, isRepair }: RetryRequest): boolean {
    const { total, classes, reservedForRepairs } = this.#policy;
    const ofClass = classes[code];
    if (ofClass === null) return false;
    const share = isRepair ? 0 : reservedForRepairs;
    const left = this.#of('TOTAL') - calls;
    const leftOfClass = this.#of(code) - calls;
    if (left < share * total.burst || leftOfClass < share * ofClass.burst) return false;
    this.#tokens.set('TOTAL', left).set(code, leftOfClass);
    return true;
  }

  #of(kind: BucketKind): number {
    return this.#tokens.get(kind) ?? 0;
  }

  get tokens(): ReadonlyMap<BucketKind, number> {
    return this.#tokens;
  }
}

/** A clock that was set back takes nothing away. */
function refilled({ perSecond, burst }: Rate, tokens: number, sinceMs: number): number {
  return Math.min(burst, tokens + (perSecond * Math.max(0, sinceMs)) / 1_000);
}
