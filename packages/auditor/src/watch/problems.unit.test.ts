import { describe, expect, it } from 'vitest';
import { idsOf, OPEN_MAX, OpenProblems, type Problem, problemOf } from './problems.ts';

const RULE = { id: 'sum-of-lines', statement: 'A sum is the sum of its lines.' };
const ONE = '019a0000-0000-7000-8000-000000000001';
const OTHER = '019a0000-0000-7000-8000-000000000002';
const AT = '2026-03-13T03:00:00.000Z';

const problem = (paymentId: string, values: object = {}): Problem =>
  problemOf(RULE, { paymentId, ...values }, AT, null);

describe('a problem', () => {
  it('is the same while its ids are, whatever its values', () => {
    expect(problem(ONE, { amount: 1 }).key).toBe(problem(ONE, { amount: 2 }).key);
    expect(problem(ONE).key).not.toBe(problem(OTHER).key);
    expect(problem(ONE).key).not.toBe(
      problemOf({ ...RULE, id: 'x' }, { paymentId: ONE }, AT, null).key,
    );
  });

  it('names its ids, alone or in lists, and nothing that is none', () => {
    const violation = { paymentIds: [ONE, OTHER], orderId: 'order-1', amount: 5, factId: null };
    expect(idsOf(violation)).toEqual([ONE, OTHER]);
  });
});

describe('open problems', () => {
  it('are stated once, and resolved once they were looked at and are not found', () => {
    const open = new OpenProblems();
    const [one, other] = [problem(ONE), problem(OTHER)];
    expect(open.take([one, other], [])).toEqual({ found: [one, other], resolved: [] });
    expect(open.take([one], [one, other])).toEqual({ found: [], resolved: [other] });
    expect(open.take([], [other])).toEqual({ found: [], resolved: [] });
    expect([open.count('sum-of-lines'), open.count('other')]).toEqual([1, 0]);
    expect(open.all()).toEqual([one]);
  });

  it('that are found twice in one look are stated once', () => {
    const open = new OpenProblems();
    expect(open.take([problem(ONE), problem(ONE, { amount: 2 })], []).found).toHaveLength(1);
  });

  it('are kept up to a bound; the next is stated once there is room', () => {
    const many = Array.from({ length: OPEN_MAX }, (_, n) => problem(`019a-${n}`));
    const open = new OpenProblems(many);
    expect(open.take([problem(ONE)], []).found).toEqual([]);
    open.take([], many.slice(0, 1));
    expect(open.take([problem(ONE)], []).found).toEqual([problem(ONE)]);
  });

  it('are looked at again in turn', () => {
    const [one, other] = [problem(ONE), problem(OTHER)];
    const open = new OpenProblems([one, other]);
    expect([open.next(1), open.next(1), open.next(1)]).toEqual([[one], [other], [one]]);
    expect(open.next(5)).toEqual([other, one]);
  });
});
