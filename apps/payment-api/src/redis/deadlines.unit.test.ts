import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDeadlines } from './deadlines.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function start() {
  const expired: string[] = [];
  const deadlines = createDeadlines(50);
  return { expired, add: (name: string) => deadlines.add(() => expired.push(name)) };
}

describe('deadlines of one length', () => {
  it('end each in its own time, in order', () => {
    const { expired, add } = start();
    add('a');
    vi.advanceTimersByTime(20);
    add('b');
    vi.advanceTimersByTime(30);
    expect(expired).toEqual(['a']);
    vi.advanceTimersByTime(20);
    expect(expired).toEqual(['a', 'b']);
  });

  it('do not end once they are cancelled, and say whether that was in time', () => {
    const { expired, add } = start();
    const cancelled = add('a');
    const late = add('b');
    expect(cancelled.cancel()).toBe(true);
    expect(cancelled.cancel()).toBe(false);
    vi.advanceTimersByTime(50);
    expect(late.cancel()).toBe(false);
    expect(expired).toEqual(['b']);
  });

  it('hold for one that comes after all before it are over', () => {
    const { expired, add } = start();
    add('a').cancel();
    vi.advanceTimersByTime(49);
    add('b');
    vi.advanceTimersByTime(49);
    expect(expired).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(expired).toEqual(['b']);
  });

  it('take new ones while they end', () => {
    const expired: string[] = [];
    const deadlines = createDeadlines(50);
    deadlines.add(() => {
      expired.push('a');
      deadlines.add(() => expired.push('b'));
    });
    vi.advanceTimersByTime(50);
    expect(expired).toEqual(['a']);
    vi.advanceTimersByTime(50);
    expect(expired).toEqual(['a', 'b']);
  });
});
