import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BatchPorts, PoisonError, processBatch } from './process-batch.ts';

class TransientError extends Error {}

interface Journal {
  readonly handled: number[];
  readonly done: number[];
  readonly buried: { item: number; attempts: number; reason: string }[];
  retries: number;
}

/** Ports over a handler; `lost` takes items away after so many failures. */
function portsOver(
  handle: (items: readonly number[]) => void,
  overrides: Partial<BatchPorts<number>> = {},
): { journal: Journal; ports: BatchPorts<number> } {
  const journal: Journal = { handled: [], done: [], buried: [], retries: 0 };
  const ports: BatchPorts<number> = {
    async handle(items) {
      handle(items);
      journal.handled.push(...items);
    },
    isTransient: (error) => error instanceof TransientError,
    async retryLater() {
      journal.retries += 1;
    },
    async bury(item, error, attempts) {
      journal.buried.push({ item, attempts, reason: (error as Error).message });
      return true;
    },
    current: (items) => items,
    done: (items) => {
      journal.done.push(...items);
    },
    ...overrides,
  };
  return { journal, ports };
}

describe('a batch that its handler takes', () => {
  it('is handled at once, as a whole', async () => {
    const calls: number[] = [];
    const { journal, ports } = portsOver((items) => calls.push(items.length));
    await processBatch([1, 2, 3], ports);
    expect(calls).toEqual([3]);
    expect(journal.done).toEqual([1, 2, 3]);
  });
});

describe('a batch with a culprit', () => {
  it('makes a dead letter of the culprit alone; the others are handled once, in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat(30), { minLength: 1, maxLength: 12 }),
        fc.func(fc.boolean()),
        fc.func(fc.boolean()),
        async (items, isBad, isPoison) => {
          const { journal, ports } = portsOver((batch) => {
            const bad = batch.find((item) => isBad(item));
            if (bad === undefined) return;
            throw isPoison(bad) ? new PoisonError('poison') : new Error('bug');
          });
          await processBatch(items, ports);
          expect(journal.handled).toEqual(items.filter((item) => !isBad(item)));
          expect(journal.buried.map(({ item }) => item)).toEqual(items.filter((i) => isBad(i)));
          expect(journal.done).toEqual(items);
        },
      ),
    );
  });

  it('counts the attempts, the one as a batch included', async () => {
    const { journal, ports } = portsOver((batch) => {
      if (batch.includes(2)) throw new Error('bug');
    });
    await processBatch([1, 2], ports);
    expect(journal.buried).toEqual([{ item: 2, attempts: 2, reason: 'bug' }]);
  });

  it('is tried a second time when it is alone, unless its handler calls it poison', async () => {
    const bug = portsOver(() => {
      throw new Error('bug');
    });
    await processBatch([1], bug.ports);
    const poison = portsOver(() => {
      throw new PoisonError('poison');
    });
    await processBatch([1], poison.ports);
    expect([bug.journal.buried[0]?.attempts, poison.journal.buried[0]?.attempts]).toEqual([2, 1]);
  });

  it('is not done when its dead letter was given up', async () => {
    const { journal, ports } = portsOver(
      () => {
        throw new PoisonError('poison');
      },
      { bury: async () => false },
    );
    await processBatch([1], ports);
    expect(journal.done).toEqual([]);
  });
});

describe('a batch that fails for a while', () => {
  it('is tried again as a whole until it passes', async () => {
    let failures = 4;
    const { journal, ports } = portsOver(() => {
      if (failures-- > 0) throw new TransientError('database away');
    });
    await processBatch([1, 2], ports);
    expect(journal).toMatchObject({ handled: [1, 2], done: [1, 2], buried: [], retries: 4 });
  });

  it('is waited for in the middle of single events as well', async () => {
    let failures = 2;
    const { journal, ports } = portsOver((batch) => {
      if (batch.includes(2)) throw new PoisonError('poison');
      if (batch.includes(3) && failures-- > 0) throw new TransientError('database away');
    });
    await processBatch([1, 2, 3], ports);
    expect(journal.handled).toEqual([1, 3]);
    expect(journal.done).toEqual([1, 2, 3]);
    expect(journal.retries).toBe(2);
  });

  it('leaves out what was taken away meanwhile', async () => {
    let failures = 1;
    let held = [1, 2, 3];
    const { journal, ports } = portsOver(
      () => {
        if (failures-- > 0) throw new TransientError('database away');
      },
      {
        current: (items) => items.filter((item) => held.includes(item)),
        retryLater: async () => {
          held = [1, 3];
        },
      },
    );
    await processBatch([1, 2, 3], ports);
    expect(journal.handled).toEqual([1, 3]);
    expect(journal.done).toEqual([1, 3]);
  });
});
