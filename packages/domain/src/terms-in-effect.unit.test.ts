import { describe, expect, it } from 'vitest';
import type { Terms } from './merchant.ts';
import { feePolicyOf, termsInEffect } from './terms-in-effect.ts';

const terms = (from: string, feePpm: number): Terms => ({
  feePpm,
  fixedFee: 100,
  vatMode: 'INCLUSIVE',
  payoutDays: 2,
  from,
});
const march = terms('2026-03-01', 33_000);
const april = terms('2026-04-01', 29_000);

describe('the terms in effect', () => {
  it.each([
    ['2026-03-01', march],
    ['2026-03-31', march],
    ['2026-04-01', april],
    ['2030-01-01', april],
  ])('on %s are those with the latest start', (date, expected) => {
    expect(termsInEffect([march, april], date)).toBe(expected);
    expect(termsInEffect([april, march], date)).toBe(expected);
  });

  it('are none before the first start, never free of charge', () => {
    expect(termsInEffect([march, april], '2026-02-28')).toBeUndefined();
  });

  it('give a fee policy to keep as a snapshot', () => {
    expect(feePolicyOf(march)).toEqual({ feePpm: 33_000n, fixedFee: 100n, vatMode: 'INCLUSIVE' });
  });
});
