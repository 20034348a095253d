import { UNIFIED_CODES } from '@mini-pg/domain';
import type { CancelAnswer, PgCancel, PgPayment } from '@mini-pg/pg-adapters';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allAnswers, EXPECTED, inShort, refused, shown } from '../../test/answers.ts';
import { type CancelCallFacts, type CancelOrder, decideCancel } from './decide-cancel.ts';

const CANCEL: PgCancel = {
  pgTransactionId: 'cx-1',
  amount: 6_000n,
  at: '2026-03-02T01:00:01.000Z',
};
const ORDER: CancelOrder = { expected: EXPECTED, amount: 6_000n, remainingBefore: 15_000n };
const FIRST: CancelCallFacts = { order: ORDER, number: 1, reachedBefore: false };

/** Every answer there is; a payment in it shows the cancel, and the balance that follows from it. */
const ANSWERS = new Map(
  [...allAnswers(UNIFIED_CODES)].map(([name, answer]): [string, CancelAnswer] => [
    name,
    answer.kind === 'PAYMENT'
      ? { ...shown(answer.state, { balanceAmount: 9_000n, cancels: [CANCEL] }), cancel: CANCEL }
      : answer,
  ]),
);

function grid(facts: Partial<CancelCallFacts>): Record<string, string> {
  return Object.fromEntries(
    [...ANSWERS].map(([name, answer]) => [
      name,
      inShort(decideCancel(answer, { ...FIRST, ...facts })),
    ]),
  );
}

const FIRST_GRID = {
  PAID: 'WAIT',
  IN_PROGRESS: 'WAIT',
  FAILED: 'WAIT',
  CANCELLED: 'CANCELLED',
  PARTIALLY_CANCELLED: 'CANCELLED',
  WAITING_FOR_DEPOSIT: 'WAIT',
  UNLISTED: 'WAIT',
  CARD_DECLINED: 'CANCEL_REFUSED CARD_DECLINED',
  INSUFFICIENT_FUNDS_OR_LIMIT: 'CANCEL_REFUSED INSUFFICIENT_FUNDS_OR_LIMIT',
  INVALID_PAYMENT_METHOD: 'CANCEL_REFUSED INVALID_PAYMENT_METHOD',
  AUTHENTICATION_FAILED: 'CANCEL_REFUSED AUTHENTICATION_FAILED',
  INVALID_REQUEST: 'CANCEL_REFUSED INVALID_REQUEST',
  AMOUNT_MISMATCH: 'CANCEL_REFUSED AMOUNT_MISMATCH !CANCELLED_AT_PG',
  ALREADY_PROCESSED: 'CANCEL_REFUSED ALREADY_PROCESSED !CANCELLED_AT_PG',
  NOT_FOUND: 'CANCEL_REFUSED NOT_FOUND',
  NOT_CANCELABLE: 'CANCEL_REFUSED NOT_CANCELABLE',
  STILL_RUNNING: 'WAIT',
  PROVIDER_UNAVAILABLE: 'WAIT, not executed',
  OUTCOME_UNKNOWN: 'WAIT',
  CONFIG_ERROR: 'CANCEL_REFUSED CONFIG_ERROR',
  UNREACHABLE: 'WAIT, not executed',
  WITHHELD: 'WAIT, not executed',
  UNSENDABLE: 'CANCEL_REFUSED INVALID_REQUEST',
  NO_ANSWER: 'WAIT',
  UNKNOWN: 'WAIT',
};

describe('the answer to the first call of a cancel', () => {
  it('is read by the whole grid of answers', () => {
    expect(grid({})).toEqual(FIRST_GRID);
  });

  it('goes to a person where the balance is another one and an earlier attempt was closed', () => {
    expect(grid({ number: 2 })).toEqual({
      ...FIRST_GRID,
      AMOUNT_MISMATCH: 'ESCALATE CANCELLED_AT_PG',
      ALREADY_PROCESSED: 'ESCALATE CANCELLED_AT_PG',
    });
  });
});

describe('the answer to the same bytes once more', () => {
  it('ends the cancel only by what comes from executing it', () => {
    const later = Object.fromEntries(
      Object.keys(FIRST_GRID).map((name) => [name, 'WAIT'] as const),
    );
    expect(grid({ reachedBefore: true })).toEqual({
      ...later,
      CANCELLED: 'CANCELLED',
      PARTIALLY_CANCELLED: 'CANCELLED',
      NOT_CANCELABLE: 'CANCEL_REFUSED NOT_CANCELABLE',
    });
  });
});

describe('a cancel that the PG shows', () => {
  const decide = (over: Partial<PgPayment>, cancel: PgCancel | null = CANCEL) =>
    inShort(
      decideCancel(
        { ...shown('PARTIALLY_CANCELLED', { balanceAmount: 9_000n, ...over }), cancel },
        FIRST,
      ),
    );

  it('is not believed without its transaction', () => {
    expect(decide({}, null)).toBe('WAIT');
  });

  it.each([
    ['payment id', { pgPaymentId: 'key-2' }],
    ['order', { pgOrderId: 'order-2' }],
    ['amount', { amount: 15_001n }],
    ['currency', { currency: 'USD' }],
  ])('of a payment with another %s goes to a person', (_name, over) => {
    expect(decide(over)).toBe('ESCALATE MISMATCH');
  });

  it('is done exactly when its amount and what is left are those that were asked for', () => {
    const won = fc.bigInt({ min: 0n, max: 15_000n });
    fc.assert(
      fc.property(won, won, (amount, balanceAmount) => {
        const isDone = amount === 6_000n && balanceAmount === 9_000n;
        expect(decide({ balanceAmount }, { ...CANCEL, amount })).toBe(
          isDone ? 'CANCELLED' : 'WAIT',
        );
      }),
      {
        examples: [
          [6_000n, 9_000n],
          [6_000n, 9_001n],
          [6_001n, 9_000n],
        ],
      },
    );
  });
});

describe('a refusal', () => {
  it('keeps the code of the PG for support', () => {
    expect(decideCancel(refused('NOT_CANCELABLE'), FIRST)).toMatchObject({
      failure: { pgCode: 'PG_NOT_CANCELABLE' },
    });
  });
});
