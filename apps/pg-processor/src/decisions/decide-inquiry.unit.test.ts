import { UNIFIED_CODES } from '@mini-pg/domain';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allAnswers, EXPECTED, shown } from '../../test/answers.ts';
import { decideInquiry, type InquiryFacts } from './decide-inquiry.ts';
import { failureOf } from './decision.ts';

const ANSWERS = allAnswers(UNIFIED_CODES);
const UNAVAILABLE = failureOf('PROVIDER_UNAVAILABLE', 'not executed');

const LOST: InquiryFacts = {
  expected: EXPECTED,
  reached: true,
  notExecuted: null,
  mayBelieveNotFound: false,
  mayResend: false,
  mayRetry: true,
  isLast: false,
};

function grid(facts: Partial<InquiryFacts>): Record<string, string> {
  return Object.fromEntries(
    [...ANSWERS].map(([name, answer]) => {
      const decision = decideInquiry(answer, { ...LOST, ...facts });
      const about =
        'failure' in decision
          ? decision.failure.code
          : decision.kind === 'ESCALATE'
            ? decision.exception
            : '';
      return [name, `${decision.kind} ${about}`.trim()];
    }),
  );
}

const NO_USE = {
  CARD_DECLINED: 'WAIT',
  INSUFFICIENT_FUNDS_OR_LIMIT: 'WAIT',
  INVALID_PAYMENT_METHOD: 'WAIT',
  AUTHENTICATION_FAILED: 'WAIT',
  INVALID_REQUEST: 'WAIT',
  AMOUNT_MISMATCH: 'WAIT',
  ALREADY_PROCESSED: 'WAIT',
  NOT_FOUND: 'WAIT',
  NOT_CANCELABLE: 'WAIT',
  STILL_RUNNING: 'WAIT',
  PROVIDER_UNAVAILABLE: 'WAIT',
  OUTCOME_UNKNOWN: 'WAIT',
  CONFIG_ERROR: 'WAIT',
  UNREACHABLE: 'WAIT',
  WITHHELD: 'WAIT',
  UNSENDABLE: 'WAIT',
  NO_ANSWER: 'WAIT',
  UNKNOWN: 'WAIT',
};

const LOST_GRID = {
  ...NO_USE,
  PAID: 'APPROVE',
  IN_PROGRESS: 'WAIT',
  FAILED: 'DECLINE CARD_DECLINED',
  CANCELLED: 'ESCALATE CANCELLED_AT_PG',
  PARTIALLY_CANCELLED: 'ESCALATE CANCELLED_AT_PG',
  WAITING_FOR_DEPOSIT: 'REFUSE_DEPOSIT',
  UNLISTED: 'WAIT',
};

describe('an inquiry about a call whose answer was lost', () => {
  it('is read by the whole grid of answers', () => {
    expect(grid({})).toEqual(LOST_GRID);
  });

  it('leads to the same bytes only when the PG shows it not captured', () => {
    expect(grid({ mayResend: true })).toEqual({ ...LOST_GRID, IN_PROGRESS: 'RESEND' });
  });

  it('ends by "not found" once that may be believed', () => {
    expect(grid({ mayBelieveNotFound: true })).toEqual({
      ...LOST_GRID,
      NOT_FOUND: 'GIVE_UP NOT_FOUND',
    });
  });

  it('gives it to a person when it was the last one and nothing was learnt', () => {
    const last = Object.fromEntries(
      Object.entries(LOST_GRID).map(([name, decision]) => [
        name,
        decision === 'WAIT' ? 'ESCALATE OUTCOME_UNKNOWN' : decision,
      ]),
    );
    expect(grid({ isLast: true })).toEqual(last);
  });
});

describe('an inquiry about a call that surely was not executed', () => {
  const facts = { ...LOST, notExecuted: UNAVAILABLE };

  it('leads to a further attempt when the PG shows it not done', () => {
    expect(grid(facts)).toEqual({
      ...LOST_GRID,
      IN_PROGRESS: 'RETRY PROVIDER_UNAVAILABLE',
      NOT_FOUND: 'RETRY PROVIDER_UNAVAILABLE',
    });
  });

  it('ends it when no further attempt is left', () => {
    const decision = decideInquiry(shown('IN_PROGRESS'), { ...facts, mayRetry: false });
    expect(decision).toEqual({ kind: 'GIVE_UP', failure: UNAVAILABLE });
  });

  it('ends it, with its own failure, when the last inquiry is of no use', () => {
    expect(grid({ ...facts, isLast: true })).toMatchObject({
      NO_ANSWER: 'GIVE_UP PROVIDER_UNAVAILABLE',
      UNREACHABLE: 'GIVE_UP PROVIDER_UNAVAILABLE',
      CONFIG_ERROR: 'GIVE_UP PROVIDER_UNAVAILABLE',
    });
  });

  it('never sends the same bytes again', () => {
    expect(decideInquiry(shown('IN_PROGRESS'), { ...facts, mayResend: true }).kind).toBe('RETRY');
  });
});

describe('an inquiry about an attempt of which no byte was sent', () => {
  it.each(['PAID', 'WAITING_FOR_DEPOSIT'] as const)(
    'never takes %s as its own success',
    (state) => {
      const facts = { ...LOST, reached: false, notExecuted: UNAVAILABLE };
      expect(decideInquiry(shown(state), facts)).toMatchObject({
        kind: 'ESCALATE',
        exception: 'UNPROVEN_CAPTURE',
      });
    },
  );
});

describe('whatever is known of an attempt', () => {
  const anyFacts = fc.record({
    expected: fc.constant(EXPECTED),
    reached: fc.boolean(),
    notExecuted: fc.constantFrom(null, UNAVAILABLE),
    mayBelieveNotFound: fc.boolean(),
    mayResend: fc.boolean(),
    mayRetry: fc.boolean(),
    isLast: fc.boolean(),
  });
  const anyAnswer = fc.constantFrom(...ANSWERS.values());

  it('an inquiry approves only what is shown paid, after a call', () => {
    fc.assert(
      fc.property(anyAnswer, anyFacts, (answer, facts) => {
        const { kind } = decideInquiry(answer, facts);
        const isProof = answer.kind === 'PAYMENT' && answer.state === 'PAID' && facts.reached;
        expect(kind === 'APPROVE').toBe(isProof);
      }),
    );
  });

  it('a new attempt follows only what surely was not executed', () => {
    fc.assert(
      fc.property(anyAnswer, anyFacts, (answer, facts) => {
        const { kind } = decideInquiry(answer, facts);
        if (kind === 'RETRY')
          expect(facts).toMatchObject({ notExecuted: UNAVAILABLE, mayRetry: true });
        if (kind === 'RESEND') expect(facts).toMatchObject({ notExecuted: null, mayResend: true });
      }),
    );
  });

  it('nothing waits for an inquiry that will not come', () => {
    fc.assert(
      fc.property(anyAnswer, anyFacts, (answer, facts) => {
        const { kind } = decideInquiry(answer, { ...facts, isLast: true });
        expect(kind).not.toBe('WAIT');
      }),
    );
  });
});
