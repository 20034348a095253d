import { describe, expect, it } from 'vitest';
import { Endings } from './endings.ts';

describe('endings', () => {
  it('run once, the last first, and wait for each other', async () => {
    const log: string[] = [];
    const endings = new Endings();
    endings.add(() => void log.push('first'));
    endings.add(async () => {
      await Promise.resolve();
      log.push('last');
    });
    await Promise.all([endings.run(), endings.run()]);
    expect(log).toEqual(['last', 'first']);
  });

  it('run all when one fails, and say so', async () => {
    const log: string[] = [];
    const endings = new Endings();
    endings.add(() => void log.push('first'));
    endings.add(() => Promise.reject(new Error('no such folder')));
    await expect(endings.run()).rejects.toThrow('no such folder');
    expect(log).toEqual(['first']);
  });

  it('take what is added while they run', async () => {
    const log: string[] = [];
    const endings = new Endings();
    endings.add(() => endings.add(() => void log.push('late')));
    await endings.run();
    expect(log).toEqual(['late']);
  });
});
