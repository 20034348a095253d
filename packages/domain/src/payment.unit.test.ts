import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  balanceOf,
  decide,
  evolve,
  isLive,
  PAYMENT_MOVES,
  PAYMENT_STATUSES,
  type PaymentCommand,
  type PaymentFact,
  type PaymentState,
  type PaymentStatus,
  requestedPayment,
  statusOf,
} from './payment.ts';

const requested = requestedPayment(10_000n);
const approved: PaymentFact = { type: 'approved', amount: 10_000n };
const partly: PaymentFact = { type: 'cancelled', approvedAmount: 10_000n, remainingAfter: 4_000n };
const wholly: PaymentFact = { type: 'cancelled', approvedAmount: 10_000n, remainingAfter: 0n };
const settled: PaymentFact = { type: 'settled' };
const given = (...facts: PaymentFact[]) => facts.reduce(evolve, requested);

const STATES: Record<PaymentStatus, PaymentState> = {
  REQUESTED: requested,
  APPROVED: given(approved),
  FAILED: given({ type: 'failed' }),
  PARTIALLY_CANCELLED: given(approved, partly),
  CANCELLED: given(approved, wholly),
  SETTLED: given(approved, settled),
};

const COMMANDS: Record<PaymentCommand['type'], PaymentCommand> = {
  approve: { type: 'approve', amount: 10_000n },
  fail: { type: 'fail' },
  cancel: { type: 'cancel', amount: 1_000n },
  settle: { type: 'settle' },
};

/** What each command leads to, or that it is refused: the whole grid, written out. */
const GRID: Record<PaymentStatus, Record<PaymentCommand['type'], PaymentStatus | 'NOT_ALLOWED'>> = {
  REQUESTED: { approve: 'APPROVED', fail: 'FAILED', cancel: 'NOT_ALLOWED', settle: 'NOT_ALLOWED' },
  APPROVED: {
    approve: 'NOT_ALLOWED',
    fail: 'NOT_ALLOWED',
    cancel: 'PARTIALLY_CANCELLED',
    settle: 'SETTLED',
  },
  FAILED: {
    approve: 'NOT_ALLOWED',
    fail: 'NOT_ALLOWED',
    cancel: 'NOT_ALLOWED',
    settle: 'NOT_ALLOWED',
  },
  PARTIALLY_CANCELLED: {
    approve: 'NOT_ALLOWED',
    fail: 'NOT_ALLOWED',
    cancel: 'PARTIALLY_CANCELLED',
    settle: 'PARTIALLY_CANCELLED',
  },
  CANCELLED: {
    approve: 'NOT_ALLOWED',
    fail: 'NOT_ALLOWED',
    cancel: 'NOT_ALLOWED',
    settle: 'CANCELLED',
  },
  SETTLED: {
    approve: 'NOT_ALLOWED',
    fail: 'NOT_ALLOWED',
    cancel: 'PARTIALLY_CANCELLED',
    settle: 'NOT_ALLOWED',
  },
};

describe.each(PAYMENT_STATUSES)('a payment that is %s', (status) => {
  it('has that status', () => {
    expect(statusOf(STATES[status])).toBe(status);
  });

  it.each(Object.keys(COMMANDS) as PaymentCommand['type'][])(
    'answers to %s by the grid',
    (type) => {
      const decision = decide(STATES[status], COMMANDS[type]);
      const expected = GRID[status][type];
      expect(PAYMENT_MOVES[status][type]).toBe(expected !== 'NOT_ALLOWED');
      expect(decision.ok ? statusOf(evolve(STATES[status], decision.fact)) : decision.refusal).toBe(
        expected,
      );
    },
  );
});

describe('a decision', () => {
  it('refuses an approval of another amount', () => {
    expect(decide(requested, { type: 'approve', amount: 9_999n })).toEqual({
      ok: false,
      refusal: 'AMOUNT_MISMATCH',
    });
  });

  it.each([0n, -1n, 10_001n])('refuses a cancel of %s out of 10,000', (amount) => {
    expect(decide(STATES.APPROVED, { type: 'cancel', amount })).toEqual({
      ok: false,
      refusal: 'AMOUNT_EXCEEDS_BALANCE',
    });
  });

  it('cancels what is left in full', () => {
    const decision = decide(STATES.PARTIALLY_CANCELLED, { type: 'cancel', amount: 4_000n });
    expect(decision.ok && statusOf(evolve(STATES.PARTIALLY_CANCELLED, decision.fact))).toBe(
      'CANCELLED',
    );
  });

  it('settles once', () => {
    const state = given(approved, partly, settled);
    expect(decide(state, { type: 'settle' })).toEqual({ ok: false, refusal: 'ALREADY_SETTLED' });
  });
});

describe('the balance', () => {
  it('is 0 until approved, then the amount, then the least remainder', () => {
    expect(balanceOf(requested)).toBe(0n);
    expect(balanceOf(STATES.APPROVED)).toBe(10_000n);
    expect(balanceOf(given(approved, partly))).toBe(4_000n);
    expect(balanceOf(given(approved, wholly, partly))).toBe(0n);
  });

  it('keeps the order live until the payment failed or nothing is left', () => {
    const live = PAYMENT_STATUSES.filter((status) => isLive(STATES[status]));
    expect(live).toEqual(['REQUESTED', 'APPROVED', 'PARTIALLY_CANCELLED', 'SETTLED']);
  });
});

const factsOfOnePayment = fc
  .record({
    outcome: fc.constantFrom<PaymentFact[]>([approved], [{ type: 'failed' }], []),
    cancels: fc.subarray<PaymentFact>([partly, wholly]),
    settled: fc.constantFrom<PaymentFact[]>([settled], []),
  })
  .map(({ outcome, cancels, settled }) => [...outcome, ...cancels, ...settled]);

describe('facts', () => {
  it('give the same state in whatever order and however often they come', () => {
    fc.assert(
      fc.property(
        factsOfOnePayment.chain((facts) =>
          fc.tuple(
            fc.constant(facts),
            fc.shuffledSubarray([...facts, ...facts], { minLength: facts.length * 2 }),
          ),
        ),
        ([facts, again]) => {
          expect(again.reduce(evolve, requested)).toEqual(facts.reduce(evolve, requested));
        },
      ),
    );
  });
});
