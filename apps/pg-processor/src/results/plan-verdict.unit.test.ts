import { ATTEMPT_STATES, type AttemptState, mayMove } from '@mini-pg/domain';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { payment } from '../../test/answers.ts';
import { attempt, locked, OWNER, planContext } from '../../test/locked.ts';
import { type Decision, escalate, failureOf, wait } from '../decisions/decision.ts';
import type { LockedAttempt, LockedPayment, Plan } from './plan.ts';
import { planVerdict } from './plan-verdict.ts';
import type { Verdict, VerdictStep } from './verdict.ts';

const DECISIONS: Readonly<Record<string, Decision>> = {
  APPROVE: {
    kind: 'APPROVE',
    payment: { ...payment(), pgTransactionId: 'tx-1', approvedAt: '2026-03-02T01:00:00.000Z' },
  },
  DECLINE: { kind: 'DECLINE', failure: failureOf('CARD_DECLINED', 'no') },
  GIVE_UP: { kind: 'GIVE_UP', failure: failureOf('PROVIDER_UNAVAILABLE', 'no') },
  RETRY: { kind: 'RETRY', failure: failureOf('PROVIDER_UNAVAILABLE', 'no') },
  WAIT: wait('nothing'),
  ESCALATE: escalate('OUTCOME_UNKNOWN', 'nothing'),
};

function verdict(step: VerdictStep, decision: Decision, over: Partial<Verdict> = {}): Verdict {
  return {
    attemptId: 'attempt-1',
    paymentId: 'payment-1',
    step,
    owner: OWNER,
    decision,
    reached: step !== 'NOT_CALLED',
    answered: false,
    evidence: null,
    nextInquiryMs: 1_000,
    ...over,
  };
}

/** The state after a verdict, or what became of it instead. */
function after(state: AttemptState, step: VerdictStep, decision: Decision, owner = OWNER): string {
  const known = attempt({ state, leaseLeftMs: -1 });
  const { plan, recorded } = planVerdict(
    verdict(step, decision, { owner }),
    locked([known]),
    planContext(),
  );
  const exceptions = plan.exceptions.map(({ kind }) => `!${kind}`);
  const patch = plan.patches.find(({ id }) => id === known.id);
  const outcome = recorded === 'APPLIED' ? (patch?.state ?? state) : '-';
  return [outcome, ...exceptions].join(' ');
}

const row = (state: AttemptState, step: VerdictStep, owner?: string): Record<string, string> =>
  Object.fromEntries(
    Object.entries(DECISIONS).map(([name, decision]) => [
      name,
      after(state, step, decision, owner),
    ]),
  );

const NOTHING = {
  APPROVE: '-',
  DECLINE: '-',
  GIVE_UP: '-',
  RETRY: '-',
  WAIT: '-',
  ESCALATE: '-',
};

const WHOLE = {
  APPROVE: 'APPROVED',
  DECLINE: 'DECLINED',
  GIVE_UP: 'NOT_SENT',
  RETRY: 'NOT_SENT',
  WAIT: 'UNKNOWN',
  ESCALATE: 'UNKNOWN !OUTCOME_UNKNOWN',
};

describe('the verdict of a call', () => {
  it('decides an attempt in CALLING under its own lease', () => {
    expect(row('CALLING', 'CALL')).toEqual(WHOLE);
  });

  it('decides nothing under the lease of another', () => {
    expect(row('CALLING', 'CALL', 'another')).toEqual(NOTHING);
  });

  it('that comes after its lease is evidence of a capture or a decline, and of nothing else', () => {
    expect(row('UNKNOWN', 'CALL')).toEqual({
      ...NOTHING,
      APPROVE: 'APPROVED',
      DECLINE: 'DECLINED',
    });
  });

  it('that comes after bytes were sent again is evidence of a capture only', () => {
    const known = locked([attempt({ state: 'UNKNOWN', resendCount: 1 })]);
    const recorded = Object.entries(DECISIONS).map(([name, decision]) => [
      name,
      planVerdict(verdict('CALL', decision), known, planContext()).recorded,
    ]);
    expect(recorded.filter(([, result]) => result === 'APPLIED')).toEqual([['APPROVE', 'APPLIED']]);
  });

  it('that comes after its lease still keeps the same bytes from being sent again', () => {
    const known = locked([attempt({ state: 'UNKNOWN' })]);
    const late = verdict('CALL', wait('500'), { answered: true });
    expect(planVerdict(late, known, planContext()).plan.answered).toEqual(['attempt-1']);
  });

  it('changes nothing that is closed; what contradicts it goes to a person', () => {
    expect(row('APPROVED', 'CALL')).toEqual({
      ...NOTHING,
      DECLINE: '- !CONFLICTING_RESULT',
      GIVE_UP: '- !CONFLICTING_RESULT',
      RETRY: '- !CONFLICTING_RESULT',
    });
    for (const state of ['DECLINED', 'NOT_SENT'] as const) {
      expect(row(state, 'CALL')).toEqual({
        ...NOTHING,
        APPROVE: '- !LATE_CAPTURE',
        ESCALATE: '- !OUTCOME_UNKNOWN',
      });
    }
  });
});

describe('the verdict of an inquiry', () => {
  it('decides an attempt that is UNKNOWN under its own claim', () => {
    expect(row('UNKNOWN', 'INQUIRY')).toEqual(WHOLE);
  });

  it('that another inquiry overtook is evidence of a capture or a decline', () => {
    expect(row('UNKNOWN', 'INQUIRY', 'another')).toEqual({
      ...NOTHING,
      APPROVE: 'APPROVED',
      DECLINE: 'DECLINED',
    });
  });

  it('decides nothing about an attempt that is being called', () => {
    expect(row('CALLING', 'INQUIRY')).toEqual(NOTHING);
  });
});

describe('a lease that is over', () => {
  it('makes an attempt UNKNOWN only while it is in CALLING', () => {
    const states = ATTEMPT_STATES.map((state) => after(state, 'LEASE_OVER', wait('lease')));
    expect(states).toEqual(['-', 'UNKNOWN', '-', '-', '-', '-', '-']);
  });

  it('that is not over after all changes nothing', () => {
    const known = locked([attempt({ leaseLeftMs: 1 })]);
    const over = verdict('LEASE_OVER', wait('lease'));
    expect(planVerdict(over, known, planContext()).recorded).toBe('SUPERSEDED');
  });
});

describe('an attempt that is not to be called', () => {
  const taken = failureOf('SOURCE_ALREADY_USED', 'used');
  const expired = failureOf('EXPIRED', 'over');
  const recordedOf = (failure: typeof taken, over: Partial<LockedAttempt>) =>
    planVerdict(
      verdict('NOT_CALLED', { kind: 'GIVE_UP', failure }),
      locked([attempt({ state: 'READY', ...over })]),
      planContext(),
    ).recorded;

  it('fails for its source only while another payment holds it', () => {
    expect(recordedOf(taken, { sourceTaken: true })).toBe('APPLIED');
    expect(recordedOf(taken, { sourceTaken: false, untilExpiryMs: -1 })).toBe('SUPERSEDED');
  });

  it('fails for its expiry only once it is over', () => {
    expect(recordedOf(expired, { untilExpiryMs: 0 })).toBe('APPLIED');
    expect(recordedOf(expired, { untilExpiryMs: 1 })).toBe('SUPERSEDED');
    expect(recordedOf(expired, { untilExpiryMs: null, sourceTaken: true })).toBe('SUPERSEDED');
  });

  it('has been called in the meantime, and goes on', () => {
    const state = after('CALLING', 'NOT_CALLED', { kind: 'GIVE_UP', failure: expired });
    expect(state).toBe('-');
  });
});

describe('a payment that has an outcome', () => {
  it('gets no second one: a capture goes to a person', () => {
    const known = locked([attempt()], { hasOutcome: true });
    const { plan } = planVerdict(
      verdict('CALL', DECISIONS.APPROVE as Decision),
      known,
      planContext(),
    );
    expect(plan.outcome).toBeNull();
    expect(plan.patches).toMatchObject([{ state: 'UNKNOWN' }]);
    expect(plan.exceptions).toMatchObject([{ kind: 'LATE_CAPTURE' }]);
  });
});

/** What a plan leaves behind, for the next verdict. */
function carryOut(payment: LockedPayment, plan: Plan): LockedPayment {
  const patched = payment.attempts.map((one): LockedAttempt => {
    const patch = plan.patches.find(({ id }) => id === one.id);
    if (!patch) return one;
    const { approvedAt: _, ...changes } = patch;
    return { ...one, ...changes, leaseOwner: null };
  });
  const further = plan.further.map((one) =>
    attempt({ id: one.id, number: one.number, operation: one.operation, state: 'READY' }),
  );
  return {
    ...payment,
    count: payment.count + plan.events.length,
    hasOutcome: payment.hasOutcome || plan.outcome !== null,
    attempts: [...patched, ...further],
    openExceptions: [
      ...payment.openExceptions,
      ...plan.exceptions.map(({ attempt: of, kind }) => ({ attemptId: of.id, kind })),
    ],
  };
}

describe('any verdicts in any order', () => {
  const steps: VerdictStep[] = [
    'NOT_CALLED',
    'CALL',
    'LEASE_OVER',
    'INQUIRY',
    'RESEND',
    'FOLLOW_UP',
  ];
  const anyVerdict = fc.record({
    step: fc.constantFrom(...steps),
    decision: fc.constantFrom(...Object.values(DECISIONS)),
    owner: fc.constantFrom(OWNER, 'another', null),
  });
  const anyStart = fc.constantFrom<AttemptState>('READY', 'CALLING', 'UNKNOWN');

  it('leave one outcome at most, told in an unbroken sequence, by allowed moves only', () => {
    fc.assert(
      fc.property(anyStart, fc.array(anyVerdict, { maxLength: 12 }), (state, verdicts) => {
        let known = locked([attempt({ state, leaseLeftMs: -1 })]);
        let outcomes = 0;
        const told: number[] = [];
        for (const { step, decision, owner } of verdicts) {
          const { plan } = planVerdict(verdict(step, decision, { owner }), known, planContext());
          outcomes += plan.outcome === null ? 0 : 1;
          told.push(...plan.events.map(({ payload }) => JSON.parse(payload).data.sequence));
          const next = carryOut(known, plan);
          const before = known.attempts[0]?.state;
          const now = next.attempts[0]?.state;
          if (before && now && before !== now) expect(mayMove(before, now)).toBe(true);
          known = next;
        }
        expect(outcomes).toBeLessThanOrEqual(1);
        expect(told).toEqual(told.map((_, index) => index + 1));
        const live = known.attempts.filter(
          (one) =>
            one.operation === 'APPROVE' && ['CALLING', 'UNKNOWN', 'APPROVED'].includes(one.state),
        );
        expect(live.length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 1_000 },
    );
  });
});
