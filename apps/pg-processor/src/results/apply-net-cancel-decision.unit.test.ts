import type { AttemptState } from '@mini-pg/domain';
import { describe, expect, it } from 'vitest';
import { payment } from '../../test/answers.ts';
import { attempt, locked, OWNER, planContext } from '../../test/locked.ts';
import { refuse } from '../decisions/decide-cancel.ts';
import { ANSWER_LOST } from '../decisions/decide-net-cancel.ts';
import { type Decision, escalate, failureOf, wait } from '../decisions/decision.ts';
import type { LockedAttempt, Plan } from './plan.ts';
import { planVerdict } from './plan-verdict.ts';
import type { Verdict } from './verdict.ts';

const at = '2026-03-02T01:00:00.000Z';
const CAPTURE = { ...payment(), pgTransactionId: 'tx-1', approvedAt: at };
const SHOWN = {
  capture: CAPTURE,
  cancel: { pgTransactionId: 'cx-1', amount: 15_000n, at },
};

function verdict(attemptId: string, decision: Decision, over: Partial<Verdict> = {}): Verdict {
  return {
    ...{ attemptId, paymentId: 'payment-1', step: 'CALL', owner: OWNER, decision },
    ...{ reached: true, answered: true, evidence: null, nextInquiryMs: 1_000 },
    ...over,
  };
}

/** An approval whose answer is lost, or what has become of it in the meantime. */
const approval = (state: AttemptState = 'UNKNOWN') =>
  attempt({
    ...{ id: 'approval', state, failure: ANSWER_LOST },
    ...(state === 'APPROVED' && { approvedAt: new Date(at) }),
  });

const netCancel = (over: Partial<LockedAttempt> = {}) =>
  attempt({
    ...{ id: 'net-cancel', operation: 'NET_CANCEL', reversesId: 'approval', cancelReason: 'r' },
    ...{ cancelAmount: 15_000n, cancelRemainingBefore: 15_000n, cancelTaxFreeAmount: 0n },
    ...over,
  });

/** All that a plan does, in short: moves, then what follows, is told and is for a person. */
function inWords(plan: Plan): string {
  return [
    ...plan.patches.map(({ id, state }) => `${id} ${state}`),
    ...plan.further.map(({ operation, number }) => `new ${operation} ${number}`),
    ...plan.events.map(({ topic }) => topic),
    ...plan.exceptions.map(({ kind }) => `!${kind}`),
    ...new Set(plan.released.map(({ id }) => `free ${id}`)),
  ].join(', ');
}

const DECISIONS: readonly (readonly [string, Decision, string])[] = [
  [
    'UNDONE, and shown',
    { kind: 'UNDONE', shown: SHOWN },
    'net-cancel APPROVED, approval REVERSED, payment.failed, payment.reversed, free approval',
  ],
  [
    'UNDONE, unseen',
    { kind: 'UNDONE', shown: null },
    'net-cancel APPROVED, approval NOT_SENT, payment.failed, free approval',
  ],
  [
    'NOTHING_TO_UNDO',
    { kind: 'NOTHING_TO_UNDO', failure: ANSWER_LOST },
    'net-cancel DECLINED, approval NOT_SENT, payment.failed, free approval',
  ],
  [
    'REVERSE',
    { kind: 'REVERSE', capture: CAPTURE },
    'net-cancel DECLINED, approval UNKNOWN, new CANCEL 1',
  ],
  [
    'RETRY',
    { kind: 'RETRY', failure: failureOf('OUTCOME_UNKNOWN', 'lost') },
    'net-cancel NOT_SENT, new NET_CANCEL 2, payment.progressed',
  ],
  [
    'CANCEL_REFUSED',
    refuse(failureOf('NOT_CANCELABLE', 'too late')),
    'net-cancel DECLINED, approval UNKNOWN',
  ],
  [
    'GIVE_UP',
    { kind: 'GIVE_UP', failure: failureOf('CONFIG_ERROR', 'no account') },
    'net-cancel NOT_SENT, approval UNKNOWN',
  ],
  ['WAIT', wait('lost'), 'net-cancel UNKNOWN, payment.progressed'],
  [
    'ESCALATE',
    escalate('OUTCOME_UNKNOWN', 'lost'),
    'net-cancel UNKNOWN, payment.progressed, !OUTCOME_UNKNOWN',
  ],
];

describe('a net-cancel', () => {
  it.each(DECISIONS)('by %s', (_name, decision, expected) => {
    const known = locked([approval(), netCancel()]);
    const { plan } = planVerdict(verdict('net-cancel', decision), known, planContext());
    expect(inWords(plan)).toBe(expected);
  });

  it.each(DECISIONS)(
    'throws nothing, whatever its approval has come to (%s)',
    (_name, decision) => {
      for (const state of ['UNKNOWN', 'APPROVED', 'DECLINED', 'NOT_SENT', 'REVERSED'] as const) {
        for (const own of ['CALLING', 'UNKNOWN', 'APPROVED', 'DECLINED', 'NOT_SENT'] as const) {
          const known = locked([approval(state), netCancel({ state: own })]);
          const told = verdict('net-cancel', decision, {
            step: own === 'CALLING' ? 'CALL' : 'INQUIRY',
          });
          const { plan } = planVerdict(told, known, planContext());
          const topics = plan.events.map(({ topic }) => topic);
          if (state === 'APPROVED') expect(topics).not.toContain('payment.failed');
          expect(topics).not.toContain('payment.completed');
        }
      }
    },
  );

  it('that undid what was declined in the meantime reverses it, without a second failure', () => {
    const known = locked([approval('DECLINED'), netCancel()], { hasOutcome: true });
    const told = verdict('net-cancel', { kind: 'UNDONE', shown: SHOWN });
    const { plan } = planVerdict(told, known, planContext());
    expect(inWords(plan)).toBe(
      'net-cancel APPROVED, approval REVERSED, payment.reversed, free approval',
    );
  });

  it('that undid what is recorded as approved is for a person', () => {
    const told = verdict('net-cancel', { kind: 'UNDONE', shown: SHOWN });
    const { plan } = planVerdict(told, locked([approval('APPROVED'), netCancel()]), planContext());
    expect(inWords(plan)).toBe('net-cancel APPROVED, payment.progressed, !CONFLICTING_RESULT');
  });
});

describe('an approval whose answer is lost', () => {
  const lost = (netCancelsFirst: boolean, decision: Decision): string => {
    const context = { ...planContext(), netCancelsFirst: () => netCancelsFirst };
    const called = attempt({ id: 'approval' });
    return inWords(planVerdict(verdict('approval', decision), locked([called]), context).plan);
  };

  it('is net-cancelled where the ladder begins with that', () => {
    const told = 'approval UNKNOWN, new NET_CANCEL 1, payment.progressed';
    expect(lost(true, wait('no answer'))).toBe(told);
    expect(lost(false, wait('no answer'))).toBe('approval UNKNOWN, payment.progressed');
  });

  it('is not, where the call surely was not executed', () => {
    const decision = wait('not sent', failureOf('PROVIDER_UNAVAILABLE', 'no'));
    expect(lost(true, decision)).toBe('approval UNKNOWN, payment.progressed');
  });
});

describe('a late answer that an approval was captured', () => {
  const late = (...undoings: LockedAttempt[]): string => {
    const told = verdict('approval', { kind: 'APPROVE', payment: CAPTURE }, { owner: 'another' });
    return inWords(planVerdict(told, locked([approval(), ...undoings]), planContext()).plan);
  };

  it('counts while nothing that undoes it was called', () => {
    expect(late(netCancel({ state: 'READY' }))).toBe(
      'net-cancel NOT_SENT, approval APPROVED, payment.completed',
    );
    const never = netCancel({ id: 'never', state: 'NOT_SENT' });
    expect(late(never)).toBe('approval APPROVED, payment.completed');
  });

  it.each([
    ['is being called', [netCancel({ state: 'CALLING' })]],
    ['has no outcome', [netCancel({ state: 'UNKNOWN' })]],
    ['was refused', [netCancel({ state: 'DECLINED', reached: true })]],
    [
      'may have left before',
      [netCancel({ state: 'NOT_SENT', reached: true }), netCancel({ id: 'n2', state: 'READY' })],
    ],
  ])('is only kept where a net-cancel %s', (_how, undoings) => {
    expect(late(...undoings)).toBe('approval UNKNOWN');
  });
});
