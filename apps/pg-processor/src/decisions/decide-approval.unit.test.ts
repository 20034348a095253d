import { UNIFIED_CODES } from '@mini-pg/domain';
import { describe, expect, it } from 'vitest';
import { allAnswers, EXPECTED, refused, shown } from '../../test/answers.ts';
import { decideApproval } from './decide-approval.ts';
import type { Decision } from './decision.ts';

const ANSWERS = allAnswers(UNIFIED_CODES);

/** A decision in a word or two: kind, and the code or kind of exception that it carries. */
function inShort(decision: Decision): string {
  switch (decision.kind) {
    case 'DECLINE':
    case 'GIVE_UP':
    case 'RETRY':
      return `${decision.kind} ${decision.failure.code}`;
    case 'WAIT':
      return decision.notExecuted === null ? 'WAIT' : `WAIT not executed`;
    case 'ESCALATE':
      return `ESCALATE ${decision.exception}`;
    default:
      return decision.kind;
  }
}

function grid(facts: { number: number; reachedBefore: boolean }): Record<string, string> {
  return Object.fromEntries(
    [...ANSWERS].map(([name, answer]) => [
      name,
      inShort(decideApproval(answer, { expected: EXPECTED, ...facts })),
    ]),
  );
}

const SHOWN = {
  PAID: 'APPROVE',
  IN_PROGRESS: 'WAIT',
  FAILED: 'DECLINE CARD_DECLINED',
  CANCELLED: 'ESCALATE CANCELLED_AT_PG',
  PARTIALLY_CANCELLED: 'ESCALATE CANCELLED_AT_PG',
  WAITING_FOR_DEPOSIT: 'REFUSE_DEPOSIT',
  UNLISTED: 'WAIT',
};

const FIRST = {
  ...SHOWN,
  CARD_DECLINED: 'DECLINE CARD_DECLINED',
  INSUFFICIENT_FUNDS_OR_LIMIT: 'DECLINE INSUFFICIENT_FUNDS_OR_LIMIT',
  INVALID_PAYMENT_METHOD: 'DECLINE INVALID_PAYMENT_METHOD',
  AUTHENTICATION_FAILED: 'DECLINE AUTHENTICATION_FAILED',
  INVALID_REQUEST: 'DECLINE INVALID_REQUEST',
  AMOUNT_MISMATCH: 'DECLINE AMOUNT_MISMATCH',
  ALREADY_PROCESSED: 'DECLINE ALREADY_PROCESSED',
  NOT_FOUND: 'DECLINE NOT_FOUND',
  NOT_CANCELABLE: 'WAIT',
  STILL_RUNNING: 'WAIT',
  PROVIDER_UNAVAILABLE: 'WAIT not executed',
  OUTCOME_UNKNOWN: 'WAIT',
  CONFIG_ERROR: 'DECLINE CONFIG_ERROR',
  UNREACHABLE: 'WAIT not executed',
  WITHHELD: 'WAIT not executed',
  UNSENDABLE: 'GIVE_UP INVALID_REQUEST',
  NO_ANSWER: 'WAIT',
  UNKNOWN: 'WAIT',
};

describe('the answer to the first call of an attempt', () => {
  it('is read by the whole grid of answers', () => {
    expect(grid({ number: 1, reachedBefore: false })).toEqual(FIRST);
  });

  it('of a later attempt differs where an earlier one may have been executed after all', () => {
    expect(grid({ number: 2, reachedBefore: false })).toEqual({
      ...FIRST,
      ALREADY_PROCESSED: 'ESCALATE UNPROVEN_CAPTURE',
    });
  });
});

describe('the answer to the same bytes sent again', () => {
  it('closes only by what executing the authorization can give', () => {
    expect(grid({ number: 1, reachedBefore: true })).toEqual({
      ...FIRST,
      INVALID_REQUEST: 'WAIT',
      AMOUNT_MISMATCH: 'WAIT',
      ALREADY_PROCESSED: 'WAIT',
      NOT_FOUND: 'WAIT',
      PROVIDER_UNAVAILABLE: 'WAIT',
      CONFIG_ERROR: 'WAIT',
      UNREACHABLE: 'WAIT',
      WITHHELD: 'WAIT',
      UNSENDABLE: 'WAIT',
    });
  });
});

describe('a payment that the PG shows as paid', () => {
  const facts = { expected: EXPECTED, number: 1, reachedBefore: false };

  it.each([
    ['another payment id', { pgPaymentId: 'key-2' }],
    ['another order number', { pgOrderId: 'order-2' }],
    ['a smaller amount', { amount: 14_999n }],
    ['a larger amount', { amount: 15_001n }],
    ['another currency', { currency: 'USD' }],
  ])('is never approved with %s', (_name, over) => {
    const decision = decideApproval(shown('PAID', over), facts);
    expect(inShort(decision)).toBe('ESCALATE MISMATCH');
  });

  it.each([
    ['its transaction', { pgTransactionId: null }],
    ['its time', { approvedAt: null }],
  ])('is not approved without %s', (_name, over) => {
    expect(inShort(decideApproval(shown('PAID', over), facts))).toBe('WAIT');
  });

  it('is approved with any payment id where none is known before', () => {
    const expected = { ...EXPECTED, pgPaymentId: null };
    const decision = decideApproval(shown('PAID', { pgPaymentId: 'new' }), { ...facts, expected });
    expect(inShort(decision)).toBe('APPROVE');
  });
});

describe('a payment that is not ours', () => {
  const facts = { expected: EXPECTED, number: 1, reachedBefore: false };

  it.each(['FAILED', 'WAITING_FOR_DEPOSIT', 'CANCELLED', 'PARTIALLY_CANCELLED'] as const)(
    'says nothing when it is %s',
    (state) => {
      const decision = decideApproval(shown(state, { pgPaymentId: 'key-2' }), facts);
      expect(inShort(decision)).toBe('ESCALATE MISMATCH');
    },
  );
});

describe('a payment that ended at the PG', () => {
  const facts = { expected: EXPECTED, number: 1, reachedBefore: false };

  it.each([
    ['INSUFFICIENT_FUNDS_OR_LIMIT', 'INSUFFICIENT_FUNDS_OR_LIMIT'],
    ['AUTHENTICATION_FAILED', 'AUTHENTICATION_FAILED'],
    ['OUTCOME_UNKNOWN', 'CARD_DECLINED'],
    ['PROVIDER_UNAVAILABLE', 'CARD_DECLINED'],
    ['IN_PROGRESS', 'CARD_DECLINED'],
    ['ALREADY_PROCESSED', 'CARD_DECLINED'],
  ] as const)('for %s fails with %s and keeps the PG code', (code, expected) => {
    const failure = { code, pgCode: 'THEIRS', message: 'theirs' };
    const decision = decideApproval(shown('FAILED', { failure }), facts);
    expect(decision).toMatchObject({
      kind: 'DECLINE',
      failure: { code: expected, pgCode: 'THEIRS', message: 'theirs' },
    });
  });
});

describe('a refusal', () => {
  it('keeps the PG code and message, and says whether to try again', () => {
    const facts = { expected: EXPECTED, number: 1, reachedBefore: false };
    expect(decideApproval(refused('CARD_DECLINED'), facts)).toEqual({
      kind: 'DECLINE',
      failure: {
        code: 'CARD_DECLINED',
        message: 'refused: CARD_DECLINED',
        pgCode: 'PG_CARD_DECLINED',
        retryable: false,
      },
    });
  });
});
