import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDeadlines } from './deadlines.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'performance'] });
});

afterEach(() => {
  vi.useRealTimers();
});

/** Lets time pass, and the turn of the event loop that the last timer ended in. */
async function pass(ms: number): Promise<void> {
  vi.advanceTimersByTime(ms);
  await new Promise((resolve) => setImmediate(resolve));
}

function start() {
  const expired: string[] = [];
  const deadlines = createDeadlines(50);
  return { expired, add: (name: string) => deadlines.add(() => expired.push(name)) };
}

describe('deadlines of one length', () => {
  it('end each in its own time, in order', async () => {
    const { expired, add } = start();
    add('a');
    await pass(20);
    add('b');
    await pass(30);
    expect(expired).toEqual(['a']);
    await pass(20);
    expect(expired).toEqual(['a', 'b']);
  });

  it('do not end once they are cancelled, and say whether that was in time', async () => {
    const { expired, add } = start();
    const cancelled = add('a');
    const late = add('b');
    expect(cancelled.cancel()).toBe(true);
    expect(cancelled.cancel()).toBe(false);
    await pass(50);
    expect(late.cancel()).toBe(false);
    expect(expired).toEqual(['b']);
  });

  it('hold for one that comes after all before it are over', async () => {
    const { expired, add } = start();
    add('a').cancel();
    await pass(49);
    add('b');
    await pass(49);
    expect(expired).toEqual([]);
    await pass(1);
    expect(expired).toEqual(['b']);
  });

  it('take new ones while they end', async () => {
    const expired: string[] = [];
    const deadlines = createDeadlines(50);
    deadlines.add(() => {
      expired.push('a');
      deadlines.add(() => expired.push('b'));
    });
    await pass(50);
    expect(expired).toEqual(['a']);
    await pass(50);
    expect(expired).toEqual(['a', 'b']);
  });
});
