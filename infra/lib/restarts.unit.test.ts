import { describe, expect, it } from 'vitest';
import { decideRestart } from './restarts.ts';

const NOW_MS = 1_000_000;
const secondsAgo = (...seconds: number[]): number[] => seconds.map((s) => NOW_MS - s * 1000);

describe('the restart of a process', () => {
  it('comes soon the first time', () => {
    expect(decideRestart([], NOW_MS)).toEqual({ restart: true, delayMs: 250 });
  });

  it('waits twice as long after each one within a minute', () => {
    expect(decideRestart(secondsAgo(50, 10), NOW_MS)).toEqual({ restart: true, delayMs: 1000 });
  });

  it('is given up after five within a minute', () => {
    expect(decideRestart(secondsAgo(59, 40, 30, 20, 1), NOW_MS)).toEqual({ restart: false });
  });

  it('forgets those that are a minute old', () => {
    expect(decideRestart(secondsAgo(60, 59, 40, 30, 20), NOW_MS)).toMatchObject({ restart: true });
  });
});
