import { setTimeout as sleep } from 'node:timers/promises';
import type { PartitionProgress } from '@mini-pg/messaging';
import { CloseError } from './errors.ts';

const WAIT_MAX_MS = 60_000;
const CHECK_INTERVAL_MS = 250;
const PARTITIONS_NAMED_MAX = 5;

export interface WaitOptions {
  /** Reads where the topics end and how far the group of the facts has committed. */
  readonly readProgress: () => Promise<readonly PartitionProgress[]>;
  readonly waitMaxMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Waits until the group that stores the facts has committed past the ends that the topics had when
 * this began, so that a close misses no fact that was there.
 *
 * @throws CloseError after a minute, naming the partitions that are behind.
 */
export async function waitForFacts(options: WaitOptions): Promise<void> {
  const waitMaxMs = options.waitMaxMs ?? WAIT_MAX_MS;
  const deadline = performance.now() + waitMaxMs;
  const start = await options.readProgress();
  const ends = new Map(start.map((partition) => [nameOf(partition), partition.endOffset]));
  let behind = start.filter(isBehind(ends));
  while (behind.length > 0) {
    if (performance.now() > deadline) {
      const names = behind.slice(0, PARTITIONS_NAMED_MAX).map(nameOf);
      const more = behind.length > names.length ? ` and ${behind.length - names.length} more` : '';
      throw new CloseError(
        `facts are still being stored after ${waitMaxMs / 1000} s (${names.join(', ')}${more}): ` +
          'see that settlement-worker runs and is healthy, then run this again',
      );
    }
    await sleep(CHECK_INTERVAL_MS, undefined, { signal: options.signal });
    behind = (await options.readProgress()).filter(isBehind(ends));
  }
}

function isBehind(ends: ReadonlyMap<string, bigint>) {
  return (partition: PartitionProgress): boolean => {
    const end = ends.get(nameOf(partition)) ?? 0n;
    return (partition.committed ?? 0n) < end;
  };
}

function nameOf({ topic, partition }: PartitionProgress): string {
  return `${topic}[${partition}]`;
}
