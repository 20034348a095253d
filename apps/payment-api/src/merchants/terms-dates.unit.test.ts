import { describe, expect, it } from 'vitest';
import { firstTermsFrom, laterTermsFrom } from './terms-dates.ts';

/** The last millisecond of 31 March in Seoul, and the first of 1 April. */
const BEFORE_MIDNIGHT = new Date('2026-03-31T14:59:59.999Z');
const MIDNIGHT = new Date('2026-03-31T15:00:00.000Z');

describe('the first terms of a merchant', () => {
  it('hold from today in Seoul', () => {
    expect(firstTermsFrom(undefined, BEFORE_MIDNIGHT)).toBe('2026-03-31');
    expect(firstTermsFrom(undefined, MIDNIGHT)).toBe('2026-04-01');
  });

  it('may hold from an earlier date', () => {
    expect(firstTermsFrom('2020-01-01', MIDNIGHT)).toBe('2020-01-01');
  });

  it('never leave the days before them without terms', () => {
    expect(firstTermsFrom('2026-04-01', BEFORE_MIDNIGHT)).toBeNull();
    expect(firstTermsFrom('2026-04-01', MIDNIGHT)).toBe('2026-04-01');
  });
});

describe('later terms', () => {
  it('hold from tomorrow in Seoul', () => {
    expect(laterTermsFrom(undefined, BEFORE_MIDNIGHT)).toBe('2026-04-01');
    expect(laterTermsFrom(undefined, MIDNIGHT)).toBe('2026-04-02');
  });

  it('may hold from tomorrow or later', () => {
    expect(laterTermsFrom('2026-04-01', BEFORE_MIDNIGHT)).toBe('2026-04-01');
    expect(laterTermsFrom('2027-01-01', BEFORE_MIDNIGHT)).toBe('2027-01-01');
  });

  it('never hold from today or earlier', () => {
    expect(laterTermsFrom('2026-03-31', BEFORE_MIDNIGHT)).toBeNull();
    expect(laterTermsFrom('2026-04-01', MIDNIGHT)).toBeNull();
    expect(laterTermsFrom('2020-01-01', MIDNIGHT)).toBeNull();
  });
});
