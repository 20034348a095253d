import { describe, expect, it } from 'vitest';
import { createEvent, EVENT_SCHEMAS, TOPICS } from './events.ts';

const ID = '01980000-0000-7000-8000-000000000001';

const settled = createEvent('payment.settled', {
  id: ID,
  source: 'settlement-worker',
  time: '2026-03-31T15:10:00.000Z',
  subject: ID,
  data: {
    merchantId: ID,
    livemode: true,
    paymentId: ID,
    settlementId: ID,
    itemId: ID,
    date: '2026-03-31',
    settledAt: '2026-03-31T15:10:00.000Z',
  },
});

describe('an event', () => {
  it('is what its own schema accepts', () => {
    expect(EVENT_SCHEMAS['payment.settled'].parse(settled)).toEqual(settled);
  });

  it('names its topic, its schema and what it is about', () => {
    expect(settled).toMatchObject({
      specversion: '1.0',
      type: 'payment.settled',
      source: '/mini-pg/settlement-worker',
      subject: ID,
      dataschema: '/mini-pg/schemas/payment.settled/1',
    });
  });

  it.each([
    ['another type', { type: 'payment.failed' }],
    ['a data without its merchant', { data: { ...settled.data, merchantId: undefined } }],
    ['a time that is none', { time: 'yesterday' }],
    ['an id that is no UUID', { id: '1' }],
  ])('is refused with %s', (_what, change) => {
    expect(EVENT_SCHEMAS['payment.settled'].safeParse({ ...settled, ...change }).success).toBe(
      false,
    );
  });

  it('accepts fields that a later version adds', () => {
    const later = { ...settled, data: { ...settled.data, added: 1 } };
    expect(EVENT_SCHEMAS['payment.settled'].safeParse(later).success).toBe(true);
  });

  it('accepts them inside its parts too', () => {
    const terms = { feePpm: 29000, fixedFee: 0, vatMode: 'EXCLUSIVE', payoutDays: 2 };
    const later = {
      ...settled,
      type: 'merchant.updated',
      data: {
        merchantId: settled.data.merchantId,
        name: 'A shop',
        status: 'ACTIVE',
        terms: [{ ...terms, from: '2026-03-31', added: 1 }],
        version: 1,
        updatedAt: settled.time,
      },
    };
    expect(EVENT_SCHEMAS['merchant.updated'].safeParse(later).success).toBe(true);
  });
});

describe('the topics', () => {
  it('have 12 partitions each', () => {
    expect(new Set(Object.values(TOPICS).map((topic) => topic.partitions))).toEqual(new Set([12]));
  });

  it('are private where they carry sealed fields', () => {
    const isPrivate = Object.entries(TOPICS).flatMap(([name, t]) => (t.private ? [name] : []));
    expect(isPrivate).toEqual(['payment.requested', 'payment.cancel-requested']);
  });

  it('keep the last state of each merchant', () => {
    expect(TOPICS['merchant.updated']).toMatchObject({ cleanup: 'compact', key: 'merchant' });
  });
});
