import { setTimeout as sleep } from 'node:timers/promises';
import type { Pg } from '@mini-pg/domain';
import { type Gauge, type Logger, startLoop } from '@mini-pg/runtime';

export interface PumpOptions<Item> {
  readonly name: string;
  /** How many items of each PG may run at once. */
  readonly slots: ReadonlyMap<Pg, number>;
  readonly pgOf: (item: Item) => Pg;
  /** Takes at most `free` items of each PG. */
  readonly claim: (free: ReadonlyMap<Pg, number>) => Promise<readonly Item[]>;
  /** Its errors are logged: whatever it leaves behind comes back by a lease. */
  readonly run: (item: Item) => Promise<void>;
  readonly slotsInUse: Gauge<'pg' | 'use'>;
  readonly logger: Logger;
}

/** Keeps the slots of every PG full, each PG apart: a slow one never holds up the others. */
export interface Pump {
  /** Claims in a loop of its own until it is stopped. */
  start(idleMs: number): void;
  /** There is something to claim. */
  wake(): void;
  /** Claims once, waits for all that runs, and returns how many were claimed. */
  runOnce(): Promise<number>;
  /** Claims nothing more and waits for what runs. */
  stop(): Promise<void>;
}

/** The most that one statement claims of one PG. */
const CLAIM_MAX = 500;

/** With fewer free slots than this share, a round waits for more, so that claims stay few. */
const FREE_SHARE_MIN = 1 / 8;
const GATHER_MS = 5;

export function createPump<Item>(options: PumpOptions<Item>): Pump {
  const inUse = new Map<Pg, number>([...options.slots.keys()].map((pg) => [pg, 0]));
  const running = new Set<Promise<void>>();
  const slotsTotal = [...options.slots.values()].reduce((sum, slots) => sum + slots, 0);
  /** A claim was cut short by the slots, so there may be more to claim. */
  let isHungry = false;
  let loop: ReturnType<typeof startLoop> | undefined;

  const freeSlots = (): Map<Pg, number> =>
    new Map([...options.slots].map(([pg, slots]) => [pg, slots - (inUse.get(pg) ?? 0)]));

  const move = (pg: Pg, by: number) => {
    inUse.set(pg, (inUse.get(pg) ?? 0) + by);
    options.slotsInUse.inc({ pg, use: options.name }, by);
  };

  const run = (item: Item) => {
    const pg = options.pgOf(item);
    move(pg, 1);
    const work = options
      .run(item)
      .catch((error: unknown) => {
        options.logger.error({ err: error, pump: options.name }, 'a call was left to its lease');
      })
      .finally(() => {
        move(pg, -1);
        running.delete(work);
        if (isHungry) loop?.wake();
      });
    running.add(work);
  };

  const claim = async (): Promise<number> => {
    const free = new Map(
      [...freeSlots()]
        .filter(([, slots]) => slots > 0)
        .map(([pg, slots]) => [pg, Math.min(slots, CLAIM_MAX)]),
    );
    isHungry = free.size < options.slots.size;
    if (free.size === 0) return 0;
    const items = await options.claim(free);
    for (const item of items) run(item);
    const taken = Map.groupBy(items, options.pgOf);
    isHungry ||= [...free].some(([pg, slots]) => (taken.get(pg)?.length ?? 0) >= slots);
    return items.length;
  };

  const round = async (): Promise<number> => {
    const free = [...freeSlots().values()].reduce((sum, slots) => sum + slots, 0);
    if (free < slotsTotal * FREE_SHARE_MIN) await sleep(GATHER_MS);
    const count = await claim();
    // Nothing more waits unless the claim was cut short, so the next round needs no haste.
    return isHungry ? count : 0;
  };

  return {
    start(idleMs) {
      const { name, logger } = options;
      loop = startLoop({ name, idleMs, logger, runOnce: round });
    },
    wake: () => loop?.wake(),
    async runOnce() {
      const count = await claim();
      await Promise.all(running);
      return count;
    },
    async stop() {
      await loop?.stop();
      await Promise.all(running);
    },
  };
}
