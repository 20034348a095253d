import { UNIFIED_CODES } from '@mini-pg/domain';
import { describe, expect, it } from 'vitest';
import { allAnswers, EXPECTED, shown } from '../../test/answers.ts';
import { decideFollowUp } from './decide-follow-up.ts';

describe('a later look at a closed attempt', () => {
  it('finds a late capture only where the PG holds money or an account for it', () => {
    const found = [...allAnswers(UNIFIED_CODES)]
      .filter(([, answer]) => decideFollowUp(answer, EXPECTED).kind !== 'NOTHING')
      .map(([name]) => name);
    expect(found).toEqual(['PAID', 'PARTIALLY_CANCELLED', 'WAITING_FOR_DEPOSIT']);
  });

  it('takes a capture that is its own in everything for what it is', () => {
    expect(decideFollowUp(shown('PAID'), EXPECTED)).toMatchObject({
      kind: 'APPROVE',
      payment: { pgTransactionId: 'tx-1' },
    });
    const unproven = shown('PAID', { pgTransactionId: null });
    expect(decideFollowUp(unproven, EXPECTED)).toMatchObject({ exception: 'LATE_CAPTURE' });
  });

  it('finds it also where amount and order differ, for it is the same source', () => {
    const answer = shown('PAID', { amount: 1n, pgOrderId: 'other' });
    expect(decideFollowUp(answer, EXPECTED)).toMatchObject({ exception: 'LATE_CAPTURE' });
  });

  it('does not take the payment of another source for its own', () => {
    expect(decideFollowUp(shown('PAID', { pgPaymentId: 'key-2' }), EXPECTED).kind).toBe('NOTHING');
  });

  it('goes by the order number where no payment id is known', () => {
    const expected = { ...EXPECTED, pgPaymentId: null };
    expect(decideFollowUp(shown('PAID', { pgOrderId: 'other' }), expected).kind).toBe('NOTHING');
    expect(decideFollowUp(shown('PAID'), expected).kind).toBe('ESCALATE');
  });
});
