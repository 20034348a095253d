import { ProblemError } from '@mini-pg/runtime';

const RETRY_AFTER_SECONDS = 1;

/** Why an instance by itself takes nothing more: another one may well do. */
export const OWN_SHED_REASONS = ['queue-full', 'queue-age', 'event-loop'] as const;

/** Why a request is answered 503 though nothing is wrong with it. */
export type ShedReason =
  | (typeof OWN_SHED_REASONS)[number]
  /** Events wait to be published for too long. */
  | 'outbox-age'
  /** Postgres cannot be reached, or breaks off. */
  | 'database'
  /** It lost to rows that were gone again, as often as it was tried. */
  | 'conflict';

/** `OVERLOADED`, with the reason for whoever counts. */
export class OverloadedError extends ProblemError {
  readonly reason: ShedReason;

  constructor(reason: ShedReason) {
    super('OVERLOADED', { retryAfterSeconds: RETRY_AFTER_SECONDS });
    this.reason = reason;
  }
}

export function overloaded(reason: ShedReason): OverloadedError {
  return new OverloadedError(reason);
}
