import type { PgProfile } from '@mini-pg/runtime';

/** Approvals of one payment, the first included: after that it fails PROVIDER_UNAVAILABLE. */
export const ATTEMPTS_MAX = 5;

/** Attempts of one cancel: after that it fails of what the last one failed of. */
export const CANCEL_ATTEMPTS_MAX = 10;

/** Net-cancels of one approval: after that an ordinary cancel or a person undoes it. */
export const NET_CANCELS_MAX = 8;

/** Inquiries that may stay without use before a call that surely was not executed is given up. */
const NOT_EXECUTED_INQUIRIES_MAX = 5;

/** Times that the same bytes may be sent again. */
export const RESENDS_MAX = 3;

/** Full jitter: a random time up to a bound that doubles with each try. */
const BACKOFF_BASE_MS = 1_000;
const BACKOFF_MAX_MS = 30_000;

/** The longest that a PG's `Retry-After` may put off a call: no answer may park a payment for good. */
export const RETRY_AFTER_MAX_MS = 120_000;

/**
 * The share of a scheduled wait by which it may be longer, so that the many attempts that one outage
 * has left are not inquired in one wave. Never shorter: a schedule says from when asking is of use.
 */
const SCHEDULE_JITTER = 0.5;

export interface InquiryTurn {
  /** Inquiries that were made. */
  readonly inquiryCount: number;
  readonly number: number;
  readonly notExecuted: boolean;
  /** How long the PG asked to be left alone. */
  readonly retryAfterMs?: number | undefined;
  readonly random: () => number;
}

type Schedule = Pick<PgProfile, 'inquiryScheduleMs'>;

/**
 * How long to wait before the next inquiry: by the PG's schedule, spread, for a lost answer; by a
 * backoff where the call surely was not executed and a further attempt follows it. It begins when
 * the time is over for which the PG asked to be left alone.
 */
export function nextInquiryMs(schedule: Schedule, turn: InquiryTurn): number {
  const restMs = Math.min(turn.retryAfterMs ?? 0, RETRY_AFTER_MAX_MS);
  return restMs + ownWaitMs(schedule, turn);
}

function ownWaitMs({ inquiryScheduleMs }: Schedule, turn: InquiryTurn): number {
  if (turn.notExecuted) {
    const tries = turn.number + turn.inquiryCount;
    return turn.random() * Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** tries);
  }
  const last = inquiryScheduleMs.length - 1;
  const scheduledMs = inquiryScheduleMs[Math.min(turn.inquiryCount, last)] ?? BACKOFF_MAX_MS;
  return spreadLater(scheduledMs, turn.random);
}

/** A scheduled wait, longer by a random part of it. Whole milliseconds. */
export function spreadLater(scheduledMs: number, random: () => number): number {
  return Math.round(scheduledMs * (1 + SCHEDULE_JITTER * random()));
}

/** Whether the inquiry that was just made is the last one of the schedule. */
export function isLastInquiry(
  { inquiryScheduleMs }: Schedule,
  turn: Pick<InquiryTurn, 'inquiryCount' | 'notExecuted'>,
): boolean {
  const max = turn.notExecuted ? NOT_EXECUTED_INQUIRIES_MAX : inquiryScheduleMs.length;
  return turn.inquiryCount >= max;
}
