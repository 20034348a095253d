import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createSecretKey, hashSecretKey, isSecretKey } from './secret-key.ts';

describe('a secret key', () => {
  it('tells its mode by its prefix', () => {
    expect(createSecretKey(true)).toMatch(/^sk_live_[0-9A-Za-z]{32}$/);
    expect(createSecretKey(false)).toMatch(/^sk_test_[0-9A-Za-z]{32}$/);
  });

  it('is another one each time, of characters that are equally likely', () => {
    const keys = Array.from({ length: 500 }, () => createSecretKey(true).slice(8));
    expect(new Set(keys).size).toBe(500);
    expect(new Set(keys.join('')).size).toBe(62);
  });

  it('is kept as its SHA-256', () => {
    const expected = createHash('sha256').update('sk_live_abc').digest('hex');
    expect(hashSecretKey('sk_live_abc')).toBe(expected);
  });

  it.each([
    '',
    'sk_live_',
    'sk_prod_4kGq0mZr7tYbX2cVnP9sLwEaHdJfU3i1',
    'eyJhbGciOiJFZERTQSJ9.e30.x',
  ])('is not %j', (token) => {
    expect(isSecretKey(token)).toBe(false);
  });

  it('is known by its shape', () => {
    expect(isSecretKey(createSecretKey(false))).toBe(true);
  });
});
