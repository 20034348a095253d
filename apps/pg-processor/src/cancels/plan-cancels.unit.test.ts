import type { AttemptState } from '@mini-pg/domain';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attempt, cancelRow, locked, planContext } from '../../test/locked.ts';
import { failureOf } from '../decisions/decision.ts';
import type { LockedAttempt, Plan } from '../results/plan.ts';
import type { Cancel } from './cancel.ts';
import { planCancels } from './plan-cancels.ts';

const UNAVAILABLE = failureOf('PROVIDER_UNAVAILABLE', 'not there');

function plan(attempts: LockedAttempt[], cancels: Cancel[], hasOutcome = false): Plan {
  const isApproved = attempts.some(({ state }) => state === 'APPROVED');
  const payment = locked(attempts, { cancels, hasOutcome: hasOutcome || isApproved });
  return planCancels(payment, planContext());
}

/** The moves of cancels and attempts, then the events, in words. */
function inWords({ cancels, patches, further, events }: Plan): string[] {
  return [
    ...patches.map(({ id, state, failure }) => `${id} ${state} ${failure?.code ?? ''}`.trim()),
    ...cancels.map(({ id, state }) => `${id} ${state}`),
    ...further.map(({ cancel }) => `attempt of ${cancel?.cancelId}: ${cancel?.amount}`),
    ...events.map(({ topic }) => topic),
  ];
}

const waiting = (id: string, amount: bigint | null = null) => cancelRow({ id, amount });

describe('the waiting cancels of a payment', () => {
  const states: Readonly<Record<AttemptState, string[]>> = {
    READY: [
      'attempt-1 NOT_SENT CANCELLED_BEFORE_APPROVAL',
      'one DONE',
      'two FAILED',
      'payment.failed',
      'payment.cancel-failed',
    ],
    CALLING: [],
    UNKNOWN: [],
    APPROVED: ['one STARTED', 'attempt of one: 15000'],
    DECLINED: ['one FAILED', 'two FAILED', 'payment.cancel-failed', 'payment.cancel-failed'],
    NOT_SENT: ['one FAILED', 'two FAILED', 'payment.cancel-failed', 'payment.cancel-failed'],
    REVERSED: ['one FAILED', 'two FAILED', 'payment.cancel-failed', 'payment.cancel-failed'],
  };

  it.each(Object.entries(states))('whose approval is %s', (state, moves) => {
    const hasOutcome = !['READY', 'CALLING', 'UNKNOWN'].includes(state);
    const approval = attempt({ state: state as AttemptState });
    expect(inWords(plan([approval], [waiting('one'), waiting('two')], hasOutcome))).toEqual(moves);
  });

  it('fail with it where an attempt before reached the PG', () => {
    const first = attempt({ id: 'first', state: 'NOT_SENT', reached: true, failure: UNAVAILABLE });
    const second = attempt({ id: 'second', number: 2, state: 'READY' });
    expect(inWords(plan([first, second], [waiting('one')]))).toEqual([
      'second NOT_SENT PROVIDER_UNAVAILABLE',
      'one FAILED',
      'payment.failed',
      'payment.cancel-failed',
    ]);
  });

  it('do not fail with it where no attempt before reached the PG', () => {
    const first = attempt({ id: 'first', state: 'NOT_SENT', failure: UNAVAILABLE });
    const second = attempt({ id: 'second', number: 2, state: 'READY' });
    expect(inWords(plan([first, second], [waiting('one')]))).toEqual([
      'second NOT_SENT CANCELLED_BEFORE_APPROVAL',
      'one DONE',
      'payment.failed',
    ]);
  });

  it('wait for one that runs', () => {
    const running = cancelRow({
      id: 'running',
      state: 'STARTED',
      amount: 1n,
      remainingBefore: 15_000n,
    });
    expect(inWords(plan([attempt({ state: 'APPROVED' })], [running, waiting('one')]))).toEqual([]);
  });

  it('of a payment that is not known stay as they are', () => {
    expect(inWords(plan([], [waiting('one')]))).toEqual([]);
  });
});

describe('the balance of an approved payment', () => {
  it('is never exceeded, whatever is asked for and however it ends', () => {
    const amounts = fc.array(fc.option(fc.bigInt({ min: 1n, max: 20_000n })), { maxLength: 12 });
    fc.assert(
      fc.property(amounts, fc.infiniteStream(fc.boolean()), (asked, ends) => {
        let cancels = asked.map((amount, index) => waiting(`${index}`, amount));
        let left = 15_000n;
        for (let round = 0; round <= asked.length; round += 1) {
          const planned = plan([attempt({ state: 'APPROVED' })], cancels);
          const moves = new Map(planned.cancels.map((patch) => [patch.id, patch]));
          const isDone = ends.next().value;
          cancels = cancels.map((cancel): Cancel => {
            const move = moves.get(cancel.id);
            if (!move) return cancel;
            if (move.state !== 'STARTED') return { ...cancel, state: move.state };
            expect(move.remainingBefore).toBe(left);
            if (!isDone) return { ...cancel, state: 'FAILED' };
            left -= move.amount ?? 0n;
            expect(left).toBeGreaterThanOrEqual(0n);
            return { ...cancel, ...move, state: 'DONE', remainingAfter: left };
          });
        }
        expect(cancels.filter(({ state }) => state === 'WAITING')).toEqual([]);
      }),
    );
  });
});
