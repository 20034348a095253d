import type { TossPayment } from './toss-payment.ts';

const LIFETIME_MS = 15 * 86_400_000;
export const KEY_LENGTH_MAX = 300;

/** The first answer of a key, held as what it was made from. */
export type StoredAnswer =
  | { readonly kind: 'PAYMENT'; readonly payment: TossPayment; readonly cancels: number }
  | { readonly kind: 'TEXT'; readonly status: number; readonly text: string };

interface KeyRecord {
  readonly firstUsedMs: number;
  /** Null while the first request runs. */
  readonly answer: StoredAnswer | null;
  /** A request that is answered keeps running for others until then. */
  readonly runningUntilMs: number;
}

export type Claim =
  | { readonly kind: 'FIRST' }
  | { readonly kind: 'RUNNING' }
  | { readonly kind: 'REPLAY'; readonly answer: StoredAnswer };

/**
 * What Toss remembers of `Idempotency-Key` (docs.tosspayments.com/reference): the scope is key, API
 * key, URL and method, the body is no part of it, and every first answer is given again for 15 days.
 */
export class TossIdempotency {
  readonly #records = new Map<string, KeyRecord>();
  readonly #sizeMax: number;
  evicted = 0;

  constructor(sizeMax: number) {
    this.#sizeMax = sizeMax;
  }

  get size(): number {
    return this.#records.size;
  }

  claim(scope: string, nowMs: number): Claim {
    const record = this.#records.get(scope);
    if (record && nowMs - record.firstUsedMs <= LIFETIME_MS) {
      if (record.answer === null || nowMs < record.runningUntilMs) return { kind: 'RUNNING' };
      return { kind: 'REPLAY', answer: record.answer };
    }
    this.#records.delete(scope);
    this.#put(scope, { firstUsedMs: nowMs, answer: null, runningUntilMs: 0 });
    return { kind: 'FIRST' };
  }

  /** Keeps the first answer of a key, also of one that was used before a restart. */
  store(scope: string, answer: StoredAnswer, nowMs: number, runningUntilMs = 0): void {
    const firstUsedMs = this.#records.get(scope)?.firstUsedMs ?? nowMs;
    this.#put(scope, { firstUsedMs, answer, runningUntilMs });
  }

  /** The request came to nothing and left no trace: the key is free again. */
  release(scope: string): void {
    this.#records.delete(scope);
  }

  /** A map keeps the order of insertion, so the oldest are evicted first. */
  #put(scope: string, record: KeyRecord): void {
    this.#records.set(scope, record);
    if (this.#records.size > this.#sizeMax) this.#evictOldest();
  }

  #evictOldest(): void {
    const oldest = this.#records.keys().next().value;
    if (oldest === undefined) return;
    this.#records.delete(oldest);
    this.evicted += 1;
  }
}
