import { setTimeout as sleep } from 'node:timers/promises';
import type { Pg } from '@mini-pg/domain';
import { type Gauge, type Logger, type Loop, startLoop } from '@mini-pg/runtime';

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
  /** The machine's, unless given. */
  readonly clock?: PumpClock;
}

/** What a pump waits by. */
export interface PumpClock {
  /** On the monotonic clock. */
  nowMs(): number;
  sleep(ms: number): Promise<unknown>;
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

/**
 * After a claim the next one waits a millisecond for each item that it got, up to this: claims stay
 * few while there is much to call, and a lone item waits for nothing.
 */
const PACE_MAX_MS = 20;

const MACHINE_CLOCK: PumpClock = { nowMs: () => performance.now(), sleep: (ms) => sleep(ms) };

export function createPump<Item>(options: PumpOptions<Item>): Pump {
  return new SlotPump(options);
}

class SlotPump<Item> implements Pump {
  readonly #options: PumpOptions<Item>;
  readonly #clock: PumpClock;
  readonly #inUse = new Map<Pg, number>();
  readonly #running = new Set<Promise<void>>();
  readonly #slotsTotal: number;
  /** A claim was cut short by the slots, so there may be more to claim. */
  #isHungry = false;
  /** When the next claim may be made, on the monotonic clock. */
  #claimAtMs = 0;
  #loop: Loop | undefined;

  constructor(options: PumpOptions<Item>) {
    this.#options = options;
    this.#clock = options.clock ?? MACHINE_CLOCK;
    this.#slotsTotal = sumOf(options.slots.values());
  }

  start(idleMs: number): void {
    const { name, logger } = this.#options;
    this.#loop = startLoop({ name, idleMs, logger, runOnce: () => this.#round() });
  }

  wake(): void {
    this.#loop?.wake();
  }

  async runOnce(): Promise<number> {
    const count = await this.#claim();
    await Promise.all(this.#running);
    return count;
  }

  async stop(): Promise<void> {
    await this.#loop?.stop();
    await Promise.all(this.#running);
  }

  async #round(): Promise<number> {
    const free = sumOf(this.#freeSlots().values());
    const gatherMs = free < this.#slotsTotal * FREE_SHARE_MIN ? GATHER_MS : 0;
    const restMs = Math.max(gatherMs, this.#claimAtMs - this.#clock.nowMs());
    if (restMs > 0) await this.#clock.sleep(restMs);
    const count = await this.#claim();
    this.#claimAtMs = this.#clock.nowMs() + Math.min(count, PACE_MAX_MS);
    // Nothing more waits unless the claim was cut short, so the next round needs no haste.
    return this.#isHungry ? count : 0;
  }

  async #claim(): Promise<number> {
    const { slots, claim, pgOf } = this.#options;
    const free = new Map(
      [...this.#freeSlots()]
        .filter(([, count]) => count > 0)
        .map(([pg, count]) => [pg, Math.min(count, CLAIM_MAX)]),
    );
    this.#isHungry = free.size < slots.size;
    if (free.size === 0) return 0;
    const items = await claim(free);
    for (const item of items) this.#run(item);
    const taken = Map.groupBy(items, pgOf);
    this.#isHungry ||= [...free].some(([pg, count]) => (taken.get(pg)?.length ?? 0) >= count);
    return items.length;
  }

  #run(item: Item): void {
    const { pgOf, run, name, logger } = this.#options;
    const pg = pgOf(item);
    this.#use(pg, 1);
    const work = run(item)
      .catch((error: unknown) => {
        logger.error({ err: error, pump: name }, 'a call was left to its lease');
      })
      .finally(() => {
        this.#use(pg, -1);
        this.#running.delete(work);
        if (this.#isHungry) this.wake();
      });
    this.#running.add(work);
  }

  #use(pg: Pg, slots: number): void {
    this.#inUse.set(pg, (this.#inUse.get(pg) ?? 0) + slots);
    this.#options.slotsInUse.inc({ pg, use: this.#options.name }, slots);
  }

  #freeSlots(): Map<Pg, number> {
    return new Map(
      [...this.#options.slots].map(([pg, slots]) => [pg, slots - (this.#inUse.get(pg) ?? 0)]),
    );
  }
}

function sumOf(numbers: Iterable<number>): number {
  return [...numbers].reduce((sum, number) => sum + number, 0);
}
