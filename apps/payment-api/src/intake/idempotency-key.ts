import { ProblemError } from '@mini-pg/runtime';

const BARE = /^[\x21-\x7e]{8,255}$/;
const QUOTED = /^"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/;

/**
 * Reads `Idempotency-Key`: 8 to 255 visible ASCII characters, bare or as a quoted string
 * (draft-ietf-httpapi-idempotency-key-header, RFC 8941 String). Both forms name the same key.
 *
 * @throws ProblemError IDEMPOTENCY_KEY_MISSING or IDEMPOTENCY_KEY_INVALID
 */
export function readIdempotencyKey(header: string | string[] | undefined): string {
  const value = Array.isArray(header) ? header.join(', ') : header;
  if (value === undefined || value.trim() === '') throw new ProblemError('IDEMPOTENCY_KEY_MISSING');
  const quoted = QUOTED.exec(value)?.[1];
  const key = quoted === undefined ? value : quoted.replace(/\\(["\\])/g, '$1');
  if (!BARE.test(key) || (quoted === undefined && key.startsWith('"'))) {
    throw new ProblemError('IDEMPOTENCY_KEY_INVALID');
  }
  return key;
}

const WAIT_SECONDS_MAX = 30;

/** `Prefer: wait=N` in seconds, clamped to 30; 0 when absent or not understood (RFC 7240). */
export function readWaitSeconds(header: string | string[] | undefined): number {
  const value = Array.isArray(header) ? header.join(', ') : (header ?? '');
  const wait = /(?:^|,)\s*wait\s*=\s*(?:"(\d{1,9})"|(\d{1,9}))\s*(?:;[^,]*)?(?=,|$)/i.exec(value);
  const seconds = Number(wait?.[1] ?? wait?.[2] ?? 0);
  return Math.min(seconds, WAIT_SECONDS_MAX);
}
