import { UNIFIED_CODES } from '@mini-pg/domain';
import type { PgAnswer, PgCancel } from '@mini-pg/pg-adapters';
import { describe, expect, it } from 'vitest';
import { allAnswers, EXPECTED, inShort, shown } from '../../test/answers.ts';
import {
  type CancelInquiryFacts,
  decideCancelFollowUp,
  decideCancelInquiry,
} from './decide-cancel-inquiry.ts';
import { failureOf } from './decision.ts';

const UNAVAILABLE = failureOf('PROVIDER_UNAVAILABLE', 'not executed');
const at = '2026-03-02T01:00:01.000Z';
const OURS: PgCancel = { pgTransactionId: 'cx-2', amount: 6_000n, at };
const BEFORE: PgCancel = { pgTransactionId: 'cx-1', amount: 3_000n, at };

/** 3,000 of 15,000 were cancelled before; 6,000 are to be cancelled now. */
const LOST: CancelInquiryFacts = {
  order: { expected: EXPECTED, amount: 6_000n, remainingBefore: 12_000n },
  others: new Set(['cx-1']),
  reached: true,
  notExecuted: null,
  mayResend: false,
  mayRetry: true,
  isLast: false,
};

const part = (balanceAmount: bigint, ...cancels: PgCancel[]): PgAnswer =>
  shown('PARTIALLY_CANCELLED', { balanceAmount, cancels });

/** What an inquiry may find: useless answers by their own names, payments by what they show. */
const ANSWERS = new Map<string, PgAnswer>([
  ...[...allAnswers(UNIFIED_CODES)].filter(([, { kind }]) => kind !== 'PAYMENT'),
  ['done', part(6_000n, BEFORE, OURS)],
  ['done, and another balance', part(5_999n, BEFORE, OURS)],
  ['another amount', part(7_000n, BEFORE, { ...OURS, amount: 5_000n })],
  [
    'done, and a cancel of nobody',
    part(5_000n, BEFORE, OURS, { ...OURS, pgTransactionId: 'cx-3', amount: 1_000n }),
  ],
  ['not done', part(12_000n, BEFORE)],
  ['not done, and another balance', part(11_000n, BEFORE)],
  [
    'done, of another payment',
    shown('PARTIALLY_CANCELLED', { pgPaymentId: 'key-2', cancels: [OURS] }),
  ],
  [
    'done, in a status that is not listed',
    shown('UNLISTED', { balanceAmount: 6_000n, cancels: [BEFORE, OURS] }),
  ],
]);

function grid(facts: Partial<CancelInquiryFacts>): Record<string, string> {
  return Object.fromEntries(
    [...ANSWERS].map(([name, answer]) => [
      name,
      inShort(decideCancelInquiry(answer, { ...LOST, ...facts })),
    ]),
  );
}

const everything = (word: string): Record<string, string> =>
  Object.fromEntries([...ANSWERS.keys()].map((name) => [name, word]));

const LOST_GRID = {
  ...everything('WAIT'),
  done: 'CANCELLED',
  'done, of another payment': 'ESCALATE MISMATCH',
};

describe('an inquiry about a cancel whose answer was lost', () => {
  it('is done only where the PG shows it, and nothing else, gone from the balance', () => {
    expect(grid({})).toEqual(LOST_GRID);
  });

  it('leads to the same bytes only where the PG shows it not done', () => {
    expect(grid({ mayResend: true })).toEqual({ ...LOST_GRID, 'not done': 'RESEND' });
  });

  it('gives it to a person when it was the last one and nothing was learnt', () => {
    expect(grid({ isLast: true })).toEqual({
      ...everything('ESCALATE OUTCOME_UNKNOWN'),
      done: 'CANCELLED',
      'done, of another payment': 'ESCALATE MISMATCH',
    });
  });
});

const NOT_BY_US = {
  done: 'ESCALATE CANCELLED_AT_PG',
  'done, and another balance': 'ESCALATE CANCELLED_AT_PG',
  'another amount': 'ESCALATE CANCELLED_AT_PG',
  'done, and a cancel of nobody': 'ESCALATE CANCELLED_AT_PG',
  'done, in a status that is not listed': 'ESCALATE CANCELLED_AT_PG',
  'done, of another payment': 'ESCALATE MISMATCH',
};

describe('an inquiry about a cancel that surely was not executed', () => {
  const notExecuted = UNAVAILABLE;

  it('leads to a further attempt where the PG shows it not done', () => {
    expect(grid({ notExecuted })).toEqual({
      ...everything('WAIT'),
      ...NOT_BY_US,
      'not done': 'RETRY PROVIDER_UNAVAILABLE',
    });
  });

  it('ends it when no further attempt or no inquiry is left', () => {
    expect(grid({ notExecuted, mayRetry: false, isLast: true })).toEqual({
      ...everything('GIVE_UP PROVIDER_UNAVAILABLE'),
      ...NOT_BY_US,
    });
  });
});

describe('an inquiry about a cancel that never reached the PG', () => {
  it('takes no cancel that the PG shows for its own', () => {
    expect(grid({ reached: false })).toEqual({ ...everything('WAIT'), ...NOT_BY_US });
  });
});

describe('a late look at a cancel that was closed as not done', () => {
  it('gives every cancel that belongs to nobody to a person', () => {
    const found = Object.fromEntries(
      [...ANSWERS].map(([name, answer]) => [name, inShort(decideCancelFollowUp(answer, LOST))]),
    );
    expect(found).toEqual({
      ...everything('NOTHING'),
      ...NOT_BY_US,
      'done, of another payment': 'NOTHING',
    });
  });
});
