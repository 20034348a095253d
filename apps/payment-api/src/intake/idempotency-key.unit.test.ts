import { describe, expect, it } from 'vitest';
import { readIdempotencyKey, readWaitSeconds } from './idempotency-key.ts';

describe('Idempotency-Key', () => {
  it.each([
    ['bare', 'order-0001', 'order-0001'],
    ['quoted', '"order-0001"', 'order-0001'],
    ['quoted with an escape', '"order-\\"0001"', 'order-"0001'],
    ['8 characters', '12345678', '12345678'],
    ['255 characters', 'k'.repeat(255), 'k'.repeat(255)],
  ])('is read when %s', (_form, header, key) => {
    expect(readIdempotencyKey(header)).toBe(key);
  });

  it.each([
    ['missing', undefined],
    ['empty', ''],
    ['blank', '  '],
  ])('is asked for when %s', (_what, header) => {
    expect(() => readIdempotencyKey(header)).toThrow(
      expect.objectContaining({ code: 'IDEMPOTENCY_KEY_MISSING' }),
    );
  });

  it.each([
    ['7 characters', '1234567'],
    ['256 characters', 'k'.repeat(256)],
    ['a space', 'order 0001'],
    ['a control character', 'order\u00070001'],
    ['a letter beyond ASCII', 'order-가나다라'],
    ['an open quote', '"order-0001'],
    ['a quoted space', '"order 0001"'],
    ['7 quoted characters', '"1234567"'],
  ])('is refused with %s', (_what, header) => {
    expect(() => readIdempotencyKey(header)).toThrow(
      expect.objectContaining({ code: 'IDEMPOTENCY_KEY_INVALID' }),
    );
  });
});

describe('Prefer', () => {
  it.each([
    ['wait=5', 5],
    ['wait=0', 0],
    ['wait=31', 30],
    ['respond-async, wait=10', 10],
    ['wait="7"', 7],
    ['Wait = 3', 3],
    ['wait=5; foo', 5],
  ])('%s waits %i seconds', (header, seconds) => {
    expect(readWaitSeconds(header)).toBe(seconds);
  });

  it.each([undefined, '', 'wait', 'wait=', 'wait=-1', 'wait=1.5', 'wait=abc', 'await=5'])(
    '%s is ignored',
    (header) => {
      expect(readWaitSeconds(header)).toBe(0);
    },
  );
});
