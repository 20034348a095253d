import type { DataOf } from '@mini-pg/domain';
import { describe, expect, it } from 'vitest';
import { cancelFailed, cancelled, failed } from '../../test/support/outcomes.ts';
import type { FactRow } from '../payments/facts.ts';
import { cancelOutcome, cancelSchema, renderCancel, renderCancels } from './cancel-view.ts';

const ID = '01980000-0000-7000-8000-000000000001';
const CANCEL = '01980000-0000-7000-8000-00000000000c';
const OTHER = '01980000-0000-7000-8000-00000000000d';
const subject = { id: ID, merchantId: ID, livemode: true, orderId: 'order-0001', amount: 10_000 };

const requested = (cancelId = CANCEL, requestedAt = '2026-03-31T06:00:00.000Z'): FactRow => ({
  kind: 'CANCEL_REQUESTED',
  data: {
    merchantId: ID,
    livemode: true,
    paymentId: ID,
    cancelId,
    amount: 4_000,
    taxFreeAmount: 100,
    reason: 'too large',
    origin: 'MERCHANT',
    requestedAt,
  },
});
const done = (cancelId = CANCEL, cancelAmount = 4_000): FactRow => ({
  kind: 'CANCELLED',
  data: cancelled(subject, { cancelId, cancelAmount }).event.data as DataOf<'payment.cancelled'>,
});
const refused = (cancelId = CANCEL): FactRow => ({
  kind: 'CANCEL_FAILED',
  data: cancelFailed(subject, cancelId).event.data as DataOf<'payment.cancel-failed'>,
});
const failedBy = (code: 'CARD_DECLINED' | 'CANCELLED_BEFORE_APPROVAL'): FactRow => ({
  kind: 'FAILED',
  data: failed(subject, code).event.data as DataOf<'payment.failed'>,
});

describe('a cancel as merchants read it', () => {
  it.each<[string, FactRow[], object]>([
    ['asked for', [requested()], { status: 'REQUESTED', amount: 4_000, taxFreeAmount: 100 }],
    [
      'done',
      [requested(), done()],
      { status: 'DONE', cancelledAt: '2026-04-01T00:00:00.000Z', failedAt: null },
    ],
    [
      'refused by the PG',
      [requested(), refused()],
      {
        status: 'FAILED',
        failedAt: '2026-04-01T00:00:00.000Z',
        failure: { code: 'NOT_CANCELABLE' },
      },
    ],
    [
      'refused and done all the same: money moved',
      [requested(), refused(), done()],
      { status: 'DONE', failure: null, failedAt: null },
    ],
    [
      'done before the first call to the PG',
      [requested(), failedBy('CANCELLED_BEFORE_APPROVAL')],
      { status: 'DONE', cancelledAt: '2026-03-31T05:00:00.000Z' },
    ],
    [
      'of a payment that was declined, until it is told of the cancel',
      [requested(), failedBy('CARD_DECLINED')],
      { status: 'REQUESTED', failure: null },
    ],
    [
      'made at the PG',
      [done()],
      { status: 'DONE', origin: 'PG', amount: 4_000, reason: null, requestedAt: null },
    ],
  ])('that is %s', (_state, facts, expected) => {
    const view = renderCancel(CANCEL, facts);
    expect(view).toMatchObject(expected);
    expect(cancelSchema.parse(view)).toEqual(view);
    expect(renderCancel(CANCEL, [...facts].reverse())).toEqual(view);
  });

  it('is nothing where no fact tells of it', () => {
    expect(renderCancel(CANCEL, [requested(OTHER), done(OTHER), refused()])).toBeNull();
  });

  it('stands by its time among the others', () => {
    const facts = [requested(CANCEL), done(OTHER, 1), requested(OTHER, '2026-03-31T05:59:00.000Z')];
    expect(renderCancels(facts).map(({ id }) => id)).toEqual([OTHER, CANCEL]);
  });
});

describe('the first outcome of a cancel', () => {
  it('is the first that was stored', () => {
    const [no, yes] = [refused(), done()];
    expect(cancelOutcome(CANCEL, [requested(), no, yes])).toBe(no);
    expect(cancelOutcome(CANCEL, [requested(), done(OTHER), failedBy('CARD_DECLINED')])).toBe(
      undefined,
    );
  });
});
