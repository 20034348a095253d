import type { PostgresPool } from '@mini-pg/database';
import type { PgAnswer } from '@mini-pg/pg-adapters';
import { failpoint } from '@mini-pg/runtime';
import { cancelOrderOf } from '../calls/cancel-order.ts';
import { REPAIR_SLOTS } from '../calls/gateways.ts';
import type { OpenedAttempt } from '../calls/pg-calls.ts';
import { createPump, type Pump } from '../calls/pump.ts';
import type { CancelOrder } from '../decisions/decide-cancel.ts';
import { decideCancelFollowUp, decideCancelInquiry } from '../decisions/decide-cancel-inquiry.ts';
import { decideDepositInquiry } from '../decisions/decide-deposit-cancel.ts';
import { decideFollowUp } from '../decisions/decide-follow-up.ts';
import { decideInquiry } from '../decisions/decide-inquiry.ts';
import { decideAfterNetCancel } from '../decisions/decide-net-cancel.ts';
import type { Decision } from '../decisions/decision.ts';
import { cancelInquiryFacts, readOtherCancels } from './cancel-facts.ts';
import { claimFollowUps, type HeldAttempt } from './claim-repairs.ts';
import { inquiryFacts, type RepairOptions, readBeingUndone, verdictOf } from './inquirer.ts';
import { afterNetCancelFacts } from './net-cancel-facts.ts';

/**
 * Looks again, long after, at attempts that were closed without a definite answer, and at those
 * that a person was asked to look at: a late capture must not go unseen.
 */
export function createFollowUp(options: RepairOptions): Pump {
  const { pool, gateways, metrics, logger, newId } = options;
  return createPump<HeldAttempt>({
    name: 'follow-up',
    slots: new Map(gateways.pgs.map((pg) => [pg, REPAIR_SLOTS])),
    pgOf: (attempt) => attempt.pg,
    claim: (free) => claimFollowUps({ pool, gateways, owner: newId(), free }),
    run: (attempt) => followUp(options, attempt),
    slotsInUse: metrics.slotsInUse,
    logger,
  });
}

async function followUp(options: RepairOptions, attempt: HeldAttempt): Promise<void> {
  const opened = options.pgCalls.open(attempt);
  failpoint('pg-processor.follow-up.before-send');
  const answer = await options.pgCalls.inquire(opened);
  failpoint('pg-processor.follow-up.after-answer');
  const decision = await decide(options.pool, answer, opened);
  if (decision.kind === 'NOTHING' || decision.kind === 'WAIT') return;
  const isClosed = attempt.state !== 'UNKNOWN';
  if (isClosed && (await isSourceClaimed(options.pool, attempt))) return;
  await options.results.record(verdictOf(options, opened, 'FOLLOW_UP', answer, decision));
}

async function decide(
  pool: PostgresPool,
  answer: PgAnswer,
  opened: OpenedAttempt,
): Promise<Decision> {
  const { state } = opened.attempt;
  const undone = state === 'UNKNOWN' ? await readBeingUndone(pool, opened) : null;
  if (undone !== null) {
    const facts = afterNetCancelFacts(opened, undone);
    return decideAfterNetCancel(answer, { ...facts, mayNetCancel: false, isLast: false });
  }
  const order = cancelOrderOf(opened);
  return order === null
    ? decideOfApproval(answer, opened)
    : decideOfCancel(pool, answer, opened, order);
}

function decideOfApproval(answer: PgAnswer, opened: OpenedAttempt): Decision {
  const { attempt, expected } = opened;
  if (attempt.state !== 'UNKNOWN') return decideFollowUp(answer, expected);
  // The schedule is over and a person knows, so nothing is sent and nothing is escalated again.
  if (attempt.operation === 'CANCEL') {
    return decideDepositInquiry(answer, { mayRetry: false, isLast: true });
  }
  const facts = inquiryFacts(opened);
  return decideInquiry(answer, { ...facts, mayResend: false, mayRetry: false, isLast: false });
}

/** Nothing is sent here either; and what another cancel has just done is not held against it. */
async function decideOfCancel(
  pool: PostgresPool,
  answer: PgAnswer,
  opened: OpenedAttempt,
  order: CancelOrder,
): Promise<Decision> {
  const others = await readOtherCancels(pool, opened);
  const facts = cancelInquiryFacts(opened, order, others);
  if (opened.attempt.state === 'UNKNOWN') {
    const never = { mayResend: false, mayRetry: false, isLast: false };
    return decideCancelInquiry(answer, { ...facts, ...never });
  }
  return others.isAnotherOpen ? { kind: 'NOTHING' } : decideCancelFollowUp(answer, facts);
}

const READ_CLAIM = {
  name: 'read-source-claim',
  text: `
    select from source_claim
    where pg = $1 and pg_account_id = $2 and livemode = $3 and source_key = $4`,
};

/**
 * The claim of a closed attempt is gone; one that is there belongs to another attempt, and so does
 * the capture that the PG shows.
 */
async function isSourceClaimed(pool: PostgresPool, attempt: HeldAttempt): Promise<boolean> {
  const { pg, pgAccountId, livemode, sourceKey } = attempt;
  const values = [pg, pgAccountId, livemode, sourceKey];
  const { rowCount } = await pool.query({ ...READ_CLAIM, values });
  return (rowCount ?? 0) > 0;
}
