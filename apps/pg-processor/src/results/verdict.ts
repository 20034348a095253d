import type { NetCancelAnswer, PgAnswer } from '@mini-pg/pg-adapters';
import type { Decision } from '../decisions/decision.ts';

/**
 * How a decision about an attempt came to be. NOT_CALLED: it was never called and never will be.
 * LEASE_OVER: whoever called it did not record a result in time. OVERDUE: nobody can inquire, since
 * its PG was switched off. NOT_ADMITTED: its retry stayed over the budget until its bound.
 */
export type VerdictStep =
  | 'NOT_CALLED'
  | 'CALL'
  | 'LEASE_OVER'
  | 'INQUIRY'
  | 'RESEND'
  | 'FOLLOW_UP'
  | 'OVERDUE'
  | 'NOT_ADMITTED';

/** A decision on its way to be recorded. */
export interface Verdict {
  readonly attemptId: string;
  readonly paymentId: string;
  readonly step: VerdictStep;
  /** Whose lease the step was done under; null for steps without one. */
  readonly owner: string | null;
  readonly decision: Decision;
  /** A call of the attempt may have reached the PG by this step. */
  readonly reached: boolean;
  /** A byte of an answer to a call of the attempt came by this step. */
  readonly answered: boolean;
  readonly evidence: Evidence | null;
  /** When to inquire next, should the decision be to wait. */
  readonly nextInquiryMs: number;
}

/** Of a step in which nothing was exchanged with the PG and after which nobody waits. */
export const WITHOUT_EXCHANGE = {
  reached: false,
  answered: false,
  evidence: null,
  nextInquiryMs: 0,
} as const satisfies Partial<Verdict>;

/** What the PG said, as support and its help desk will ask for it. */
export interface Evidence {
  readonly httpStatus: number | null;
  readonly pgTraceId: string | null;
  readonly pgStatus: string | null;
  readonly pgCode: string | null;
}

export function evidenceOf(answer: PgAnswer | NetCancelAnswer): Evidence {
  const { httpStatus, pgTraceId, rawStatus } = answer.evidence;
  const pgCode = 'error' in answer ? answer.error.pgCode : null;
  return { httpStatus, pgTraceId, pgStatus: rawStatus, pgCode };
}

/** How long the PG asked to be left alone; undefined where it did not. */
export function retryAfterMsOf(answer: PgAnswer | NetCancelAnswer): number | undefined {
  return 'error' in answer ? answer.error.retryAfterMs : undefined;
}

/** How a verdict ended. */
export type Recorded =
  | 'APPLIED'
  /** The attempt is where the verdict wanted it, or further. */
  | 'ALREADY_APPLIED'
  /** Somebody else is at it, and the verdict carried no evidence that could not be got again. */
  | 'SUPERSEDED'
  /** It cannot be recorded; the lease brings the attempt back. */
  | 'LOST';
