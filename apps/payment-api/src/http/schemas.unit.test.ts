import { describe, expect, it } from 'vitest';
import { dateSchema, instantSchema, pageQueryShape, textSchema } from './schemas.ts';

describe('an instant', () => {
  it.each([
    ['2026-03-31T00:00:00Z', '2026-03-31T00:00:00.000Z'],
    ['2026-03-31T09:00:00+09:00', '2026-03-31T00:00:00.000Z'],
    ['2026-03-31T00:00:00.123Z', '2026-03-31T00:00:00.123Z'],
    ['2026-03-31T00:00:00.123000Z', '2026-03-31T00:00:00.123Z'],
    ['2026-03-31T00:00:00.1230001Z', '2026-03-31T00:00:00.124Z'],
    ['9999-12-31T23:59:59.9999-23:59', '9999-12-31T23:59:59.999Z'],
  ])('%s is %s', (given, expected) => {
    expect(instantSchema.parse(given)).toBe(expected);
  });

  it.each([
    '2026-03-31',
    '2026-03-31T00:00:00',
    '2026-02-30T00:00:00Z',
    '0000-01-01T00:00:00Z',
    'now',
    '',
  ])('is not %j', (given) => {
    expect(instantSchema.safeParse(given).success).toBe(false);
  });
});

describe('a business date', () => {
  it.each(['2026-02-29', '0000-01-01', '20260331', '2026-3-1', ''])('is not %j', (given) => {
    expect(dateSchema.safeParse(given).success).toBe(false);
  });
});

describe('a limit', () => {
  it.each(['0', '101', '-1', '1.5', 'ten', ''])('is not %j', (given) => {
    expect(pageQueryShape.limit.safeParse(given).success).toBe(false);
  });

  it('is 20 unless it is given', () => {
    expect(pageQueryShape.limit.parse(undefined)).toBe(20);
  });
});

describe('text', () => {
  it.each(['', 'a\u0000', 'a\nb', '\ud800', 'x'.repeat(11)])('is not %j', (given) => {
    expect(textSchema(10).safeParse(given).success).toBe(false);
  });

  it('may be in any script', () => {
    expect(textSchema(10).parse('한빛 서점')).toBe('한빛 서점');
  });
});
