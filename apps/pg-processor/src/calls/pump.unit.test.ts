import type { Pg } from '@mini-pg/domain';
import { createLogger, Gauge, Registry } from '@mini-pg/runtime';
import { describe, expect, it, vi } from 'vitest';
import { createPump, type Pump, type PumpClock } from './pump.ts';

const logger = createLogger({ service: 'test', level: 'silent' });

interface Item {
  readonly pg: Pg;
  readonly id: number;
}

interface Bench {
  readonly pump: Pump;
  readonly queue: Item[];
  readonly started: Item[];
  /** Ends the item that runs longest of a PG. */
  finish(pg: Pg): void;
  running(pg: Pg): number;
  most: number;
}

function bench(slots: Partial<Record<Pg, number>>, clock?: PumpClock): Bench {
  const queue: Item[] = [];
  const started: Item[] = [];
  const ends = new Map<Pg, (() => void)[]>();
  const result: Bench = {
    queue,
    started,
    most: 0,
    finish: (pg) => ends.get(pg)?.shift()?.(),
    running: (pg) => ends.get(pg)?.length ?? 0,
    pump: createPump<Item>({
      name: 'test',
      slots: new Map(Object.entries(slots) as [Pg, number][]),
      pgOf: ({ pg }) => pg,
      claim: async (free) => {
        const taken: Item[] = [];
        for (const [pg, count] of free) {
          const own = queue.filter((item) => item.pg === pg).slice(0, count);
          for (const item of own) queue.splice(queue.indexOf(item), 1);
          taken.push(...own);
        }
        return taken;
      },
      run: (item) => {
        started.push(item);
        return new Promise<void>((resolve) => {
          ends.set(item.pg, [...(ends.get(item.pg) ?? []), resolve]);
          result.most = Math.max(result.most, result.running(item.pg));
        });
      },
      slotsInUse: new Gauge({
        name: 'slots',
        help: 'slots',
        labelNames: ['pg', 'use'],
        registers: [new Registry()],
      }),
      logger,
      ...(clock ? { clock } : {}),
    }),
  };
  return result;
}

/** A clock that stands still, and on which a sleep lasts until it is ended. */
function standingClock() {
  const sleeps: { ms: number; end: () => void }[] = [];
  const clock = {
    atMs: 1_000,
    nowMs: () => clock.atMs,
    sleep: (ms: number) => new Promise<void>((end) => sleeps.push({ ms, end })),
    /** How long each sleep until now was to last. */
    slept: () => sleeps.map(({ ms }) => ms),
    endSleep() {
      const sleep = sleeps.at(-1);
      clock.atMs += sleep?.ms ?? 0;
      sleep?.end();
    },
  };
  return clock;
}

const items = (pg: Pg, count: number): Item[] =>
  Array.from({ length: count }, (_, id) => ({ pg, id }));

async function stop(one: Bench): Promise<void> {
  const stopping = one.pump.stop();
  for (const pg of ['toss', 'inicis'] as const) while (one.running(pg) > 0) one.finish(pg);
  await stopping;
}

describe('a pump', () => {
  it('runs no more of a PG than it has slots, and fills each that comes free', async () => {
    const one = bench({ toss: 3 });
    one.queue.push(...items('toss', 10));
    one.pump.start(1_000_000);
    await vi.waitFor(() => expect(one.started).toHaveLength(3));
    for (let done = 1; done <= 7; done += 1) {
      one.finish('toss');
      await vi.waitFor(() => expect(one.started).toHaveLength(3 + done));
    }
    expect(one.most).toBe(3);
    await stop(one);
  });

  it('goes on with one PG while every slot of another hangs', async () => {
    const one = bench({ toss: 2, inicis: 2 });
    one.queue.push(...items('inicis', 5), ...items('toss', 20));
    one.pump.start(1_000_000);
    await vi.waitFor(() => expect(one.started).toHaveLength(4));
    for (let done = 1; done <= 18; done += 1) {
      one.finish('toss');
      await vi.waitFor(() => expect(one.started).toHaveLength(4 + done));
    }
    expect(one.running('inicis')).toBe(2);
    expect(one.queue).toEqual(items('inicis', 5).slice(2));
    await stop(one);
  });

  it('starts at once what it is woken for', async () => {
    const one = bench({ toss: 2 });
    one.pump.start(1_000_000);
    one.queue.push(...items('toss', 1));
    one.pump.wake();
    await vi.waitFor(() => expect(one.started).toHaveLength(1));
    await stop(one);
  });

  it('gives the slot of an item back that failed', async () => {
    const one = bench({ toss: 1 });
    const failing = createPump<Item>({
      name: 'failing',
      slots: new Map([['toss', 1]]),
      pgOf: ({ pg }) => pg,
      claim: async () => one.queue.splice(0, 1),
      run: () => Promise.reject(new Error('no')),
      slotsInUse: new Gauge({
        name: 'slots',
        help: 'slots',
        labelNames: ['pg', 'use'],
        registers: [new Registry()],
      }),
      logger,
    });
    one.queue.push(...items('toss', 2));
    expect(await failing.runOnce()).toBe(1);
    expect(await failing.runOnce()).toBe(1);
    expect(await failing.runOnce()).toBe(0);
  });

  it('waits for what runs when it is stopped, and claims nothing more', async () => {
    const one = bench({ toss: 1 });
    one.queue.push(...items('toss', 2));
    one.pump.start(1_000_000);
    await vi.waitFor(() => expect(one.started).toHaveLength(1));
    let isStopped = false;
    const stopping = one.pump.stop().then(() => {
      isStopped = true;
    });
    await Promise.resolve();
    expect(isStopped).toBe(false);
    one.finish('toss');
    await stopping;
    expect(one.started).toHaveLength(1);
  });
});

describe('a pump between two claims', () => {
  it.each([
    [1, 1],
    [7, 7],
    [20, 20],
    [300, 20],
  ])('rests after one of %i for %i ms', async (count, restMs) => {
    const clock = standingClock();
    const one = bench({ toss: 1_000 }, clock);
    one.queue.push(...items('toss', count));
    one.pump.start(1_000_000);
    await vi.waitFor(() => expect(one.started).toHaveLength(count));
    expect(clock.slept()).toEqual([]);

    one.queue.push(...items('toss', 5));
    one.pump.wake();
    await vi.waitFor(() => expect(clock.slept()).toEqual([restMs]));
    expect(one.started).toHaveLength(count);
    clock.endSleep();
    await vi.waitFor(() => expect(one.started).toHaveLength(count + 5));
    await stop(one);
  });

  it('does not rest when that time is over already', async () => {
    const clock = standingClock();
    const one = bench({ toss: 1_000 }, clock);
    one.queue.push(...items('toss', 300));
    one.pump.start(1_000_000);
    await vi.waitFor(() => expect(one.started).toHaveLength(300));
    clock.atMs += 20;
    one.queue.push(...items('toss', 1));
    one.pump.wake();
    await vi.waitFor(() => expect(one.started).toHaveLength(301));
    expect(clock.slept()).toEqual([]);
    await stop(one);
  });

  it('waits for more slots to come free while few are', async () => {
    const clock = standingClock();
    const one = bench({ toss: 16 }, clock);
    one.queue.push(...items('toss', 15));
    one.pump.start(1_000_000);
    await vi.waitFor(() => expect(one.started).toHaveLength(15));
    clock.atMs += 20;
    one.queue.push(...items('toss', 1));
    one.pump.wake();
    await vi.waitFor(() => expect(clock.slept()).toEqual([5]));
    expect(one.started).toHaveLength(15);
    clock.endSleep();
    await vi.waitFor(() => expect(one.started).toHaveLength(16));
    await vi.waitFor(() => expect(clock.slept()).toHaveLength(2));
    clock.endSleep();
    await stop(one);
  });
});
