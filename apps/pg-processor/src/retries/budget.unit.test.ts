import { UNIFIED_CODES } from '@mini-pg/domain';
import { TAXONOMY } from '@mini-pg/pg-adapters';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allAnswers, EXPECTED } from '../../test/answers.ts';
import { decideApproval } from '../decisions/decide-approval.ts';
import { decideCancel } from '../decisions/decide-cancel.ts';
import { decideNetCancel } from '../decisions/decide-net-cancel.ts';
import { type BucketKind, Budget, type RetryRequest } from './budget.ts';
import { deniedPauseMs, RETRY_CLASSES, type RetryPolicy } from './retry-policy.ts';

const POLICY: RetryPolicy = {
  total: { perSecond: 2, burst: 20, shareOfFirstCalls: 0.1 },
  reservedForRepairs: 0.4,
  classes: {
    ...RETRY_CLASSES,
    PROVIDER_UNAVAILABLE: { perSecond: 1, burst: 18 },
    OUTCOME_UNKNOWN: { perSecond: 1, burst: 10 },
  },
};

const storedOf = (tokens: ReadonlyMap<BucketKind, number>, sinceMs = 0) =>
  [...tokens].map(([kind, count]) => ({ kind, tokens: count, sinceMs }));

const APPROVAL: RetryRequest = { code: 'PROVIDER_UNAVAILABLE', calls: 2, isRepair: false };
const REPAIR: RetryRequest = { code: 'OUTCOME_UNKNOWN', calls: 1, isRepair: true };

const request = fc.record({
  code: fc.constantFrom('PROVIDER_UNAVAILABLE' as const, 'OUTCOME_UNKNOWN' as const),
  calls: fc.constantFrom(1, 2),
  isRepair: fc.boolean(),
});
const round = fc.record({
  sinceMs: fc.integer({ min: -5_000, max: 4_000 }),
  firstCalls: fc.nat(80),
  requests: fc.array(request, { maxLength: 40 }),
});

describe('the budget of a PG', () => {
  it('holds, whatever is asked for and when', () => {
    fc.assert(
      fc.property(fc.array(round, { maxLength: 20 }), (rounds) => {
        let tokens: ReadonlyMap<BucketKind, number> = new Budget(POLICY, [], 0).tokens;
        const spent = { TOTAL: 0, PROVIDER_UNAVAILABLE: 0, OUTCOME_UNKNOWN: 0 };
        const passed = { ms: 0, firstCalls: 0 };
        for (const { sinceMs, firstCalls, requests } of rounds) {
          const budget = new Budget(POLICY, storedOf(tokens, sinceMs), firstCalls);
          passed.ms += Math.max(0, sinceMs);
          passed.firstCalls += firstCalls;
          for (const asked of requests) {
            if (!budget.admits(asked)) continue;
            spent.TOTAL += asked.calls;
            spent[asked.code] += asked.calls;
            const left = budget.tokens.get('TOTAL') ?? 0;
            if (!asked.isRepair) expect(left).toBeGreaterThanOrEqual(8);
            if (!asked.isRepair) expect(budget.tokens.get(asked.code)).toBeGreaterThanOrEqual(4);
          }
          tokens = budget.tokens;
          const gained = passed.ms / 1_000;
          expect(spent.TOTAL).toBeLessThanOrEqual(
            20 + 0.1 * passed.firstCalls + 2 * gained + ROUNDING,
          );
          expect(spent.PROVIDER_UNAVAILABLE).toBeLessThanOrEqual(18 + gained + ROUNDING);
          expect(spent.OUTCOME_UNKNOWN).toBeLessThanOrEqual(10 + gained + ROUNDING);
          expect(Math.min(...tokens.values())).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  it('keeps its reserve from approvals, and lets repairs have it', () => {
    const budget = new Budget(POLICY, [], 0);
    const approvals = Array.from({ length: 20 }, () => budget.admits(APPROVAL));
    // 18 of the class, of which 7.2 are reserved; 20 in all, of which 8 are.
    expect(approvals.filter(Boolean)).toHaveLength(5);
    const cancels = Array.from({ length: 3 }, () => budget.admits({ ...APPROVAL, isRepair: true }));
    expect(cancels).toEqual([true, true, true]);
    const repairs = Array.from({ length: 20 }, () => budget.admits(REPAIR));
    expect(repairs.filter(Boolean)).toHaveLength(4);
  });

  it('gains a tenth of a token from a first call', () => {
    const empty = new Map<BucketKind, number>([['TOTAL', 0]]);
    const budget = new Budget(POLICY, storedOf(empty), 50);
    expect(budget.tokens.get('TOTAL')).toBe(5);
  });

  it('holds no more than its burst, however long it was quiet', () => {
    const empty = new Map<BucketKind, number>([['TOTAL', 0]]);
    const budget = new Budget(POLICY, storedOf(empty, 86_400_000), 1_000_000);
    expect(budget.tokens.get('TOTAL')).toBe(20);
  });

  it('knows no retry after an error of a class that has none', () => {
    const budget = new Budget(POLICY, [], 0);
    expect(budget.admits({ code: 'CARD_DECLINED', calls: 1, isRepair: true })).toBe(false);
  });
});

const ROUNDING = 1e-6;

describe('the classes of errors', () => {
  it('with a budget are those that the taxonomy lets be sent again or inquired', () => {
    for (const code of UNIFIED_CODES) {
      const { retryable, queryFirst } = TAXONOMY[code];
      if (RETRY_CLASSES[code] !== null)
        expect([code, retryable || queryFirst]).toEqual([code, true]);
    }
  });

  it('that a decision leaves to be tried again all have one', () => {
    const order = { expected: EXPECTED, amount: 15_000n, remainingBefore: 15_000n };
    for (const answer of allAnswers(UNIFIED_CODES).values()) {
      const decisions = [
        decideApproval(answer, { expected: EXPECTED, number: 1, reachedBefore: false }),
        answer.kind === 'PAYMENT'
          ? null
          : decideCancel(answer, { order, number: 1, reachedBefore: false }),
        answer.kind === 'PAYMENT'
          ? null
          : decideNetCancel(answer, { expected: EXPECTED, mayBelieveNothing: false }),
      ];
      for (const decision of decisions) {
        if (decision?.kind !== 'WAIT' || decision.notExecuted === null) continue;
        expect(RETRY_CLASSES).toHaveProperty(decision.notExecuted.code, expect.any(Object));
      }
    }
  });
});

describe('a retry that is put off', () => {
  it('waits a random time up to a bound that doubles, and never above its maximum', () => {
    const random = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.nat(40), random, (denials, value) => {
        const boundMs = Math.min(30_000, 1_000 * 2 ** (denials + 1));
        expect(deniedPauseMs(denials, () => value)).toBe(Math.round(value * boundMs));
      }),
    );
  });
});
