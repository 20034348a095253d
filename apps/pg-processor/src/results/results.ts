import { setTimeout as sleep } from 'node:timers/promises';
import {
  inTransaction,
  isDeadlock,
  isTransient,
  type PostgresPool,
  violatedKey,
} from '@mini-pg/database';
import { type Coalescer, createCoalescer, failpoint, type Logger } from '@mini-pg/runtime';
import { type Decision, escalate } from '../decisions/decision.ts';
import type { ProcessorMetrics } from '../metrics.ts';
import type { Plan, PlanContext } from './plan.ts';
import { type PlannedVerdict, planVerdict } from './plan-verdict.ts';
import { readLocked } from './read-locked.ts';
import type { Recorded, Verdict } from './verdict.ts';
import { writePlans } from './write-plans.ts';

export interface ResultsOptions {
  readonly pool: PostgresPool;
  readonly context: Omit<PlanContext, 'now'> & { readonly now: () => Date };
  readonly metrics: ProcessorMetrics;
  readonly logger: Logger;
  /** Called after events were committed, with whether attempts are ready and cancels have ended. */
  readonly onCommitted: (what: { hasFurtherAttempts: boolean; hasEndedCancels: boolean }) => void;
}

export interface Results {
  /**
   * Records a verdict: state, outcome, claim and events in one transaction, many verdicts at once.
   * When it rejects nothing is known to be recorded, and the lease brings the attempt back.
   */
  record(verdict: Verdict): Promise<Recorded>;
  drain(): Promise<void>;
}

const BATCH_MAX = 250;
const QUEUE_MAX = 50_000;
/** One after the other: while a batch is written the next one fills, and fuller ones cost less. */
const FLUSHES_MAX = 1;
const TRIES_MAX = 8;
const BACKOFF_BASE_MS = 50;
const BACKOFF_MAX_MS = 2_000;

export function createResults(options: ResultsOptions): Results {
  const coalescer: Coalescer<Verdict, Recorded> = createCoalescer({
    flush: (verdicts) => recordAll(options, verdicts),
    batchMax: BATCH_MAX,
    queueMax: QUEUE_MAX,
    flushesMax: FLUSHES_MAX,
  });
  return {
    record: (verdict) => coalescer.submit(verdict),
    drain: () => coalescer.drain(),
  };
}

/** A transaction holds one verdict a payment, so each is decided on what the one before left. */
async function recordAll(
  options: ResultsOptions,
  verdicts: readonly Verdict[],
): Promise<readonly Recorded[]> {
  const recorded: Recorded[] = [];
  let left = verdicts.map((verdict, index) => ({ verdict, index }));
  while (left.length > 0) {
    const seen = new Set<string>();
    const round = left.filter(({ verdict }) => {
      if (seen.has(verdict.paymentId)) return false;
      seen.add(verdict.paymentId);
      return true;
    });
    const results = await recordRound(
      options,
      round.map(({ verdict }) => verdict),
    );
    round.forEach(({ index }, position) => {
      recorded[index] = results[position] as Recorded;
    });
    left = left.filter((item) => !round.includes(item));
  }
  return recorded;
}

async function recordRound(
  options: ResultsOptions,
  verdicts: readonly Verdict[],
): Promise<readonly Recorded[]> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await recordOnce(options, verdicts);
    } catch (error) {
      const mayPass = isTransient(error) || isDeadlock(error);
      if (!mayPass && verdicts.length > 1) return await recordApart(options, verdicts);
      const key = violatedKey(error);
      if (key !== undefined) return await recordRefused(options, verdicts, key);
      // A commit whose end is not known is planned again: what it did is found as already applied.
      if (tries >= TRIES_MAX || !mayPass) throw error;
      options.logger.warn({ err: error, tries }, 'results are written again');
      await sleep(Math.random() * Math.min(BACKOFF_MAX_MS, BACKOFF_BASE_MS * 2 ** tries));
    }
  }
}

async function recordOnce(
  options: ResultsOptions,
  verdicts: readonly Verdict[],
): Promise<readonly Recorded[]> {
  const context: PlanContext = { ...options.context, now: options.context.now() };
  const planned = await inTransaction(options.pool, async (client) => {
    const payments = await readLocked(
      client,
      verdicts.map(({ paymentId }) => paymentId),
    );
    const plans = verdicts.map((verdict): PlannedVerdict => {
      const payment = payments.get(verdict.paymentId);
      if (!payment) throw new Error(`there is no payment ${verdict.paymentId}`);
      return planVerdict(verdict, payment, context);
    });
    await writePlans(
      client,
      plans.map(({ plan }) => plan),
    );
    failpoint('pg-processor.results.before-commit');
    return plans;
  });
  failpoint('pg-processor.results.after-commit');
  announce(
    options,
    verdicts,
    planned.map(({ plan }) => plan),
  );
  return planned.map(({ recorded }) => recorded);
}

/** One verdict of a batch cannot be recorded: the others are, without it. */
async function recordApart(
  options: ResultsOptions,
  verdicts: readonly Verdict[],
): Promise<readonly Recorded[]> {
  const recorded: Recorded[] = [];
  for (const verdict of verdicts) {
    try {
      recorded.push(...(await recordRound(options, [verdict])));
    } catch (error) {
      const { attemptId, step } = verdict;
      options.logger.error({ err: error, attemptId, step }, 'a result cannot be recorded');
      recorded.push('LOST');
    }
  }
  return recorded;
}

async function recordRefused(
  options: ResultsOptions,
  verdicts: readonly Verdict[],
  key: string,
): Promise<readonly Recorded[]> {
  const [verdict] = verdicts;
  if (!verdict || verdict.decision.kind === 'ESCALATE') {
    throw new Error(`an exception breaks ${key}`);
  }
  return recordRound(options, [asException(verdict, key)]);
}

/** The database refuses what would be a second capture or outcome: a person has to look. */
function asException(verdict: Verdict, key: string): Verdict {
  return { ...verdict, decision: exceptionOf(verdict, key) };
}

function exceptionOf(verdict: Verdict, key: string): Decision {
  const transaction = transactionOf(verdict);
  switch (key) {
    case 'attempt_one_per_transaction':
      return escalate('DUPLICATE_TRANSACTION', `${transaction} belongs to another attempt already`);
    case 'source_claim_key':
      return escalate('LATE_CAPTURE', `${transaction}, whose source another payment has by now`);
    default:
      return escalate('CONFLICTING_RESULT', `${verdict.decision.kind} would break ${key}`);
  }
}

function transactionOf({ decision }: Verdict): string | null {
  if (decision.kind === 'APPROVE') return decision.payment.pgTransactionId;
  if (decision.kind === 'UNDONE') return decision.shown?.cancel.pgTransactionId ?? null;
  return decision.kind === 'CANCELLED' ? decision.cancel.pgTransactionId : null;
}

function announce(
  options: ResultsOptions,
  verdicts: readonly Verdict[],
  plans: readonly Plan[],
): void {
  const { metrics, logger } = options;
  plans.forEach((plan, index) => {
    const { decision, step } = verdicts[index] as Verdict;
    metrics.verdicts.inc({ step, decision: decision.kind });
    if (plan.outcome?.kind === 'FAILED' && decision.kind === 'DECLINE') {
      if (decision.failure.code === 'CONFIG_ERROR') {
        const { pg, pgAccountId } = plan.outcome.attempt;
        metrics.configErrors.inc({ pg });
        logger.error({ pg, pgAccountId, failure: decision.failure }, 'a PG refuses our account');
      }
    }
    for (const { state } of plan.cancels) metrics.cancels.inc({ state });
    for (const state of plan.reversals) metrics.reversals.inc({ state });
    for (const { attempt, kind, reason } of plan.exceptions) {
      const { paymentId, id: attemptId } = attempt;
      logger.error({ paymentId, attemptId, kind, reason }, 'an exception was opened');
    }
  });
  if (plans.some((plan) => plan.events.length > 0)) {
    options.onCommitted({
      hasFurtherAttempts: plans.some((plan) => plan.further.length > 0),
      hasEndedCancels: plans.some((plan) => plan.cancels.length > 0),
    });
  }
}
