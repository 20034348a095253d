import { describe, expect, it } from 'vitest';
import { readRange } from './compose-ports.ts';

describe('the ports that the environment asks for', () => {
  it('are one, or a range with a place for each instance', () => {
    expect(readRange('P=8080', '8080', 1)).toEqual({ first: 8080, count: 1 });
    expect(readRange('P=8080-8089', '8080-8089', 2)).toEqual({ first: 8080, count: 10 });
  });

  it.each(['', 'http', '0', '65536', '8089-8080', '8080-', '8080-70000'])(
    'are refused when they are none: %j',
    (asked) => {
      expect(() => readRange(`P=${asked}`, asked, 1)).toThrow(
        `P=${asked}: give a port, or a range such as 8080-8089`,
      );
    },
  );

  it('are refused when they are too few', () => {
    expect(() => readRange('P=8080', '8080', 2)).toThrow('2 instances need a range of at least 2');
  });
});
