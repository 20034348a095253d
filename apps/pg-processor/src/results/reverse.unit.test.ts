import type { AttemptState } from '@mini-pg/domain';
import { describe, expect, it } from 'vitest';
import { payment } from '../../test/answers.ts';
import { attempt, locked, OWNER, planContext } from '../../test/locked.ts';
import { refuse } from '../decisions/decide-cancel.ts';
import { type Decision, escalate, failureOf, wait } from '../decisions/decision.ts';
import type { LockedAttempt } from './plan.ts';
import { planVerdict } from './plan-verdict.ts';
import type { Verdict } from './verdict.ts';

const at = '2026-03-02T01:00:00.000Z';
const CAPTURED: Decision = {
  kind: 'APPROVE',
  payment: { ...payment(), pgTransactionId: 'tx-1', approvedAt: at },
};

function verdict(attemptId: string, decision: Decision, over: Partial<Verdict> = {}): Verdict {
  return {
    attemptId,
    paymentId: 'payment-1',
    step: 'FOLLOW_UP',
    owner: OWNER,
    decision,
    reached: false,
    answered: false,
    evidence: null,
    nextInquiryMs: 1_000,
    ...over,
  };
}

const closed = (over: Partial<LockedAttempt> = {}) =>
  attempt({ id: 'closed', state: 'NOT_SENT', pgPaymentId: 'key-1', ...over });

/** The attempt that gives back what `closed` captured. */
const reversal = (state: AttemptState) =>
  attempt({
    id: 'reversal',
    operation: 'CANCEL',
    state,
    leaseLeftMs: -1,
    reversesId: 'closed',
    pgPaymentId: 'key-1',
    cancelAmount: 15_000n,
    cancelRemainingBefore: 15_000n,
    cancelTaxFreeAmount: 0n,
    cancelReason: 'r',
  });

/** What a capture of `closed` leads to. */
function found(others: LockedAttempt[], over: { hasOutcome?: boolean } = {}): string[] {
  const known = locked([closed(), ...others], { hasOutcome: true, ...over });
  const { plan } = planVerdict(verdict('closed', CAPTURED), known, planContext());
  return [
    ...plan.exceptions.map(({ kind }) => `!${kind}`),
    ...plan.further.map(({ operation, cancel }) => `${operation} of ${cancel?.reversesId}`),
  ];
}

describe('a capture of a closed attempt', () => {
  it('is given back where its payment failed', () => {
    expect(found([])).toEqual(['!LATE_CAPTURE', 'CANCEL of closed']);
  });

  it('is for a person alone while its payment has no outcome', () => {
    expect(found([], { hasOutcome: false })).toEqual(['!LATE_CAPTURE']);
  });

  it('is for a person alone where its payment is approved', () => {
    const approved = attempt({ id: 'approved', state: 'APPROVED', pgTransactionId: 'tx-2' });
    expect(found([approved])).toEqual(['!LATE_CAPTURE']);
  });

  it.each(['READY', 'CALLING', 'UNKNOWN', 'APPROVED', 'DECLINED', 'NOT_SENT'] as const)(
    'is not given back again while its reversal is %s',
    (state) => {
      expect(found([reversal(state)])).toEqual(['!LATE_CAPTURE']);
    },
  );

  it('is nothing new where another attempt of its payment has it', () => {
    const other = attempt({ id: 'other', state: 'DECLINED', pgTransactionId: 'tx-1' });
    expect(found([other, { ...reversal('READY'), reversesId: 'other' }])).toEqual([]);
  });
});

const NOT_THERE = failureOf('PROVIDER_UNAVAILABLE', 'no');
const DECISIONS: readonly (readonly [string, Decision, string])[] = [
  [
    'CANCELLED',
    { kind: 'CANCELLED', cancel: { pgTransactionId: 'cx-1', amount: 15_000n, at } },
    'APPROVED, REVERSED, payment.reversed',
  ],
  ['CANCEL_REFUSED', refuse(failureOf('NOT_CANCELABLE', 'no')), 'DECLINED'],
  ['GIVE_UP', { kind: 'GIVE_UP', failure: NOT_THERE }, 'NOT_SENT'],
  ['RETRY', { kind: 'RETRY', failure: NOT_THERE }, 'NOT_SENT, payment.progressed, CANCEL'],
  ['WAIT', wait('nothing'), 'UNKNOWN, payment.progressed'],
  ['ESCALATE', escalate('OUTCOME_UNKNOWN', 'nothing'), 'UNKNOWN, payment.progressed'],
];

describe('the attempt that gives it back', () => {
  it.each(DECISIONS)('by %s', (_name, decision, expected) => {
    const captured = closed({
      pgTransactionId: 'tx-1',
      approvedAt: new Date(at),
      methodDetail: payment().methodDetail,
    });
    const known = locked([captured, reversal('CALLING')], { hasOutcome: true });
    const { plan } = planVerdict(
      verdict('reversal', decision, { step: 'CALL', reached: true }),
      known,
      planContext(),
    );
    const words = [
      ...plan.patches.map(({ state }) => state),
      ...plan.events.map(({ topic }) => topic),
      ...plan.further.map(({ operation }) => operation),
    ];
    expect(words.join(', ')).toBe(expected);
  });
});
