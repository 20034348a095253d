import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, createPaymentSchema, fingerprintOf } from './request.ts';

const PATH = '/api/v1/payments';

const BODY = {
  orderId: 'order-0001',
  amount: 19_900,
  source: { kind: 'window', pg: 'toss', paymentKey: 'tgen_0001' },
} as const;

const fingerprint = (body: unknown) =>
  fingerprintOf(PATH, createPaymentSchema.parse(body)).toString('hex');

describe('the body of a payment', () => {
  it('has won, nothing tax-free and no metadata unless it says so', () => {
    expect(createPaymentSchema.parse(BODY)).toMatchObject({
      currency: 'KRW',
      taxFreeAmount: 0,
      metadata: {},
    });
  });

  it('takes 1e3 as the integer 1000', () => {
    const body = JSON.parse(JSON.stringify(BODY).replace('19900', '1e3'));
    expect(createPaymentSchema.parse(body).amount).toBe(1_000);
  });

  it.each([
    ['amount 0', { amount: 0 }, 'amount'],
    ['a negative amount', { amount: -1 }, 'amount'],
    ['a fraction', { amount: 0.5 }, 'amount'],
    ['an amount above 10^12', { amount: 1_000_000_000_001 }, 'amount'],
    ['an amount that is a string', { amount: '1000' }, 'amount'],
    ['an unknown currency', { currency: 'XXX' }, 'currency'],
    ['an order id that is too short', { orderId: 'short' }, 'orderId'],
    ['an order id with a space', { orderId: 'order 0001' }, 'orderId'],
    ['an order id of 65', { orderId: 'o'.repeat(65) }, 'orderId'],
    ['more tax-free than it is', { taxFreeAmount: 19_901 }, 'taxFreeAmount'],
    ['an order name with a NUL', { orderName: 'a\u0000b' }, 'orderName'],
    ['an order name of 101', { orderName: 'a'.repeat(101) }, 'orderName'],
    ['a lone surrogate', { orderName: '\ud800' }, 'orderName'],
    ['an expiry that is no instant', { expiresAt: 'tomorrow' }, 'expiresAt'],
    ['a metadata value that is a number', { metadata: { a: 1 } }, 'metadata'],
    ['a metadata key of 41', { metadata: { ['k'.repeat(41)]: 'v' } }, 'metadata'],
    ['an unknown PG', { source: { ...BODY.source, pg: 'nobody' } }, 'source'],
    ['an unknown kind of source', { source: { kind: 'card' } }, 'source'],
    ['no payment key', { source: { kind: 'window', pg: 'toss' } }, 'source'],
  ])('is refused with %s', (_what, change, pointer) => {
    const result = createPaymentSchema.safeParse({ ...BODY, ...change });
    expect(result.error?.issues[0]?.path[0]).toBe(pointer);
  });

  it('is refused with a field that is not known', () => {
    expect(createPaymentSchema.safeParse({ ...BODY, ammount: 1 }).success).toBe(false);
  });

  it('is refused with more than 20 metadata keys', () => {
    const metadata = Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`k${i}`, 'v']));
    expect(createPaymentSchema.safeParse({ ...BODY, metadata }).success).toBe(false);
  });
});

describe('the fingerprint', () => {
  it('leaves defaults out', () => {
    const source = { ...BODY.source, pgOrderId: BODY.orderId };
    const spelled = { ...BODY, currency: 'KRW', taxFreeAmount: 0, metadata: {}, source };
    expect(fingerprint(spelled)).toBe(fingerprint(BODY));
  });

  it.each([
    ['amount', { amount: 19_901 }],
    ['currency', { currency: 'USD' }],
    ['taxFreeAmount', { taxFreeAmount: 1 }],
    ['orderId', { orderId: 'order-0002' }],
    ['orderName', { orderName: 'Shirts' }],
    ['customer', { customer: { name: 'Kim' } }],
    ['metadata', { metadata: { a: 'b' } }],
    ['expiresAt', { expiresAt: '2026-04-01T00:00:00Z' }],
    ['source', { source: { ...BODY.source, paymentKey: 'tgen_0002' } }],
    ['pgOrderId', { source: { ...BODY.source, pgOrderId: 'order-0009' } }],
  ])('changes with %s', (_field, change) => {
    expect(fingerprint({ ...BODY, ...change })).not.toBe(fingerprint(BODY));
  });

  it('belongs to the path', () => {
    const body = createPaymentSchema.parse(BODY);
    expect(fingerprintOf('/other', body).equals(fingerprintOf(PATH, body))).toBe(false);
  });
});

const shuffled = (value: unknown, seed: number): unknown => {
  if (Array.isArray(value)) return value.map((v) => shuffled(v, seed));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([k, v]) => [k, shuffled(v, seed)] as const);
  return Object.fromEntries(seed % 2 === 0 ? entries.reverse() : entries);
};

describe('canonical JSON', () => {
  it('does not depend on the order of keys or on white space', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(), (value, seed) => {
        const spaced = JSON.parse(JSON.stringify(shuffled(value, seed), null, 3));
        expect(canonicalJson(spaced)).toBe(canonicalJson(JSON.parse(JSON.stringify(value))));
      }),
    );
  });

  it('is JSON of the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const plain = JSON.parse(JSON.stringify(value));
        expect(JSON.parse(canonicalJson(plain))).toEqual(plain);
      }),
    );
  });

  it('differs where a value differs', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        const same = JSON.stringify(a) === JSON.stringify(b);
        const left = canonicalJson({ a: JSON.parse(JSON.stringify(a)) });
        const right = canonicalJson({ a: JSON.parse(JSON.stringify(b)) });
        if (same) expect(left).toBe(right);
        else if (left === right)
          expect(JSON.parse(JSON.stringify(a))).toEqual(JSON.parse(JSON.stringify(b)));
      }),
    );
  });
});
