import { describe, expect, it } from 'vitest';
import { createSchedule, dueDateOf } from './schedule.ts';

describe('the day that is due', () => {
  it.each([
    ['2026-03-31T15:09:59.999Z', '2026-03-30'],
    ['2026-03-31T15:10:00.000Z', '2026-03-31'],
    ['2026-04-01T15:09:00.000Z', '2026-03-31'],
    ['2025-12-31T15:10:00.000Z', '2025-12-31'],
  ])('at %s is %s', (now, due) => {
    expect(dueDateOf(new Date(now))).toBe(due);
  });
});

describe('the schedule', () => {
  function start(now: string, lastClosed: string | null, answer = true) {
    const state = { now: new Date(now), lastClosed, closed: [] as string[] };
    const schedule = createSchedule({
      clock: { now: () => state.now },
      readLastClosed: async () => state.lastClosed,
      close: async (date) => {
        state.closed.push(date);
        if (answer) state.lastClosed = date;
        return answer;
      },
    });
    return { state, schedule };
  }

  it('closes yesterday at ten past midnight in Seoul, once', async () => {
    const { state, schedule } = start('2026-03-31T15:09:59Z', '2026-03-30');
    expect(await schedule.runOnce()).toBe(0);
    state.now = new Date('2026-03-31T15:10:00Z');
    expect(await schedule.runOnce()).toBe(1);
    expect(await schedule.runOnce()).toBe(0);
    expect(state.closed).toEqual(['2026-03-31']);
  });

  it('catches up after it was down', async () => {
    const { state, schedule } = start('2026-03-31T16:00:00Z', '2026-03-28');
    await schedule.runOnce();
    expect(state.closed).toEqual(['2026-03-31']);
  });

  it('leaves a day alone that was closed early', async () => {
    const { state, schedule } = start('2026-03-31T16:00:00Z', '2026-04-01');
    await schedule.runOnce();
    expect(state.closed).toEqual([]);
  });

  it('begins with the first day that ends while it runs', async () => {
    const { state, schedule } = start('2026-03-31T16:00:00Z', null);
    expect(await schedule.runOnce()).toBe(0);
    state.now = new Date('2026-04-01T15:10:00Z');
    expect(await schedule.runOnce()).toBe(1);
    expect(state.closed).toEqual(['2026-04-01']);
  });

  it('rests when another instance is at it', async () => {
    const { schedule } = start('2026-03-31T16:00:00Z', '2026-03-28', false);
    expect(await schedule.runOnce()).toBe(0);
  });
});
