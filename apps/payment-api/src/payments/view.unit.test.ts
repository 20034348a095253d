import type { DataOf } from '@mini-pg/domain';
import { describe, expect, it } from 'vitest';
import { cancelled, completed, failed, settled } from '../../test/support/outcomes.ts';
import { type FactRow, firstOutcome, type PaymentRow } from './facts.ts';
import { paymentSchema, renderPayment } from './view.ts';

const ID = '01980000-0000-7000-8000-000000000001';

const creation: PaymentRow = {
  id: ID,
  merchant_id: ID,
  livemode: true,
  order_id: 'order-0001',
  order_name: null,
  amount: 10_000n,
  tax_free_amount: 0n,
  currency: 'KRW',
  pg: 'toss',
  metadata: { shop: 'seoul' },
  requested_at: new Date('2026-03-31T04:59:00Z'),
  expires_at: new Date('2026-03-31T05:09:00Z'),
};

const subject = { id: ID, merchantId: ID, livemode: true, orderId: 'order-0001', amount: 10_000 };

const approvedFact = {
  kind: 'APPROVED',
  data: completed(subject).event.data as DataOf<'payment.completed'>,
} satisfies FactRow;
const failedFact = {
  kind: 'FAILED',
  data: failed(subject).event.data as DataOf<'payment.failed'>,
} satisfies FactRow;
const settledFact = {
  kind: 'SETTLED',
  data: settled(subject).event.data as DataOf<'payment.settled'>,
} satisfies FactRow;
const cancelledFact = (remainingAfter: number, cancelledAt = '2026-04-01T00:00:00.000Z') =>
  ({
    kind: 'CANCELLED',
    data: cancelled(subject, { cancelAmount: 10_000 - remainingAfter, cancelledAt }).event
      .data as DataOf<'payment.cancelled'>,
  }) satisfies FactRow;

describe('a payment as merchants read it', () => {
  it.each([
    [
      'just requested',
      [],
      { status: 'REQUESTED', balanceAmount: 0, version: 1, pgPaymentId: null },
    ],
    ['approved', [approvedFact], { status: 'APPROVED', balanceAmount: 10_000, version: 2 }],
    ['failed', [failedFact], { status: 'FAILED', balanceAmount: 0, version: 2, approvedAt: null }],
    [
      'settled',
      [approvedFact, settledFact],
      { status: 'SETTLED', version: 3, balanceAmount: 10_000 },
    ],
    [
      'cancelled in part',
      [approvedFact, cancelledFact(4_000)],
      {
        status: 'PARTIALLY_CANCELLED',
        balanceAmount: 4_000,
        cancelledAmount: 6_000,
        cancelledAt: null,
      },
    ],
    [
      'cancelled in full, heard of before the approval',
      [cancelledFact(0)],
      {
        status: 'CANCELLED',
        balanceAmount: 0,
        cancelledAmount: 10_000,
        cancelledAt: '2026-04-01T00:00:00.000Z',
        approvedAt: '2026-03-31T05:00:00.000Z',
      },
    ],
  ])('that is %s', (_state, facts, expected) => {
    const view = renderPayment(creation, facts);
    expect(view).toMatchObject(expected);
    expect(paymentSchema.parse(view)).toEqual(view);
  });

  it('was cancelled when nothing was left, whichever cancel was stored last', () => {
    const facts = [
      approvedFact,
      cancelledFact(0),
      cancelledFact(4_000, '2026-03-31T23:00:00.000Z'),
    ];
    expect(renderPayment(creation, facts).cancelledAt).toBe('2026-04-01T00:00:00.000Z');
  });

  it('does not depend on the order of its facts', () => {
    expect(renderPayment(creation, [settledFact, approvedFact])).toEqual(
      renderPayment(creation, [approvedFact, settledFact]),
    );
  });

  it('never shows its source or customer', () => {
    const view = renderPayment({ ...creation, source: 's', customer: 'c' } as PaymentRow, []);
    expect(Object.keys(view)).not.toEqual(expect.arrayContaining(['source']));
    expect(Object.keys(view)).not.toEqual(expect.arrayContaining(['customer']));
  });
});

describe('the first outcome', () => {
  it('is the first approval or failure that was stored', () => {
    expect(firstOutcome([settledFact, approvedFact])).toBe(approvedFact);
    expect(firstOutcome([failedFact])).toBe(failedFact);
    expect(firstOutcome([settledFact])).toBeUndefined();
  });
});
