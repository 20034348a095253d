import { setTimeout as sleep } from 'node:timers/promises';
import type { LivingSystem } from './living-system.ts';
import type { Order } from './traffic.ts';
import { openPayments } from './verdict.ts';

const LOOK_EVERY_MS = 200;

/** Notes when each order came to its end, until it is stopped. */
export function watchEndings(
  living: LivingSystem,
  orders: readonly Order[],
): { stop(): Promise<void> } {
  let isStopped = false;
  const watching = (async () => {
    while (!isStopped) {
      // Postgres may be what is broken at the moment.
      await look(living, orders).catch(() => undefined);
      await sleep(LOOK_EVERY_MS);
    }
  })();
  return {
    async stop() {
      isStopped = true;
      await watching;
    },
  };
}

async function look(living: LivingSystem, orders: readonly Order[]): Promise<void> {
  const unended = orders.filter(({ isOver, endedAtMs }) => isOver && endedAtMs === undefined);
  if (unended.length === 0) return;
  const open = new Set(await openPayments(living, unended));
  const now = performance.now();
  for (const order of unended) {
    if ([...order.ids].every((id) => !open.has(id))) order.endedAtMs = now;
  }
}

/**
 * How long it took from a moment until everything that was sent before had its end, in milliseconds;
 * infinite where something has none.
 */
export function recoveryFrom(orders: readonly Order[], since: number): number {
  const before = orders.filter(({ sentAtMs }) => sentAtMs <= since);
  const ends = before.map(({ endedAtMs = Number.POSITIVE_INFINITY }) => endedAtMs);
  return Math.max(0, ...ends.map((end) => end - since));
}
