import { describe, expect, it } from 'vitest';
import { type PartitionVitals, Watchdog } from './watchdog.ts';

const LIMITS = { loopTicksMax: 5, progressTicksMax: 3 };

function vitals(changes: Partial<PartitionVitals> = {}): PartitionVitals {
  return { topic: 't', partition: 0, behind: true, dead: false, processed: 7, ...changes };
}

/** Ticks with a loop that turns; returns what was wrong at last. */
function tick(
  watchdog: Watchdog,
  times: number,
  stateOf: (count: number) => readonly PartitionVitals[],
): string | undefined {
  let problem: string | undefined;
  for (let count = 0; count < times; count += 1) {
    watchdog.noteRound();
    problem = watchdog.tick(stateOf(count));
  }
  return problem;
}

describe('a watchdog', () => {
  it('reports a loop that does not turn, until it turns again', () => {
    const watchdog = new Watchdog(LIMITS);
    for (let count = 0; count < 5; count += 1) expect(watchdog.tick([])).toBeUndefined();
    expect(watchdog.tick([])).toContain('loop has not turned');
    watchdog.noteRound();
    expect(watchdog.tick([])).toBeUndefined();
  });

  it('reports a consumer that is behind and does not move', () => {
    const watchdog = new Watchdog(LIMITS);
    expect(tick(watchdog, 4, () => [vitals()])).toBeUndefined();
    expect(tick(watchdog, 1, () => [vitals()])).toBe(
      'the consumer is behind and has not moved for 4 checks',
    );
  });

  it('reports a partition that the client gave up, though others move', () => {
    const watchdog = new Watchdog(LIMITS);
    const state = (count: number) => [
      vitals({ partition: 1, behind: false, dead: true }),
      vitals({ processed: count }),
    ];
    expect(tick(watchdog, 4, state)).toBeUndefined();
    expect(tick(watchdog, 1, (count) => state(100 + count))).toContain('t[1] has not been read');
  });

  it('lets a partition wait for others, but not for ever', () => {
    const watchdog = new Watchdog(LIMITS);
    const state = (count: number) => [vitals({ partition: 1 }), vitals({ processed: count })];
    expect(tick(watchdog, 31, state)).toBeUndefined();
    expect(tick(watchdog, 1, (count) => state(100 + count))).toContain('t[1] is behind');
  });

  it('is content with a partition that moves however slowly', () => {
    const watchdog = new Watchdog(LIMITS);
    for (let processed = 0; processed < 20; processed += 1) {
      expect(tick(watchdog, 3, () => [vitals({ processed })])).toBeUndefined();
    }
  });

  it('is content with a partition that has nothing to do', () => {
    const watchdog = new Watchdog(LIMITS);
    expect(tick(watchdog, 50, () => [vitals({ behind: false })])).toBeUndefined();
  });

  it('begins anew after a partition caught up', () => {
    const watchdog = new Watchdog(LIMITS);
    tick(watchdog, 4, () => [vitals()]);
    tick(watchdog, 1, () => [vitals({ behind: false })]);
    expect(tick(watchdog, 3, () => [vitals()])).toBeUndefined();
  });
});
