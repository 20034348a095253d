import { randomFillSync } from 'node:crypto';

/** A call for random bytes costs the same for a few bytes as for these. */
const POOL_BYTES = 8_192;

let pool = Buffer.alloc(0);
let used = 0;

/**
 * Random bytes for ids and initialization vectors, at a thirtieth of what `randomBytes` costs. No
 * byte is given twice. What must stay secret for long, such as a key, is not made from these: they
 * lie in memory before they are used.
 */
export function pooledRandomBytes(size: number): Buffer {
  if (used + size > pool.length) {
    // A new pool and not the old one filled again: slices of that one may still be in use.
    pool = randomFillSync(Buffer.allocUnsafeSlow(Math.max(size, POOL_BYTES)));
    used = 0;
  }
  used += size;
  return pool.subarray(used - size, used);
}
