import { v7 } from 'uuid';
import { pooledRandomBytes } from './random.ts';

const RANDOM_BYTES = 16;

/** A UUIDv7: unique, and ordered by the time of its making. */
export function newId(): string {
  return v7({ random: pooledRandomBytes(RANDOM_BYTES) });
}

/**
 * The least UUIDv7 of a millisecond: ids made before it are smaller, so a range of ids is a range
 * of times.
 */
export function idLowerBound(instant: Date): string {
  const hex = Math.max(0, instant.getTime()).toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}
