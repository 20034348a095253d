import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Assignment } from './assignment.ts';
import type { Message } from './kafka.ts';

const P0 = { topic: 't', partition: 0 };
const P1 = { topic: 't', partition: 1 };

function message(offset: number, partition = 0): Message {
  return { topic: 't', partition, offset, value: null, size: 0 };
}

describe('a partition that is held', () => {
  it('moves only over messages that are all done, in whatever order they end', () => {
    const count = 12;
    const offsets = Array.from({ length: count }, (_, index) => 100 + index * 3);
    const permutation = fc.shuffledSubarray(offsets, { minLength: count });
    fc.assert(
      fc.property(permutation, (order) => {
        const assignment = new Assignment();
        assignment.add([{ ...P0, offset: 100 }]);
        const { deliveries } = assignment.admit(offsets.map((offset) => message(offset)));
        const done = new Set<number>();
        for (const offset of order) {
          assignment.complete(deliveries.filter((d) => d.message.offset === offset));
          done.add(offset);
          const firstOpen = offsets.find((candidate) => !done.has(candidate));
          const processed = assignment.list()[0]?.offset ?? -1;
          expect(firstOpen === undefined || processed <= firstOpen).toBe(true);
          const last = offsets.findLast((o) => firstOpen === undefined || o < firstOpen);
          expect(processed).toBe(last === undefined ? 100 : last + 1);
        }
      }),
    );
  });

  it('is told apart from others: each keeps its own offset', () => {
    const assignment = new Assignment();
    assignment.add([
      { ...P0, offset: 0 },
      { ...P1, offset: 50 },
    ]);
    const { deliveries } = assignment.admit([message(0), message(50, 1), message(1)]);
    expect(assignment.complete(deliveries)).toEqual([
      { ...P0, offset: 2 },
      { ...P1, offset: 51 },
    ]);
  });

  it('leaves out what came before and counts what never came', () => {
    const assignment = new Assignment();
    assignment.add([{ ...P0, offset: 5 }]);
    const { deliveries, skipped } = assignment.admit([message(4), message(5), message(8)]);
    expect(deliveries.map((delivery) => delivery.message.offset)).toEqual([5, 8]);
    expect(skipped).toEqual(new Map([['t', 2]]));
  });
});

describe('a partition that was given back', () => {
  it('gives out nothing, and what was given out before counts for nothing', () => {
    const assignment = new Assignment();
    assignment.add([{ ...P0, offset: 0 }]);
    const { deliveries } = assignment.admit([message(0)]);
    assignment.remove([P0]);
    expect(assignment.admit([message(1)]).deliveries).toEqual([]);
    expect(assignment.complete(deliveries)).toEqual([]);
    expect(assignment.list()).toEqual([]);
  });

  it('comes back as another generation', () => {
    const assignment = new Assignment();
    assignment.add([{ ...P0, offset: 0 }]);
    const [old] = assignment.admit([message(0)]).deliveries;
    assignment.remove([P0]);
    assignment.add([{ ...P0, offset: 0 }]);
    const [current] = assignment.admit([message(0)]).deliveries;
    if (old === undefined || current === undefined) throw new Error('both were given out');
    expect([assignment.isCurrent(old), assignment.isCurrent(current)]).toEqual([false, true]);
    expect(assignment.complete([old])).toEqual([]);
    expect(assignment.complete([current])).toEqual([{ ...P0, offset: 1 }]);
  });
});
