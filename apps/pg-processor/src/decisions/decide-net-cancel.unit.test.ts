import { UNIFIED_CODES } from '@mini-pg/domain';
import type { NetCancelAnswer, PgAnswer, PgCancel, PgPayment } from '@mini-pg/pg-adapters';
import { describe, expect, it } from 'vitest';
import { allAnswers, EXPECTED, inShort, payment, refused, shown } from '../../test/answers.ts';
import {
  type AfterNetCancelFacts,
  decideAfterNetCancel,
  decideNetCancel,
} from './decide-net-cancel.ts';
import type { Decision } from './decision.ts';

const WHOLE: PgCancel = {
  pgTransactionId: 'cx-1',
  amount: 15_000n,
  at: '2026-03-02T02:00:00.000Z',
};

function undone(over: Partial<PgPayment> = {}, cancel: Partial<PgCancel> = {}): NetCancelAnswer {
  const { evidence } = shown('CANCELLED');
  const what = payment({ balanceAmount: 0n, cancels: [WHOLE], ...over });
  return { kind: 'UNDONE', shown: { payment: what, cancel: { ...WHOLE, ...cancel } }, evidence };
}

function word(decision: Decision): string {
  if (decision.kind !== 'UNDONE') return inShort(decision);
  return decision.shown === null ? 'UNDONE, unseen' : 'UNDONE';
}

/** Every answer that shows no payment, by its name. */
const FAILURES = [...allAnswers(UNIFIED_CODES)].filter(
  (entry): entry is [string, Exclude<PgAnswer, { kind: 'PAYMENT' }>] => entry[1].kind !== 'PAYMENT',
);

/** Each answer, and what it means once nothing can be executed any more. */
const AT_CALL: Record<string, string> = {
  ALREADY_PROCESSED: 'WAIT',
  AMOUNT_MISMATCH: 'CANCEL_REFUSED AMOUNT_MISMATCH',
  AUTHENTICATION_FAILED: 'WAIT',
  CARD_DECLINED: 'WAIT',
  CONFIG_ERROR: 'CANCEL_REFUSED CONFIG_ERROR',
  INSUFFICIENT_FUNDS_OR_LIMIT: 'WAIT',
  INVALID_PAYMENT_METHOD: 'WAIT',
  INVALID_REQUEST: 'CANCEL_REFUSED INVALID_REQUEST',
  NOT_CANCELABLE: 'CANCEL_REFUSED NOT_CANCELABLE',
  NOT_FOUND: 'NOTHING_TO_UNDO PROVIDER_UNAVAILABLE',
  NO_ANSWER: 'WAIT',
  OUTCOME_UNKNOWN: 'WAIT',
  PROVIDER_UNAVAILABLE: 'WAIT, not executed',
  STILL_RUNNING: 'WAIT',
  UNKNOWN: 'WAIT',
  UNREACHABLE: 'WAIT, not executed',
  UNSENDABLE: 'CANCEL_REFUSED INVALID_REQUEST',
  WITHHELD: 'WAIT, not executed',
  undone: 'UNDONE',
  'undone in part': 'WAIT',
  'undone, of another amount': 'ESCALATE MISMATCH',
  'undone, of another order': 'ESCALATE MISMATCH',
  'undone, of another payment': 'ESCALATE MISMATCH',
  'undone, unseen': 'UNDONE, unseen',
  'undone, without the proof of a capture': 'UNDONE, unseen',
};

describe('the answer to a net-cancel', () => {
  const ANSWERS = new Map<string, NetCancelAnswer>([
    ...FAILURES,
    ['undone', undone()],
    ['undone, unseen', { kind: 'UNDONE', shown: null, evidence: shown('CANCELLED').evidence }],
    ['undone, without the proof of a capture', undone({ pgTransactionId: null })],
    ['undone in part', undone({ balanceAmount: 5_000n }, { amount: 10_000n })],
    ['undone, of another payment', undone({ pgPaymentId: 'key-2' })],
    ['undone, of another order', undone({ pgOrderId: 'order-2' })],
    ['undone, of another amount', undone({ amount: 14_000n })],
  ]);

  const grid = (mayBelieveNothing: boolean): Record<string, string> =>
    Object.fromEntries(
      [...ANSWERS].map(([name, answer]) => [
        name,
        word(decideNetCancel(answer, { expected: EXPECTED, mayBelieveNothing })),
      ]),
    );

  it('is read, whatever it is', () => {
    expect(grid(true)).toEqual(AT_CALL);
  });

  it('that there is nothing to undo is not believed while the approval may be executed', () => {
    expect(grid(false)).toEqual({ ...AT_CALL, NOT_FOUND: 'WAIT' });
  });

  it('never ends an approval by what the PG does not clearly say', () => {
    const clear = ['UNDONE', 'NOTHING_TO_UNDO', 'CANCEL_REFUSED', 'ESCALATE'];
    const unclear = [...ANSWERS].filter(
      ([, { kind }]) => kind === 'UNKNOWN' || kind === 'NO_ANSWER',
    );
    for (const [, answer] of unclear) {
      const facts = { expected: EXPECTED, mayBelieveNothing: true };
      expect(clear).not.toContain(decideNetCancel(answer, facts).kind);
    }
  });
});

/** The net-cancel's answer is lost, and it may be repeated. */
const LOST: AfterNetCancelFacts = {
  expected: EXPECTED,
  reached: true,
  mayBelieveNotFound: true,
  mayNetCancel: false,
  mayCancel: true,
  isLast: false,
};

const cancelled = (over: Partial<PgPayment> = {}): PgAnswer =>
  shown('CANCELLED', { balanceAmount: 0n, cancels: [WHOLE], ...over });

const INQUIRIES = new Map<string, PgAnswer>([
  ...allAnswers(UNIFIED_CODES),
  ['given back', cancelled()],
  ['given back, without the proof of a capture', cancelled({ pgTransactionId: null })],
  ['given back by two', cancelled({ cancels: [WHOLE, { ...WHOLE, pgTransactionId: 'cx-2' }] })],
  ['given back, of another amount', cancelled({ cancels: [{ ...WHOLE, amount: 1n }] })],
  ['given back, of another order', cancelled({ pgOrderId: 'order-2' })],
  ['stands, without its proof', shown('PAID', { approvedAt: null })],
  ['stands, of another payment', shown('PAID', { pgPaymentId: 'key-2' })],
]);

/** Each answer, and what it means where no further net-cancel is made. */
const AFTER: Record<string, string> = {
  ALREADY_PROCESSED: 'WAIT',
  AMOUNT_MISMATCH: 'WAIT',
  AUTHENTICATION_FAILED: 'WAIT',
  CANCELLED: 'WAIT',
  CARD_DECLINED: 'WAIT',
  CONFIG_ERROR: 'WAIT',
  FAILED: 'NOTHING_TO_UNDO CARD_DECLINED',
  INSUFFICIENT_FUNDS_OR_LIMIT: 'WAIT',
  INVALID_PAYMENT_METHOD: 'WAIT',
  INVALID_REQUEST: 'WAIT',
  IN_PROGRESS: 'WAIT',
  NOT_CANCELABLE: 'WAIT',
  NOT_FOUND: 'NOTHING_TO_UNDO PROVIDER_UNAVAILABLE',
  NO_ANSWER: 'WAIT',
  OUTCOME_UNKNOWN: 'WAIT',
  PAID: 'REVERSE',
  PARTIALLY_CANCELLED: 'ESCALATE CANCELLED_AT_PG',
  PROVIDER_UNAVAILABLE: 'WAIT',
  STILL_RUNNING: 'WAIT',
  UNKNOWN: 'WAIT',
  UNLISTED: 'WAIT',
  UNREACHABLE: 'WAIT',
  UNSENDABLE: 'WAIT',
  WAITING_FOR_DEPOSIT: 'WAIT',
  WITHHELD: 'WAIT',
  'given back': 'UNDONE',
  'given back by two': 'WAIT',
  'given back, of another amount': 'WAIT',
  'given back, of another order': 'ESCALATE MISMATCH',
  'given back, without the proof of a capture': 'UNDONE, unseen',
  'stands, of another payment': 'ESCALATE MISMATCH',
  'stands, without its proof': 'WAIT',
};

function after(facts: Partial<AfterNetCancelFacts>): Record<string, string> {
  return Object.fromEntries(
    [...INQUIRIES].map(([name, answer]) => [
      name,
      word(decideAfterNetCancel(answer, { ...LOST, ...facts })),
    ]),
  );
}

/** The same, with what a change of facts turns each word into. */
function turned(words: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(AFTER).map(([name, said]) => [name, words[said] ?? said]),
  );
}

describe('an inquiry after a net-cancel', () => {
  it('is read, whatever it shows', () => {
    expect(after({})).toEqual(AFTER);
  });

  it('has the net-cancel repeated as long as nothing clear is shown', () => {
    const again = 'RETRY OUTCOME_UNKNOWN';
    expect(after({ mayNetCancel: true })).toEqual(turned({ WAIT: again, REVERSE: again }));
  });

  it('goes to a person when it was the last one', () => {
    expect(after({ isLast: true })).toEqual(turned({ WAIT: 'ESCALATE OUTCOME_UNKNOWN' }));
  });

  it('waits for a person where the ladder has no cancel', () => {
    expect(after({ mayCancel: false })).toEqual(turned({ REVERSE: 'WAIT' }));
  });

  it('does not believe "not found" while the approval may be executed', () => {
    expect(after({ mayBelieveNotFound: false })).toEqual({ ...AFTER, NOT_FOUND: 'WAIT' });
  });

  it('does not take for ours what no net-cancel of ours can have done', () => {
    const other = 'ESCALATE CANCELLED_AT_PG';
    const seen = after({ reached: false });
    for (const [name, said] of Object.entries(AFTER)) {
      const isGivenBack = name === 'CANCELLED' || /^given back(,? by| without|$)/.test(name);
      if (said.startsWith('UNDONE') || isGivenBack) expect(seen[name], name).toBe(other);
    }
  });

  it('never approves, and believes nothing that was found by its order alone', () => {
    const expected = { ...EXPECTED, pgPaymentId: null };
    for (const mayNetCancel of [true, false]) {
      const kinds = [...INQUIRIES.values()].map(
        (answer) => decideAfterNetCancel(answer, { ...LOST, mayNetCancel }).kind,
      );
      expect(kinds).not.toContain('APPROVE');
      expect(kinds).not.toContain('GIVE_UP');
    }
    expect(word(decideAfterNetCancel(cancelled(), { ...LOST, expected }))).toBe('WAIT');
    expect(word(decideAfterNetCancel(shown('PAID'), { ...LOST, expected }))).toBe('WAIT');
  });

  it('gives what a payment fails of', () => {
    const failure = { code: 'CARD_DECLINED', pgCode: 'X', message: 'declined' } as const;
    expect(decideAfterNetCancel(shown('FAILED', { failure }), LOST)).toMatchObject({
      ...{ kind: 'NOTHING_TO_UNDO', failure: { code: 'CARD_DECLINED', pgCode: 'X' } },
    });
    expect(decideAfterNetCancel(refused('NOT_FOUND'), LOST)).toMatchObject({
      ...{ kind: 'NOTHING_TO_UNDO', failure: { code: 'PROVIDER_UNAVAILABLE', retryable: true } },
    });
  });
});
