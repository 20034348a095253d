import { describe, expect, it } from 'vitest';
import { payment } from '../../test/answers.ts';
import { attempt, locked, planContext } from '../../test/locked.ts';
import { type Decision, escalate, failureOf, wait } from '../decisions/decision.ts';
import type { LockedAttempt, LockedPayment } from '../results/plan.ts';
import type { Held } from './held.ts';
import { planResolution } from './plan-resolution.ts';
import type { ResolutionOrder } from './planned-resolution.ts';

const at = '2026-03-02T01:00:00.000Z';
const CAPTURED: Decision = {
  kind: 'APPROVE',
  payment: { ...payment(), pgTransactionId: 'tx-1', approvedAt: at },
};

const unknown = (over: Partial<LockedAttempt> = {}) =>
  attempt({ id: 'a', state: 'UNKNOWN', leaseOwner: null, pgPaymentId: 'key-1', ...over });
const closed = (over: Partial<LockedAttempt> = {}) => unknown({ state: 'NOT_SENT', ...over });

function heldAfter(decision: Decision): Held | null {
  return decision.kind === 'APPROVE' ? { capture: decision.payment, isGivenBack: false } : null;
}

/** What a resolution comes to, in short: why it is refused, or what it does. */
function planned(
  resolution: ResolutionOrder['resolution'],
  known: LockedPayment,
  decision: Decision | null,
  over: Partial<ResolutionOrder> & { asked?: LockedAttempt; held?: Held } = {},
): string {
  const asked = over.asked ?? known.attempts[0] ?? unknown();
  const verdict = {
    attemptId: 'a',
    paymentId: 'payment-1',
    step: 'INQUIRY',
    owner: null,
    reached: false,
    answered: false,
    evidence: null,
    nextInquiryMs: 1_000,
  } as const;
  const order: ResolutionOrder = {
    resolution,
    kind: 'OUTCOME_UNKNOWN',
    attemptId: 'a',
    pgTransactionId: null,
    finding: decision && {
      ...{ asked, verdict: { ...verdict, decision }, said: 'this' },
      held: over.held ?? heldAfter(decision),
    },
    ...over,
  };
  const result = planResolution(order, known, planContext());
  if (result.kind === 'REFUSED') return result.reason;
  const { plan, closes } = result;
  const parts = [
    plan?.outcome?.kind,
    ...(plan?.further.map(({ cancel }) =>
      cancel?.reversesId == null ? 'tries again' : `reverses ${cancel.reversesId}`,
    ) ?? []),
    plan !== null && plan.reclaimed.length > 0 && 'reclaims',
    closes && 'closes',
  ];
  return parts.filter(Boolean).join(', ');
}

const open = locked([unknown()]);
const failed = locked([closed()], { hasOutcome: true });
const approved = locked([closed(), attempt({ id: 'b', state: 'APPROVED' })]);
const undone = locked([
  unknown(),
  attempt({
    ...{ id: 'n', operation: 'NET_CANCEL', state: 'DECLINED', reached: true, reversesId: 'a' },
  }),
]);
const declined: Decision = { kind: 'DECLINE', failure: failureOf('CARD_DECLINED', 'no') };
const notFound: Decision = { kind: 'GIVE_UP', failure: failureOf('NOT_FOUND', 'no') };

describe('write-off', () => {
  it.each([
    ['nobody asked', open, null, 'closes'],
    ['declined', open, declined, 'FAILED, closes'],
    ['not found after the bound', open, notFound, 'FAILED, closes'],
    ['not found too early', open, wait('too early'), 'closes'],
    ['a mismatch', open, escalate('MISMATCH', 'amount'), 'closes'],
    ['a capture', open, CAPTURED, 'closes'],
    ['a failed payment', failed, null, 'closes'],
    ['an approved payment', approved, null, 'closes'],
  ])('of %s', (_name, known, decision, result) => {
    expect(planned('write-off', known, decision)).toBe(result);
  });
});

describe('approve', () => {
  it.each([
    ['a capture', open, CAPTURED, /^APPROVED, closes$/],
    ['a decline', open, declined, /proves no capture of ours: this/],
    ['nothing sure', open, wait('?'), /proves no capture of ours/],
    ['a PG that cannot be asked', open, null, /cannot be asked/],
    ['a failed payment', failed, CAPTURED, /has its outcome already/],
    ['what a net-cancel may still undo', undone, CAPTURED, /may have left and still undo it/],
    ['a closed attempt', locked([closed()], { hasOutcome: false }), CAPTURED, /it is NOT_SENT/],
  ])('of %s', (_name, known, decision, result) => {
    expect(planned('approve', known, decision)).toMatch(result);
  });
});

describe('cancel', () => {
  it.each([
    ['a failed payment', failed, CAPTURED, /^reverses a, reclaims$/],
    ['a payment without an outcome', open, CAPTURED, /^FAILED, reverses a$/],
    ['an approved payment', approved, CAPTURED, /through payment-api/],
    ['no capture', failed, { kind: 'NOTHING' } as const, /proves no capture/],
    ['a reversed capture', locked([closed({ state: 'REVERSED' })]), CAPTURED, /has been given/],
    ['an attempt that another follows', locked([closed()]), CAPTURED, /goes on by another/],
    ['a call that is open', locked([unknown({ state: 'CALLING' })]), CAPTURED, /on its way/],
  ])('of %s', (_name, known, decision, result) => {
    expect(planned('cancel', known, decision)).toMatch(result);
  });

  it.each(['CONFLICTING_RESULT', 'DUPLICATE_TRANSACTION'])('is nothing for %s', (kind) => {
    expect(planned('cancel', failed, CAPTURED, { kind })).toContain('tells of no capture');
  });
});

/** The PG holds another amount, or less than it captured. */
function heldOf(amount: bigint, balanceAmount: bigint): Held {
  const capture = { ...payment(), pgTransactionId: 'tx-1', approvedAt: at, amount, balanceAmount };
  return { capture, isGivenBack: balanceAmount === 0n };
}

describe('cancel of what is not what was asked for', () => {
  const mismatch = escalate('MISMATCH', 'amount');
  const furtherOf = (held: Held) => {
    const order = { resolution: 'cancel', kind: 'MISMATCH', attemptId: 'a', pgTransactionId: null };
    const verdict = { decision: mismatch } as never;
    const finding = { asked: unknown(), verdict, held, said: 'this' };
    const result = planResolution({ ...order, finding } as ResolutionOrder, open, planContext());
    return result.kind === 'DONE' ? result.plan?.further[0] : undefined;
  };

  it('gives back what was captured, be it less or more', () => {
    for (const amount of [14_999n, 150_000n]) {
      expect(furtherOf(heldOf(amount, amount))).toMatchObject({
        captured: amount,
        cancel: { amount, remainingBefore: amount, reversesId: 'a' },
      });
    }
  });

  it('gives back the rest of what somebody else has cancelled in part', () => {
    const further = furtherOf(heldOf(15_000n, 11_000n));
    expect(further).toMatchObject({ cancel: { amount: 11_000n, remainingBefore: 11_000n } });
    expect(further?.captured).toBeUndefined();
  });

  it('makes no call where all of it is given back already', () => {
    const held = heldOf(15_000n, 0n);
    expect(planned('cancel', open, mismatch, { held })).toBe('FAILED, closes');
    expect(planned('cancel', failed, mismatch, { held })).toBe('closes');
  });
});

describe('an exception of what was to undo an approval', () => {
  const netCancel = attempt({
    ...{ id: 'n', operation: 'NET_CANCEL', state: 'UNKNOWN', reached: true, reversesId: 'a' },
  });
  const known = locked([unknown(), netCancel]);
  const of = (resolution: ResolutionOrder['resolution'], decision: Decision, held?: Held) =>
    planned(resolution, known, decision, {
      ...{ attemptId: 'n', asked: netCancel },
      ...(held ? { held } : {}),
    });

  it.each([
    ['cancel', wait('it stands'), heldOf(15_000n, 15_000n), /^FAILED, reverses a$/],
    ['cancel', escalate('CANCELLED_AT_PG', '?'), heldOf(15_000n, 9_000n), /^FAILED, reverses a$/],
    ['cancel', wait('it is hidden'), undefined, /proves no capture/],
    ['approve', wait('it stands'), heldOf(15_000n, 15_000n), /still undo it/],
    ['write-off', wait('it stands'), heldOf(15_000n, 15_000n), /^closes$/],
  ] as const)('%s, %j', (resolution, decision, held, result) => {
    expect(of(resolution, decision, held)).toMatch(result);
  });

  it('is not given back twice over the exception of the approval', () => {
    const over = { attemptId: 'a', asked: unknown(), held: heldOf(15_000n, 15_000n) };
    expect(planned('cancel', known, wait('it stands'), over)).toContain('NET_CANCEL 1 (UNKNOWN)');
  });
});

describe('every resolution', () => {
  const all = ['write-off', 'approve', 'cancel'] as const;

  it.each(all)('%s waits for a reversal that is under way', (resolution) => {
    const reversal = attempt({ id: 'r', operation: 'CANCEL', state: 'READY', reversesId: 'a' });
    const known = locked([closed(), reversal], { hasOutcome: true });
    expect(planned(resolution, known, CAPTURED)).toContain('is being given back');
  });

  it.each(all)('%s is refused once bytes were sent again after the inquiry', (resolution) => {
    const known = locked([unknown({ resendCount: 1 })]);
    expect(planned(resolution, known, CAPTURED, { asked: unknown() })).toContain('has moved on');
  });

  it.each(['approve', 'cancel'] as const)(
    '%s is of the transaction that is meant',
    (resolution) => {
      const of = (pgTransactionId: string) =>
        planned(resolution, open, CAPTURED, { pgTransactionId });
      expect(of('tx-2')).toBe('the PG shows transaction tx-1, not tx-2');
      expect(of('tx-1')).not.toContain('tx');
    },
  );
});
