import type { PostgresPool } from '@mini-pg/database';
import type { CancelAnswer, PgAnswer } from '@mini-pg/pg-adapters';
import { failpoint, type Logger } from '@mini-pg/runtime';
import type { CallableAttempt } from '../attempts/attempt.ts';
import { cancelOrderOf } from '../calls/cancel-order.ts';
import { type Gateways, REPAIR_SLOTS } from '../calls/gateways.ts';
import { leaseMs, sendUntilMs } from '../calls/lease.ts';
import type { OpenedAttempt, PgCalls } from '../calls/pg-calls.ts';
import { createPump, type Pump } from '../calls/pump.ts';
import { decideApproval } from '../decisions/decide-approval.ts';
import { decideCancel } from '../decisions/decide-cancel.ts';
import { decideCancelInquiry } from '../decisions/decide-cancel-inquiry.ts';
import { decideDepositInquiry } from '../decisions/decide-deposit-cancel.ts';
import { decideInquiry, endOfInquiries, type InquiryFacts } from '../decisions/decide-inquiry.ts';
import { decideAfterNetCancel } from '../decisions/decide-net-cancel.ts';
import { type Decision, escalate, wait } from '../decisions/decision.ts';
import { isNetCancelNext } from '../decisions/ladder.ts';
import type { ProcessorMetrics } from '../metrics.ts';
import type { Results } from '../results/results.ts';
import {
  evidenceOf,
  retryAfterMsOf,
  type Verdict,
  type VerdictStep,
  WITHOUT_EXCHANGE,
} from '../results/verdict.ts';
import { admitRetries } from '../retries/admit-retries.ts';
import type { FirstCalls } from '../retries/first-calls.ts';
import { cancelInquiryFacts, readOtherCancels } from './cancel-facts.ts';
import { claimInquiries, type HeldAttempt, startResend } from './claim-repairs.ts';
import { afterNetCancelFacts, readUndone, type Undone } from './net-cancel-facts.ts';
import { ATTEMPTS_MAX, isLastInquiry, nextInquiryMs, RESENDS_MAX } from './schedule.ts';

export interface RepairOptions {
  readonly pool: PostgresPool;
  readonly gateways: Gateways;
  readonly pgCalls: PgCalls;
  readonly results: Results;
  readonly metrics: ProcessorMetrics;
  readonly logger: Logger;
  readonly newId: () => string;
  readonly random: () => number;
  readonly firstCalls: FirstCalls;
}

/** Asks the PG about attempts whose outcome is not known, until it is or the schedule is over. */
export function createInquirer(options: RepairOptions): Pump {
  const { pool, gateways, metrics, logger, newId } = options;
  return createPump<HeldAttempt>({
    name: 'inquirer',
    slots: new Map(gateways.pgs.map((pg) => [pg, REPAIR_SLOTS])),
    pgOf: (attempt) => attempt.pg,
    async claim(free) {
      await admitRetries(options, [...free.keys()]);
      return claimInquiries({ pool, gateways, owner: newId(), free });
    },
    run: (attempt) => inquire(options, attempt),
    slotsInUse: metrics.slotsInUse,
    logger,
  });
}

async function inquire(options: RepairOptions, attempt: HeldAttempt): Promise<void> {
  const opened = openToInquire(options, attempt);
  if (opened === null) return escalateUnopened(options, attempt);
  failpoint('pg-processor.inquiry.before-send');
  const answer = await options.pgCalls.inquire(opened);
  failpoint('pg-processor.inquiry.after-answer');
  const decision = await decide(options, answer, opened);
  if (decision.kind !== 'RESEND') {
    await options.results.record(verdictOf(options, opened, 'INQUIRY', answer, decision));
    return;
  }
  const sent = await resend(options, attempt, opened, { answer, reason: decision.reason });
  // Not ours to send any more: the next inquiry is due already, whoever makes it.
  if (sent !== null) await options.results.record(sent);
}

/** Null, with a line in the log, when its account or its seal key is gone. */
export function openToInquire(
  { pgCalls, logger }: Pick<RepairOptions, 'pgCalls' | 'logger'>,
  attempt: CallableAttempt,
): OpenedAttempt | null {
  try {
    return pgCalls.open(attempt);
  } catch (error) {
    logger.error({ err: error, attemptId: attempt.id }, 'an attempt cannot be inquired');
    return null;
  }
}

/** Its account or its seal key is gone, so only a person can find out. */
async function escalateUnopened(options: RepairOptions, attempt: HeldAttempt): Promise<void> {
  await options.results.record({
    attemptId: attempt.id,
    paymentId: attempt.paymentId,
    step: 'INQUIRY',
    owner: attempt.leaseOwner,
    decision: escalate('OUTCOME_UNKNOWN', 'its account or its seal key is not configured any more'),
    ...WITHOUT_EXCHANGE,
  });
}

async function decide(
  { pool }: RepairOptions,
  answer: PgAnswer,
  opened: OpenedAttempt,
): Promise<Decision> {
  const { attempt, connection } = opened;
  const undone = await readBeingUndone(pool, opened);
  if (undone !== null) return decideAfterNetCancel(answer, afterNetCancelFacts(opened, undone));
  const order = cancelOrderOf(opened);
  if (order !== null) {
    const others = await readOtherCancels(pool, opened);
    return decideCancelInquiry(answer, cancelInquiryFacts(opened, order, others));
  }
  if (attempt.operation === 'CANCEL') {
    return decideDepositInquiry(answer, {
      mayRetry: attempt.number < ATTEMPTS_MAX,
      isLast: isLast(opened),
    });
  }
  const decision = decideInquiry(answer, inquiryFacts(opened));
  const isOver = decision.kind === 'ESCALATE' && decision.exception === 'OUTCOME_UNKNOWN';
  return isOver && isNetCancelNext(connection.gateway.capability, 'INQUIRE', attempt.sinceCalledMs)
    ? { kind: 'NET_CANCEL', reason: decision.reason }
    : decision;
}

/** What an attempt undoes, or that it is being undone itself; null for all other attempts. */
export async function readBeingUndone(
  pool: PostgresPool,
  opened: OpenedAttempt,
): Promise<Undone | null> {
  const { attempt, connection } = opened;
  if (connection.gateway.capability.netCancel === null) return null;
  if (attempt.operation === 'CANCEL') return null;
  const undone = await readUndone(pool, opened);
  return undone !== null && undone.count > 0 ? undone : null;
}

export function inquiryFacts(opened: OpenedAttempt): InquiryFacts {
  const { attempt, connection, expected } = opened;
  const { capability } = connection.gateway;
  const believeAfterMs = connection.settings.executionTimeMaxMs + capability.visibilityDelayMs;
  const isKeyAlive = (attempt.sinceCalledMs ?? 0) < capability.idempotencyKeyLifetimeMs;
  return {
    expected,
    reached: attempt.reached,
    notExecuted: attempt.notExecuted ? attempt.failure : null,
    mayBelieveNotFound: (attempt.sinceDeadlineMs ?? 0) > believeAfterMs,
    mayResend:
      capability.ladders.APPROVE.includes('RESEND') &&
      isKeyAlive &&
      !attempt.answered &&
      attempt.resendCount < RESENDS_MAX,
    mayRetry: attempt.number < ATTEMPTS_MAX && (attempt.untilExpiryMs ?? 1) > 0,
    isLast: isLast(opened),
  };
}

function isLast({ attempt, connection }: OpenedAttempt): boolean {
  return isLastInquiry(connection.settings, attempt);
}

/** The same bytes with the same key; null when the attempt is not ours to send any more. */
async function resend(
  options: RepairOptions,
  attempt: HeldAttempt,
  opened: OpenedAttempt,
  { answer: inquired, reason }: { readonly answer: PgAnswer; readonly reason: string },
): Promise<Verdict | null> {
  const { settings } = opened.connection;
  const readAtMs = performance.now();
  const leftMs = await startResend(options.pool, attempt, {
    leaseMs: leaseMs(settings),
    resendsMax: RESENDS_MAX,
    pauseMs: pauseMs(options, opened),
    gateways: options.gateways,
    firstCalls: options.firstCalls,
  });
  countResend(options, attempt, leftMs);
  if (leftMs === 'DENIED') {
    return verdictOf(options, opened, 'INQUIRY', inquired, withoutResend(opened, reason));
  }
  if (leftMs === null) {
    options.logger.info({ attemptId: attempt.id, reason }, 'bytes are not sent again');
    return null;
  }
  const untilMs = sendUntilMs(readAtMs, leftMs, settings);
  const maySend = () => performance.now() <= untilMs;
  const { answer, decision } = await sendAgain(options, opened, maySend);
  failpoint('pg-processor.resend.after-answer');
  const isEnd = decision.kind === 'WAIT' && isLast(opened);
  const final = isEnd ? endOfInquiries(decision.reason, { notExecuted: null }) : decision;
  return verdictOf(options, opened, 'RESEND', answer, final);
}

/** The inquiries go on; when they are over, a person decides. */
function withoutResend(opened: OpenedAttempt, reason: string): Decision {
  const said = `${reason}; not sent again, over the budget`;
  return isLast(opened) ? endOfInquiries(said, { notExecuted: null }) : wait(said);
}

function countResend(
  { metrics }: RepairOptions,
  { pg }: HeldAttempt,
  leftMs: number | null | 'DENIED',
): void {
  if (leftMs === null) return;
  const result = leftMs === 'DENIED' ? 'DENIED' : 'ADMITTED';
  metrics.retries.inc({ pg, code: 'OUTCOME_UNKNOWN', result });
}

async function sendAgain(
  { pgCalls }: RepairOptions,
  opened: OpenedAttempt,
  maySend: () => boolean,
): Promise<{ answer: PgAnswer | CancelAnswer; decision: Decision }> {
  const { attempt, expected } = opened;
  const facts = { number: attempt.number, reachedBefore: true };
  const order = cancelOrderOf(opened);
  if (order !== null) {
    const answer = await pgCalls.cancel(opened, maySend);
    return { answer, decision: decideCancel(answer, { order, ...facts }) };
  }
  const answer = await pgCalls.approve(opened, maySend);
  return { answer, decision: decideApproval(answer, { expected, ...facts }) };
}

export function verdictOf(
  options: Pick<RepairOptions, 'random'>,
  opened: OpenedAttempt,
  step: VerdictStep,
  answer: PgAnswer,
  decision: Decision,
): Verdict {
  const { attempt } = opened;
  const isResend = step === 'RESEND';
  return {
    attemptId: attempt.id,
    paymentId: attempt.paymentId,
    step,
    owner: attempt.leaseOwner,
    decision,
    reached: isResend && answer.kind !== 'NOT_SENT',
    answered: isResend && answer.kind !== 'NOT_SENT' && answer.kind !== 'NO_ANSWER',
    evidence: evidenceOf(answer),
    nextInquiryMs: pauseMs(options, opened, retryAfterMsOf(answer)),
  };
}

function pauseMs(
  { random }: Pick<RepairOptions, 'random'>,
  { attempt, connection }: OpenedAttempt,
  retryAfterMs?: number,
): number {
  return nextInquiryMs(connection.settings, { ...attempt, retryAfterMs, random });
}
