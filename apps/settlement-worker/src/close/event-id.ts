import { createHash } from 'node:crypto';

/**
 * The id of an event by what it tells of: UUIDv8 by SHA-256 (RFC 9562, B.2), as `event_id` in SQL.
 * A second try names its events as the first did.
 */
export function eventIdOf(topic: string, ...about: readonly (string | number)[]): string {
  const name = [topic, ...about].join('/');
  const hex = createHash('sha256').update(name).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
