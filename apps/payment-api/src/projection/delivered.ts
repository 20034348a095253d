import type { AnyEvent } from '@mini-pg/domain';

/** The topics whose events are facts or steps of a payment. */
export const OUTCOME_TOPICS = [
  'payment.completed',
  'payment.failed',
  'payment.cancelled',
  'payment.cancel-failed',
  'payment.progressed',
  'payment.settled',
] as const;

export type OutcomeTopic = (typeof OUTCOME_TOPICS)[number];

export type OutcomeEvent = AnyEvent<OutcomeTopic>;

/** An event with what is kept of its delivery. */
export interface Delivered {
  readonly event: OutcomeEvent;
  readonly traceId: string | null;
  readonly traceparent: string | undefined;
}
