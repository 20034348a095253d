import type { PostgresPool } from '@mini-pg/database';
import type { CancelAnswer, NetCancelAnswer, PgAnswer } from '@mini-pg/pg-adapters';
import { failpoint, type Logger } from '@mini-pg/runtime';
import type { CallableAttempt } from '../attempts/attempt.ts';
import { decideApproval } from '../decisions/decide-approval.ts';
import { decideCancel } from '../decisions/decide-cancel.ts';
import { decideDepositCancel } from '../decisions/decide-deposit-cancel.ts';
import { decideNetCancel } from '../decisions/decide-net-cancel.ts';
import { type Decision, failureOf } from '../decisions/decision.ts';
import { mayBelieveNothing, readUndone } from '../repairs/net-cancel-facts.ts';
import { nextInquiryMs } from '../repairs/schedule.ts';
import type { Results } from '../results/results.ts';
import { evidenceOf, retryAfterMsOf, type Verdict, WITHOUT_EXCHANGE } from '../results/verdict.ts';
import { cancelOrderOf } from './cancel-order.ts';
import { sendUntilMs } from './lease.ts';
import type { LeaseChecks } from './lease-checks.ts';
import type { OpenedAttempt, PgCalls } from './pg-calls.ts';

export interface CallerOptions {
  readonly pool: PostgresPool;
  readonly pgCalls: PgCalls;
  readonly leaseChecks: LeaseChecks;
  readonly results: Results;
  readonly random: () => number;
  readonly logger: Logger;
  /** Runs between the claim and the last look at the lease: a place to fail, for tests. */
  readonly onClaimed?: ((attempt: CallableAttempt) => Promise<void> | void) | undefined;
}

export interface Caller {
  /** Calls an attempt that this owner has just claimed, and records what came of it. */
  call(attempt: CallableAttempt, owner: string): Promise<void>;
}

export function createCaller(options: CallerOptions): Caller {
  return {
    async call(attempt, owner) {
      const verdict = await callOnce(options, attempt, owner);
      if (verdict !== null) await options.results.record(verdict);
    },
  };
}

/** Null when the lease has gone to somebody else: then so has the attempt. */
async function callOnce(
  options: CallerOptions,
  attempt: CallableAttempt,
  owner: string,
): Promise<Verdict | null> {
  const opened = open(options, attempt);
  if (opened === null) return unopened(attempt, owner);
  await options.onClaimed?.(attempt);
  const lease = await options.leaseChecks.check(attempt.id, owner);
  if (lease === null) return null;
  const untilMs = sendUntilMs(lease.readAtMs, lease.leftMs, opened.connection.settings);
  const maySend = () => performance.now() <= untilMs;
  if (attempt.operation === 'CANCEL') {
    failpoint('pg-processor.cancel.before-send');
    const answer = await options.pgCalls.cancel(opened, maySend);
    failpoint('pg-processor.cancel.after-answer');
    return verdictOf(options, opened, owner, answer, decideCancelAnswer(answer, opened));
  }
  if (attempt.operation === 'NET_CANCEL') return netCancel(options, opened, owner, maySend);
  failpoint('pg-processor.call.before-send');
  const answer = await options.pgCalls.approve(opened, maySend);
  failpoint('pg-processor.call.after-answer');
  const { expected } = opened;
  const decision = decideApproval(answer, {
    expected,
    number: attempt.number,
    reachedBefore: false,
  });
  return verdictOf(options, opened, owner, answer, decision);
}

/** "Nothing to undo" speaks of the moment of the call, so the approval is read before it. */
async function netCancel(
  options: CallerOptions,
  opened: OpenedAttempt,
  owner: string,
  maySend: () => boolean,
): Promise<Verdict> {
  const undone = await readUndone(options.pool, opened);
  const answer = await options.pgCalls.netCancel(opened, maySend);
  const decision = decideNetCancel(answer, {
    expected: opened.expected,
    mayBelieveNothing: mayBelieveNothing(opened, undone),
  });
  return verdictOf(options, opened, owner, answer, decision);
}

function decideCancelAnswer(answer: CancelAnswer, opened: OpenedAttempt): Decision {
  const { attempt } = opened;
  const order = cancelOrderOf(opened);
  if (order === null) return decideDepositCancel(answer);
  return decideCancel(answer, { order, number: attempt.number, reachedBefore: false });
}

function open(options: CallerOptions, attempt: CallableAttempt): OpenedAttempt | null {
  try {
    return options.pgCalls.open(attempt);
  } catch (error) {
    options.logger.error({ err: error, attemptId: attempt.id }, 'an attempt cannot be called');
    return null;
  }
}

/** Its account or its seal key is gone since it was stored: it fails without a call. */
function unopened(attempt: CallableAttempt, owner: string): Verdict {
  const failure = failureOf('CONFIG_ERROR', 'the payment gateway is not set up for this payment');
  return {
    attemptId: attempt.id,
    paymentId: attempt.paymentId,
    step: 'CALL',
    owner,
    decision: { kind: 'GIVE_UP', failure },
    ...WITHOUT_EXCHANGE,
  };
}

function verdictOf(
  options: CallerOptions,
  { attempt, connection }: OpenedAttempt,
  owner: string,
  answer: PgAnswer | CancelAnswer | NetCancelAnswer,
  decision: Decision,
): Verdict {
  const isHarmless = decision.kind === 'WAIT' && decision.notExecuted !== null;
  return {
    attemptId: attempt.id,
    paymentId: attempt.paymentId,
    step: 'CALL',
    owner,
    decision,
    reached: answer.kind !== 'NOT_SENT',
    answered: answer.kind !== 'NOT_SENT' && answer.kind !== 'NO_ANSWER',
    evidence: evidenceOf(answer),
    nextInquiryMs: nextInquiryMs(connection.settings, {
      // Net-cancels are repeated after an inquiry each, on one schedule for all of them.
      inquiryCount: attempt.operation === 'NET_CANCEL' ? attempt.number - 1 : 0,
      number: attempt.number,
      notExecuted: isHarmless,
      retryAfterMs: retryAfterMsOf(answer),
      random: options.random,
    }),
  };
}
