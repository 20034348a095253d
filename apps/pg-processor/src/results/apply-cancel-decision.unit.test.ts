import type { AttemptState } from '@mini-pg/domain';
import { describe, expect, it } from 'vitest';
import { attempt, cancelRow, locked, OWNER, planContext } from '../../test/locked.ts';
import { refuse } from '../decisions/decide-cancel.ts';
import { type Decision, escalate, failureOf, wait } from '../decisions/decision.ts';
import { planVerdict } from './plan-verdict.ts';
import type { Verdict, VerdictStep } from './verdict.ts';

const at = '2026-03-02T01:00:01.000Z';
const UNAVAILABLE = failureOf('PROVIDER_UNAVAILABLE', 'no');
const DECISIONS: Readonly<Record<string, Decision>> = {
  CANCELLED: { kind: 'CANCELLED', cancel: { pgTransactionId: 'cx-1', amount: 6_000n, at } },
  CANCEL_REFUSED: refuse(failureOf('NOT_CANCELABLE', 'no')),
  CONTRADICTION: refuse(failureOf('AMOUNT_MISMATCH', 'no'), {
    exception: 'CANCELLED_AT_PG',
    reason: 'less is left',
  }),
  GIVE_UP: { kind: 'GIVE_UP', failure: UNAVAILABLE },
  RETRY: { kind: 'RETRY', failure: UNAVAILABLE },
  WAIT: wait('nothing'),
  ESCALATE: escalate('OUTCOME_UNKNOWN', 'nothing'),
};

const approval = attempt({
  id: 'approval',
  state: 'APPROVED',
  pgPaymentId: 'key-1',
  approvedAt: new Date(at),
  methodDetail: {
    type: 'CARD',
    issuer: null,
    acquirer: null,
    cardType: null,
    ownerType: null,
    installmentMonths: null,
    interestFree: null,
    approveNo: null,
    maskedNumber: null,
  },
});

function planOf(state: AttemptState, step: VerdictStep, decision: Decision) {
  const isOpen = ['READY', 'CALLING', 'UNKNOWN'].includes(state);
  const known = attempt({
    state,
    operation: 'CANCEL',
    leaseLeftMs: -1,
    pgPaymentId: 'key-1',
    pgTransactionId: state === 'APPROVED' ? 'cx-1' : null,
    cancelId: 'cancel-1',
    cancelAmount: 6_000n,
    cancelTaxFreeAmount: 0n,
    cancelRemainingBefore: 15_000n,
    cancelReason: 'r',
  });
  const cancel = cancelRow({
    state: isOpen ? 'STARTED' : state === 'APPROVED' ? 'DONE' : 'FAILED',
    amount: 6_000n,
    remainingBefore: 15_000n,
  });
  const verdict: Verdict = {
    attemptId: known.id,
    paymentId: 'payment-1',
    step,
    owner: OWNER,
    decision,
    reached: true,
    answered: true,
    evidence: null,
    nextInquiryMs: 1_000,
  };
  return planVerdict(verdict, locked([approval, known], { cancels: [cancel] }), planContext());
}

/** The states of attempt and cancel after a verdict, the events, and what goes to a person. */
function after(state: AttemptState, step: VerdictStep, decision: Decision): string {
  const { plan, recorded } = planOf(state, step, decision);
  const exceptions = plan.exceptions.map(({ kind }) => `!${kind}`);
  if (recorded !== 'APPLIED') return ['-', ...exceptions].join(' ');
  const [patch] = plan.patches;
  const [moved] = plan.cancels;
  return [patch?.state ?? state, moved?.state ?? 'STARTED', ...exceptions].join(' ');
}

const row = (state: AttemptState, step: VerdictStep): Record<string, string> =>
  Object.fromEntries(
    Object.entries(DECISIONS).map(([name, decision]) => [name, after(state, step, decision)]),
  );

const WHOLE = {
  CANCELLED: 'APPROVED DONE',
  CANCEL_REFUSED: 'DECLINED FAILED',
  CONTRADICTION: 'DECLINED FAILED !CANCELLED_AT_PG',
  GIVE_UP: 'NOT_SENT FAILED',
  RETRY: 'NOT_SENT STARTED',
  WAIT: 'UNKNOWN STARTED',
  ESCALATE: 'UNKNOWN STARTED !OUTCOME_UNKNOWN',
};

const NOTHING = Object.fromEntries(Object.keys(WHOLE).map((name) => [name, '-']));

describe('a verdict about an attempt of a cancel', () => {
  it('decides it under its own lease', () => {
    expect(row('CALLING', 'CALL')).toEqual(WHOLE);
  });

  it.each(['INQUIRY', 'RESEND'] as const)('of step %s decides one that is unknown', (step) => {
    expect(row('UNKNOWN', step)).toEqual(WHOLE);
  });

  it('of a late look decides one that is unknown, and puts off nothing', () => {
    expect(row('UNKNOWN', 'FOLLOW_UP')).toEqual({ ...WHOLE, WAIT: 'UNKNOWN STARTED' });
  });

  it('that comes after its lease is evidence of a cancel or a refusal, and of nothing else', () => {
    expect(row('UNKNOWN', 'CALL')).toEqual({
      ...NOTHING,
      CANCELLED: 'APPROVED DONE',
      CANCEL_REFUSED: 'DECLINED FAILED',
      CONTRADICTION: 'DECLINED FAILED !CANCELLED_AT_PG',
    });
  });

  it('changes nothing that is closed; what contradicts it goes to a person', () => {
    expect(row('APPROVED', 'CALL')).toEqual({
      ...NOTHING,
      CANCEL_REFUSED: '- !CONFLICTING_RESULT',
      CONTRADICTION: '- !CONFLICTING_RESULT',
    });
    for (const state of ['DECLINED', 'NOT_SENT'] as const) {
      expect(row(state, 'CALL')).toEqual({
        ...NOTHING,
        CANCELLED: '- !CANCELLED_AT_PG',
        ESCALATE: '- !OUTCOME_UNKNOWN',
      });
    }
  });
});

describe('a cancel that is done', () => {
  it('tells what is left, and gives the further ones that balance', () => {
    const { plan } = planOf('CALLING', 'CALL', DECISIONS.CANCELLED as Decision);
    expect(plan.cancels).toMatchObject([{ remainingBefore: 15_000n, remainingAfter: 9_000n }]);
    expect(plan.events.map(({ topic }) => topic)).toEqual(['payment.cancelled']);
  });
});

describe('a cancel that is tried again', () => {
  it('keeps its amount and its balance, and counts its attempts', () => {
    const { plan } = planOf('UNKNOWN', 'INQUIRY', DECISIONS.RETRY as Decision);
    expect(plan.further).toMatchObject([
      {
        operation: 'CANCEL',
        number: 2,
        cancel: { cancelId: 'cancel-1', amount: 6_000n, remainingBefore: 15_000n },
      },
    ]);
  });
});

describe('a cancel that ended without a clear answer to its only call', () => {
  it.each([
    ['CALL', 'CANCEL_REFUSED', null],
    ['RESEND', 'CANCEL_REFUSED', 600_000],
    ['INQUIRY', 'GIVE_UP', 600_000],
  ] as const)('by %s: %s is looked at again: %s', (step, kind, nextFollowUpMs) => {
    const state = step === 'CALL' ? 'CALLING' : 'UNKNOWN';
    const { plan } = planOf(state, step, DECISIONS[kind] as Decision);
    expect(plan.patches).toMatchObject([{ nextFollowUpMs }]);
  });
});
