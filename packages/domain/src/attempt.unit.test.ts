import { describe, expect, it } from 'vitest';
import { ATTEMPT_STATES, type AttemptState, mayMove } from './attempt.ts';

/** Every move that is allowed, written out; all others are not. */
const ALLOWED: readonly `${AttemptState} -> ${AttemptState}`[] = [
  'READY -> CALLING',
  'READY -> NOT_SENT',
  'CALLING -> APPROVED',
  'CALLING -> DECLINED',
  'CALLING -> NOT_SENT',
  'CALLING -> UNKNOWN',
  'UNKNOWN -> APPROVED',
  'UNKNOWN -> DECLINED',
  'UNKNOWN -> NOT_SENT',
  'UNKNOWN -> REVERSED',
  'DECLINED -> REVERSED',
  'NOT_SENT -> REVERSED',
];

describe.each(ATTEMPT_STATES)('an attempt that is %s', (from) => {
  it.each(ATTEMPT_STATES)('moves to %s only where the design allows it', (to) => {
    expect(mayMove(from, to)).toBe(ALLOWED.includes(`${from} -> ${to}`));
  });
});
