import { createHash } from 'node:crypto';

/** The column `source_key`: unique like the adapter's key, without showing it. */
export function hashSourceKey(sourceKey: string): string {
  return createHash('sha256').update(sourceKey, 'utf8').digest('hex');
}
