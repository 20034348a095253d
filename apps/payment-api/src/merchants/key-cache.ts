import type { Principal } from '../principal.ts';

/** Who a secret key's hash belongs to; null: nobody, or the key is revoked. */
export type LookUp = (keyHash: string) => Promise<Principal | null>;

export interface KeyCache {
  /** Rejects when the lookup does; that is not remembered. */
  find(keyHash: string): Promise<Principal | null>;
}

/**
 * How old an answer may be, counted from the start of its lookup. Below the second within which a
 * revocation or a suspension takes effect on every instance.
 */
const TRUST_MS = 900;
/** From this age on a key in use is looked up again beside the requests, so that none waits. */
const REFRESH_AFTER_MS = 450;
/** Keys that exist, one entry each. */
const KNOWN_MAX = 20_000;
/** Keys that do not: kept apart, so that guesses never push out a key in use. */
const UNKNOWN_MAX = 5_000;

interface Answer {
  readonly principal: Principal | null;
  readonly askedAtMs: number;
}

interface Flight {
  readonly askedAtMs: number;
  readonly answer: Promise<Principal | null>;
}

/** Remembers for less than a second who a key belongs to, and asks once for many requests. */
export function createKeyCache(lookUp: LookUp, nowMs = () => performance.now()): KeyCache {
  const known = new Map<string, Answer>();
  const unknown = new Map<string, Answer>();
  const flights = new Map<string, Flight>();

  const remember = (keyHash: string, answer: Answer): void => {
    const before = known.get(keyHash) ?? unknown.get(keyHash);
    if (before !== undefined && before.askedAtMs > answer.askedAtMs) return;
    known.delete(keyHash);
    unknown.delete(keyHash);
    if (answer.principal === null) put(unknown, keyHash, answer, UNKNOWN_MAX);
    else put(known, keyHash, answer, KNOWN_MAX);
  };

  const ask = (keyHash: string): Promise<Principal | null> => {
    const askedAtMs = nowMs();
    const answer = lookUp(keyHash)
      .then((principal) => {
        remember(keyHash, { principal, askedAtMs });
        return principal;
      })
      .finally(() => {
        if (flights.get(keyHash)?.askedAtMs === askedAtMs) flights.delete(keyHash);
      });
    flights.set(keyHash, { askedAtMs, answer });
    return answer;
  };

  return {
    async find(keyHash) {
      const at = nowMs();
      const flight = flights.get(keyHash);
      const joinable = flight !== undefined && at - flight.askedAtMs < TRUST_MS;
      const remembered = known.get(keyHash) ?? unknown.get(keyHash);
      const ageMs = remembered === undefined ? Number.POSITIVE_INFINITY : at - remembered.askedAtMs;
      if (remembered !== undefined && ageMs < TRUST_MS) {
        // A failure shows when the answer has become too old to be used.
        if (ageMs > REFRESH_AFTER_MS && !joinable) ask(keyHash).catch(() => undefined);
        return remembered.principal;
      }
      return joinable ? flight.answer : ask(keyHash);
    },
  };
}

function put(answers: Map<string, Answer>, keyHash: string, answer: Answer, max: number): void {
  if (answers.size >= max) {
    const oldest = answers.keys().next().value;
    if (oldest !== undefined) answers.delete(oldest);
  }
  answers.set(keyHash, answer);
}
