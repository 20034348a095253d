/** The states of a call to a PG and the moves between them (docs/reference/states.md). */

export const ATTEMPT_OPERATIONS = ['APPROVE', 'CANCEL', 'NET_CANCEL'] as const;

export type AttemptOperation = (typeof ATTEMPT_OPERATIONS)[number];

export const ATTEMPT_STATES = [
  'READY',
  'CALLING',
  'UNKNOWN',
  'APPROVED',
  'DECLINED',
  'NOT_SENT',
  'REVERSED',
] as const;

export type AttemptState = (typeof ATTEMPT_STATES)[number];

/** From where to where an attempt may go; a closed one is only ever reversed. */
export const ATTEMPT_MOVES = {
  READY: ['CALLING', 'NOT_SENT'],
  CALLING: ['APPROVED', 'DECLINED', 'NOT_SENT', 'UNKNOWN'],
  UNKNOWN: ['APPROVED', 'DECLINED', 'NOT_SENT', 'REVERSED'],
  APPROVED: [],
  DECLINED: ['REVERSED'],
  NOT_SENT: ['REVERSED'],
  REVERSED: [],
} as const satisfies Record<AttemptState, readonly AttemptState[]>;

export function mayMove(from: AttemptState, to: AttemptState): boolean {
  return (ATTEMPT_MOVES[from] as readonly AttemptState[]).includes(to);
}
