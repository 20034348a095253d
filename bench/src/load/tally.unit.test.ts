import { describe, expect, it } from 'vitest';
import type { LoadPlan } from './load-plan.ts';
import { Tally } from './tally.ts';

const PLAN: LoadPlan = {
  port: 1,
  connections: 1,
  warmupMs: 0,
  durationMs: 2_000,
  statuses: [202],
  traffic: { kind: 'payments', secretKeys: ['sk'], runId: 'r1', marksReplays: true },
};
const answer = (status: number, isReplay: boolean, isRepeatable = false) => ({
  status,
  isReplay,
  isRepeatable,
});
const BYTES = Buffer.alloc(0);
const NEW = { bytes: BYTES, isRepeat: false };
const REPEAT = { bytes: BYTES, isRepeat: true };

describe('the tally of a run', () => {
  it('gives the rate over the measured time and times to three figures', () => {
    const tally = new Tally(PLAN);
    for (let ms = 1; ms <= 1_000; ms += 1) tally.record(ms, answer(202, false));
    const { answers, answersPerSecond, statuses, latency } = tally.result(5);
    expect({ answers, answersPerSecond, statuses }).toEqual({
      answers: 1_000,
      answersPerSecond: 500,
      statuses: { 202: 1_000 },
    });
    expect(latency.p50).toBeCloseTo(500, -1);
    expect(latency.p99).toBeCloseTo(990, -1);
    expect(latency.p999).toBeCloseTo(999, -1);
    expect(latency.max).toBeCloseTo(1_000, -1);
  });

  it('finds no fault with new requests taken and repeats replayed', () => {
    const tally = new Tally(PLAN);
    tally.check(NEW, answer(202, false));
    tally.check(REPEAT, answer(202, true));
    expect(tally.fault).toBeUndefined();
  });

  it('finds fault with another status, a lost replay and a replay of nothing', () => {
    const faults = [
      [NEW, answer(503, false)],
      [REPEAT, answer(202, false)],
      [NEW, answer(202, true)],
    ] as const;
    for (const [request, head] of faults) {
      const tally = new Tally(PLAN);
      tally.check(request, head);
      expect(tally.fault).toBeDefined();
    }
  });

  it('counts what an overload has refused apart, and only if it says when to repeat', () => {
    const tally = new Tally({ ...PLAN, isOverload: true, ratePerSecond: 10 });
    tally.check(NEW, answer(202, false));
    tally.record(5, answer(202, false));
    const refusal = answer(503, false, true);
    tally.check(NEW, refusal);
    tally.record(1, refusal);
    tally.recordLate();
    const { answers, refused, late, taken, statuses } = tally.result(5);
    expect({ answers, refused, late, taken, statuses }).toEqual({
      answers: 1,
      refused: 1,
      late: 1,
      taken: 1,
      statuses: { 202: 1, 503: 1 },
    });
    expect(tally.fault).toBeUndefined();
    tally.check(NEW, answer(503, false, false));
    expect(tally.fault).toBe('an answer of status 503');
  });
});
