import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCoalescer, QueueFullError } from './coalescer.ts';

/** A flush whose batches the test ends one by one. */
function controlled() {
  const batches: { items: readonly number[]; end: (error?: Error) => void }[] = [];
  const flush = (items: readonly number[]) =>
    new Promise<readonly string[]>((resolve, reject) => {
      const end = (error?: Error) =>
        error === undefined ? resolve(items.map((item) => `#${item}`)) : reject(error);
      batches.push({ items, end });
    });
  return { batches, flush };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a coalescer', () => {
  it('writes a lone item at once', async () => {
    const { batches, flush } = controlled();
    const coalescer = createCoalescer({ flush, batchMax: 10, queueMax: 10 });
    const result = coalescer.submit(1);
    await turn();
    expect(batches.map((batch) => batch.items)).toEqual([[1]]);
    batches[0]?.end();
    expect(await result).toBe('#1');
  });

  it('gathers what comes while a batch is being written', async () => {
    const { batches, flush } = controlled();
    const coalescer = createCoalescer({ flush, batchMax: 3, queueMax: 10 });
    const first = coalescer.submit(0);
    await turn();
    const rest = [1, 2, 3, 4].map((item) => coalescer.submit(item));
    await turn();
    expect(batches).toHaveLength(1);
    batches[0]?.end();
    await first;
    await turn();
    batches[1]?.end();
    await turn();
    batches[2]?.end();
    expect(await Promise.all(rest)).toEqual(['#1', '#2', '#3', '#4']);
    expect(batches.map((batch) => batch.items)).toEqual([[0], [1, 2, 3], [4]]);
  });

  it('refuses what its queue has no room for, and nothing else', async () => {
    const { batches, flush } = controlled();
    const coalescer = createCoalescer({ flush, batchMax: 1, queueMax: 2 });
    const first = coalescer.submit(0);
    await turn();
    const queued = [coalescer.submit(1), coalescer.submit(2)];
    await expect(coalescer.submit(3)).rejects.toBeInstanceOf(QueueFullError);
    for (let i = 0; i < 3; i += 1) {
      batches[i]?.end();
      await turn();
      await turn();
    }
    expect(await Promise.all([first, ...queued])).toEqual(['#0', '#1', '#2']);
  });

  it('rejects the items of a batch that failed and goes on with the next', async () => {
    const { batches, flush } = controlled();
    const coalescer = createCoalescer({ flush, batchMax: 1, queueMax: 2 });
    const failing = coalescer.submit(1);
    await turn();
    batches[0]?.end(new Error('the disk is full'));
    await expect(failing).rejects.toThrow('the disk is full');
    const next = coalescer.submit(2);
    await turn();
    batches[1]?.end();
    expect(await next).toBe('#2');
  });

  it('writes what is queued when it drains, and takes nothing new', async () => {
    const { batches, flush } = controlled();
    const coalescer = createCoalescer({ flush, batchMax: 1, queueMax: 5 });
    const sent = [coalescer.submit(1), coalescer.submit(2)];
    await turn();
    const drained = coalescer.drain();
    await expect(coalescer.submit(3)).rejects.toBeInstanceOf(QueueFullError);
    batches[0]?.end();
    await sent[0];
    await turn();
    batches[1]?.end();
    await drained;
    expect(await sent[1]).toBe('#2');
  });

  it('answers every item with its own result, whatever the batches', async () => {
    const sizes = fc.record({
      batchMax: fc.integer({ min: 1, max: 7 }),
      flushesMax: fc.integer({ min: 1, max: 3 }),
      items: fc.array(fc.nat(), { maxLength: 60 }),
    });
    await fc.assert(
      fc.asyncProperty(sizes, async ({ batchMax, flushesMax, items }) => {
        let flushing = 0;
        let largest = 0;
        const coalescer = createCoalescer<number, number>({
          batchMax,
          flushesMax,
          queueMax: 100,
          flush: async (batch) => {
            flushing += 1;
            largest = Math.max(largest, batch.length);
            expect(flushing).toBeLessThanOrEqual(flushesMax);
            await turn();
            flushing -= 1;
            return batch.map((item) => item * 2);
          },
        });
        const results = await Promise.all(items.map((item) => coalescer.submit(item)));
        expect(results).toEqual(items.map((item) => item * 2));
        expect(largest).toBeLessThanOrEqual(batchMax);
      }),
      { numRuns: 50 },
    );
  });
});
