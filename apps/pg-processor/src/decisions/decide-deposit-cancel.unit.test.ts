import { UNIFIED_CODES } from '@mini-pg/domain';
import type { CancelAnswer } from '@mini-pg/pg-adapters';
import { describe, expect, it } from 'vitest';
import { allAnswers } from '../../test/answers.ts';
import { decideDepositCancel, decideDepositInquiry } from './decide-deposit-cancel.ts';
import type { Decision } from './decision.ts';

const ANSWERS = allAnswers(UNIFIED_CODES);
const CANCEL = { pgTransactionId: 'tx-2', amount: 15_000n, at: '2026-03-02T01:00:01.000Z' };

const inShort = (decision: Decision): string =>
  decision.kind === 'ESCALATE' ? `ESCALATE ${decision.exception}` : decision.kind;

function grid(decide: (answer: CancelAnswer) => Decision): Record<string, string> {
  return Object.fromEntries(
    [...ANSWERS].map(([name, answer]) => {
      const full = answer.kind === 'PAYMENT' ? { ...answer, cancel: CANCEL } : answer;
      return [name, inShort(decide(full))];
    }),
  );
}

const CLEAR = {
  CANCELLED: 'DEPOSIT_CANCELLED',
  FAILED: 'DEPOSIT_CANCELLED',
  PAID: 'ESCALATE DEPOSIT_PAID',
  PARTIALLY_CANCELLED: 'ESCALATE DEPOSIT_PAID',
};

const withDefault = (word: string, over: Record<string, string>): Record<string, string> => ({
  ...Object.fromEntries([...ANSWERS.keys()].map((name) => [name, word])),
  ...over,
});

describe('the answer to the cancel of a deposit', () => {
  it('is done only when the PG shows that nothing is left', () => {
    expect(grid((answer) => decideDepositCancel(answer))).toEqual(withDefault('WAIT', CLEAR));
  });
});

describe('an inquiry about the cancel of a deposit', () => {
  it('leads to another cancel as long as the deposit waits', () => {
    const decide = (answer: CancelAnswer) =>
      decideDepositInquiry(answer, { mayRetry: true, isLast: false });
    expect(grid(decide)).toEqual(withDefault('WAIT', { ...CLEAR, WAITING_FOR_DEPOSIT: 'RETRY' }));
  });

  it('gives it to a person when no cancel or no inquiry is left', () => {
    const decide = (answer: CancelAnswer) =>
      decideDepositInquiry(answer, { mayRetry: false, isLast: true });
    expect(grid(decide)).toEqual(withDefault('ESCALATE DEPOSIT_NOT_CANCELLED', CLEAR));
  });
});
