import type { PgProfile } from '@mini-pg/runtime';

/** From the claim to the first byte. A call that starts later is not made. */
const START_MAX_MS = 5_000;

/** From the last byte of an answer to its record. */
const RECORD_MAX_MS = 5_000;

type Timeouts = Pick<PgProfile, 'connectTimeoutMs' | 'readTimeoutMs'>;

/** A lease covers the whole of one call, with what comes before and after it. */
export function leaseMs({ connectTimeoutMs, readTimeoutMs }: Timeouts): number {
  return START_MAX_MS + connectTimeoutMs + readTimeoutMs + RECORD_MAX_MS;
}

/**
 * Until when bytes may be written, on the monotonic clock: so that a call which starts at the last
 * moment is answered and recorded before its lease is over. `readAtMs` is from before the lease was
 * read, which errs on the safe side.
 */
export function sendUntilMs(readAtMs: number, leaseLeftMs: number, timeouts: Timeouts): number {
  return readAtMs + leaseLeftMs - timeouts.readTimeoutMs - RECORD_MAX_MS;
}
