import { describe, expect, it } from 'vitest';
import { figure, median, number, ratios } from './figures.ts';

describe('figures', () => {
  it('are medians, whatever the order', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(() => median([])).toThrow();
  });

  it('show three figures or whole numbers', () => {
    expect([12_345.6, 12.345, 1.2345, 0].map(number)).toEqual(['12,346', '12.3', '1.23', '0.00']);
  });

  it('show the spread when there is one', () => {
    expect(figure([9_712, 9_500, 9_800])).toBe('9,712 (9,500 to 9,800)');
    expect(figure([9_712])).toBe('9,712');
  });

  it('are compared round by round', () => {
    expect(ratios([10, 20], [5, 40])).toEqual([2, 0.5]);
  });
});
