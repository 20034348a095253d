import { describe, expect, it } from 'vitest';
import { type CreateCancel, cancelFingerprint, createCancelSchema } from './cancel-request.ts';

const PATH = '/api/v1/payments/p/cancels';
const fingerprint = (body: object, path = PATH) =>
  cancelFingerprint(path, createCancelSchema.parse(body) satisfies CreateCancel).toString('hex');

describe('the fingerprint of a cancel', () => {
  it('does not mind the order of keys', () => {
    expect(fingerprint({ amount: 1, reason: 'r' })).toBe(fingerprint({ reason: 'r', amount: 1 }));
  });

  it.each([
    ['an amount', { amount: 2, reason: 'r' }],
    ['no amount', { reason: 'r' }],
    ['a reason', { amount: 1, reason: 's' }],
    ['a tax-free part, also of 0', { amount: 1, taxFreeAmount: 0, reason: 'r' }],
    ['an expected balance', { amount: 1, reason: 'r', expectedBalance: 1 }],
  ])('is another with %s', (_what, body) => {
    expect(fingerprint(body)).not.toBe(fingerprint({ amount: 1, reason: 'r' }));
  });

  it('is another on another path', () => {
    expect(fingerprint({ reason: 'r' }, '/elsewhere')).not.toBe(fingerprint({ reason: 'r' }));
  });
});
