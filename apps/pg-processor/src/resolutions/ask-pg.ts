import type { PostgresPool } from '@mini-pg/database';
import type { PgAnswer } from '@mini-pg/pg-adapters';
import type { Logger } from '@mini-pg/runtime';
import { type Attempt, type CallableAttempt, callableColumns } from '../attempts/attempt.ts';
import { cancelOrderOf } from '../calls/cancel-order.ts';
import type { OpenedAttempt, PgCalls } from '../calls/pg-calls.ts';
import type { CancelOrder } from '../decisions/decide-cancel.ts';
import { decideCancelInquiry, isShownNotDone } from '../decisions/decide-cancel-inquiry.ts';
import { decideDepositInquiry } from '../decisions/decide-deposit-cancel.ts';
import { decideInquiry } from '../decisions/decide-inquiry.ts';
import { decideAfterNetCancel } from '../decisions/decide-net-cancel.ts';
import { type Decision, failureOf } from '../decisions/decision.ts';
import { cancelInquiryFacts, readOtherCancels } from '../repairs/cancel-facts.ts';
import { inquiryFacts, openToInquire, verdictOf } from '../repairs/inquirer.ts';
import { afterNetCancelFacts, readUndone } from '../repairs/net-cancel-facts.ts';
import type { Verdict } from '../results/verdict.ts';
import { type Held, heldOf } from './held.ts';
import type { Resolution } from './resolution.ts';
import { approvalBehind, roleOf } from './role.ts';

/** What the PG has just said about an exception. */
export interface Finding {
  /** The attempt that it was asked about, as it was then. */
  readonly asked: Attempt;
  /** What that means for the attempt that was asked about. */
  readonly verdict: Verdict;
  readonly held: Held | null;
  /** In words, for the operator. */
  readonly said: string;
}

export interface AskOptions {
  readonly pool: PostgresPool;
  readonly pgCalls: PgCalls;
  readonly logger: Logger;
  readonly random: () => number;
}

/** Asks the PG, where the resolution depends on it; null where it does not, or cannot be asked. */
export async function askPg(
  options: AskOptions,
  attemptId: string,
  resolution: Resolution,
): Promise<Finding | null> {
  const asked = await readAsked(options.pool, attemptId, resolution);
  if (asked === null) return null;
  const opened = openToInquire(options, asked);
  if (opened === null) return null;
  const answer = await options.pgCalls.inquire(opened);
  const decision = await decide(options.pool, resolution, answer, opened);
  return {
    asked,
    verdict: verdictOf(options, opened, 'INQUIRY', answer, decision),
    held: heldOf(answer, opened.expected),
    said: inWords(answer, decision),
  };
}

const READ_ATTEMPTS = {
  name: 'read-attempts-of-exception',
  text: `
  select ${callableColumns('a')}, o.payment_id is not null as "hasOutcome"
  from attempt e
    join attempt a on a.payment_id = e.payment_id
    left join outcome o on o.payment_id = e.payment_id
  where e.id = $1`,
};

type Known = CallableAttempt & { readonly hasOutcome: boolean };

/** An attempt that is open is asked about itself, a closed one about the money that is behind it. */
async function readAsked(
  pool: PostgresPool,
  attemptId: string,
  resolution: Resolution,
): Promise<Known | null> {
  const { rows } = await pool.query<Known>({ ...READ_ATTEMPTS, values: [attemptId] });
  const attempt = rows.find(({ id }) => id === attemptId);
  if (!attempt) return null;
  const isOpen = attempt.state === 'UNKNOWN';
  if (resolution === 'cancel') return isOpen ? attempt : approvalBehind(attempt, rows);
  const isApproval = attempt.operation === 'APPROVE';
  if (!isOpen || (isApproval && attempt.hasOutcome)) return null;
  return isApproval || resolution === 'write-off' ? attempt : null;
}

const NOT_DONE = failureOf('OUTCOME_UNKNOWN', 'its time is over and the PG does not show it done');

async function decide(
  pool: PostgresPool,
  resolution: Resolution,
  answer: PgAnswer,
  opened: OpenedAttempt,
): Promise<Decision> {
  const role = roleOf(opened.attempt);
  const mayRetry = resolution === 'cancel';
  switch (role) {
    case 'APPROVAL': {
      const never = { mayResend: false, mayRetry: false, isLast: false };
      return decideInquiry(answer, { ...inquiryFacts(opened), ...never });
    }
    case 'NET_CANCEL': {
      const undone = await readUndone(pool, opened);
      if (undone === null) throw new Error(`net-cancel ${opened.attempt.id} undoes nothing`);
      const facts = afterNetCancelFacts(opened, undone);
      return decideAfterNetCancel(answer, { ...facts, mayNetCancel: false, isLast: false });
    }
    case 'DEPOSIT_CANCEL':
      return decideDepositInquiry(answer, { mayRetry, isLast: false });
    case 'CANCEL':
    case 'REVERSAL': {
      const order = cancelOrderOf(opened);
      if (order === null) throw new Error(`attempt ${opened.attempt.id} asks for no cancel`);
      return decideCancel(pool, answer, opened, { order, mayRetry });
    }
    default:
      return role satisfies never;
  }
}

/**
 * What is not shown when the call can no longer be executed was not done, by the rule for "not
 * found": then a person may have it tried again with a new key, which no schedule does.
 */
async function decideCancel(
  pool: PostgresPool,
  answer: PgAnswer,
  opened: OpenedAttempt,
  { order, mayRetry }: { readonly order: CancelOrder; readonly mayRetry: boolean },
): Promise<Decision> {
  const facts = cancelInquiryFacts(opened, order, await readOtherCancels(pool, opened));
  const never = { mayResend: false, mayRetry, isLast: false };
  const decision = decideCancelInquiry(answer, { ...facts, ...never });
  const isNotDone = decision.kind === 'WAIT' && isShownNotDone(answer, facts);
  if (!isNotDone || !inquiryFacts(opened).mayBelieveNotFound) return decision;
  return { kind: mayRetry ? 'RETRY' : 'GIVE_UP', failure: NOT_DONE };
}

function inWords(answer: PgAnswer, decision: Decision): string {
  const shown =
    answer.kind === 'PAYMENT'
      ? `${answer.evidence.rawStatus ?? answer.state}, ${answer.payment.amount} ` +
        `${answer.payment.currency}, transaction ${answer.payment.pgTransactionId}`
      : `${answer.error.pgCode ?? answer.error.code}: ${answer.error.message}`;
  const meaning = meaningOf(decision);
  return meaning === '' ? shown : `${shown} (${meaning})`;
}

function meaningOf(decision: Decision): string {
  if ('reason' in decision) return decision.reason;
  return 'failure' in decision ? `${decision.failure.code}, ${decision.failure.message}` : '';
}
