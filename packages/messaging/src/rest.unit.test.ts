import { describe, expect, it } from 'vitest';
import { backoffMs, createRest } from './rest.ts';

const LONG_MS = 600_000;

describe('a rest', () => {
  it('ends when it is woken', async () => {
    const rest = createRest();
    const sleep = rest.sleep(LONG_MS);
    rest.wake();
    await sleep;
  });

  it('does not begin when somebody woke it since the last one, but only once', async () => {
    const rest = createRest();
    rest.wake();
    await rest.sleep(LONG_MS);
    let over = false;
    const second = rest.sleep(LONG_MS).then(() => {
      over = true;
    });
    await new Promise(setImmediate);
    expect(over).toBe(false);
    rest.wake();
    await second;
  });

  it('takes its time in a pause, woken or not, and remembers the wake', async () => {
    const rest = createRest();
    const startedAt = performance.now();
    const pause = rest.pause(30);
    rest.wake();
    await pause;
    expect(performance.now() - startedAt).toBeGreaterThan(25);
    await rest.sleep(LONG_MS);
  });

  it('takes no time any more once it has ended', async () => {
    const rest = createRest();
    const pause = rest.pause(LONG_MS);
    rest.end();
    await pause;
    await rest.pause(LONG_MS);
    await rest.sleep(LONG_MS);
  });
});

describe('a backoff', () => {
  it('stays within its bounds', () => {
    for (let failures = 0; failures < 200; failures += 1) {
      const ms = backoffMs(failures, 100, 5_000);
      expect(ms).toBeGreaterThanOrEqual(0);
      expect(ms).toBeLessThanOrEqual(Math.min(5_000, 100 * 2 ** failures));
    }
  });
});
