import type { Attempt } from '../attempts/attempt.ts';

/** What an attempt is to the money of its payment. */
export type Role =
  | 'APPROVAL'
  /** A try of a cancel that was asked for. */
  | 'CANCEL'
  /** Gives back a capture that nobody was told of. */
  | 'REVERSAL'
  | 'NET_CANCEL'
  /** Refuses a deposit account. */
  | 'DEPOSIT_CANCEL';

export function roleOf({ operation, cancelId, reversesId }: Attempt): Role {
  if (operation !== 'CANCEL') return operation === 'APPROVE' ? 'APPROVAL' : 'NET_CANCEL';
  if (cancelId !== null) return 'CANCEL';
  return reversesId === null ? 'DEPOSIT_CANCEL' : 'REVERSAL';
}

/** The approval whose money is at stake with an attempt; null for a cancel that was asked for. */
export function approvalBehind<A extends Attempt>(attempt: A, attempts: readonly A[]): A | null {
  const role = roleOf(attempt);
  switch (role) {
    case 'APPROVAL':
      return attempt;
    case 'NET_CANCEL':
    case 'REVERSAL':
      return attempts.find(({ id }) => id === attempt.reversesId) ?? null;
    case 'DEPOSIT_CANCEL': {
      const approvals = attempts.filter(({ operation }) => operation === 'APPROVE');
      return approvals.toSorted((one, other) => other.number - one.number)[0] ?? null;
    }
    case 'CANCEL':
      return null;
    default:
      return role satisfies never;
  }
}

/** Attempts that are to undo an approval, and have no end yet. */
export function openUndoingsOf<A extends Attempt>(approval: A, attempts: readonly A[]): A[] {
  return attempts.filter(
    (attempt) =>
      attempt.id !== approval.id &&
      OPEN.has(attempt.state) &&
      approvalBehind(attempt, attempts)?.id === approval.id,
  );
}

const OPEN: ReadonlySet<string> = new Set(['READY', 'CALLING', 'UNKNOWN']);
