import type { PostgresPool } from '@mini-pg/database';
import { PROGRESS_STEPS } from '@mini-pg/domain';
import { ProblemError, traceIdOf } from '@mini-pg/runtime';
import { z } from 'zod';
import type { Principal } from '../principal.ts';
import type { FactRow } from './facts.ts';

const STEPS = [
  'REQUESTED',
  'APPROVED',
  'FAILED',
  'CANCEL_REQUESTED',
  'CANCELLED',
  'CANCEL_FAILED',
  'SETTLED',
  ...PROGRESS_STEPS,
] as const;

/** A step of a payment's way (docs/reference/http.md). */
const timelineStepSchema = z
  .object({
    step: z.enum(STEPS),
    at: z.iso.datetime().meta({ description: "An approval's time is the PG's." }),
    service: z.enum(['payment-api', 'pg-processor', 'settlement-worker']),
    eventId: z.uuid(),
    traceId: z.string().nullable(),
    detail: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]))
      .meta({ description: 'What the step was about; its fields depend on the step.' }),
  })
  .meta({ id: 'TimelineStep' });

export const timelineSchema = z.object({ data: z.array(timelineStepSchema) });

export type TimelineStep = z.output<typeof timelineStepSchema>;

/** More than any schedule of inquiries comes to. */
const STEPS_MAX = 1_000;

interface RequestRow {
  readonly event_id: string;
  readonly traceparent: string | null;
  readonly requested_at: Date;
  readonly order_id: string;
  readonly amount: bigint;
  readonly currency: string;
  readonly pg: string;
}

interface StepRow {
  readonly event_id: string;
  readonly trace_id: string | null;
  readonly occurred_at: Date;
}

type StoredFact = StepRow & FactRow;

type StoredProgress = StepRow & {
  readonly step: TimelineStep['step'];
  readonly detail: { readonly pg: string; readonly attemptNumber: number; readonly detail: string };
};

/**
 * Every step of a payment: the request first, the others by their time.
 *
 * @throws ProblemError NOT_FOUND for an unknown payment and for another merchant's or mode's.
 */
export async function readTimeline(
  deps: { readonly pool: PostgresPool },
  principal: Principal,
  paymentId: string,
): Promise<TimelineStep[]> {
  const requested = await readRequested(deps.pool, principal, paymentId);
  if (requested === null) throw new ProblemError('NOT_FOUND');
  const [facts, progress] = await Promise.all([
    readFacts(deps.pool, paymentId),
    readProgress(deps.pool, paymentId),
  ]);
  const later = [...progress.map(progressStep), ...facts.map(factStep)];
  return [requestedStep(requested), ...later.sort((a, b) => a.at.localeCompare(b.at))];
}

async function readRequested(
  pool: PostgresPool,
  { merchantId, livemode }: Principal,
  paymentId: string,
): Promise<RequestRow | null> {
  const { rows } = await pool.query<RequestRow>(
    `select event_id, traceparent, requested_at, order_id, amount, currency, pg
     from payment where id = $1 and merchant_id = $2 and livemode = $3`,
    [paymentId, merchantId, livemode],
  );
  return rows[0] ?? null;
}

async function readFacts(pool: PostgresPool, paymentId: string): Promise<StoredFact[]> {
  const { rows } = await pool.query<StoredFact>(
    `select kind, data, event_id, trace_id, occurred_at
     from payment_fact where payment_id = $1 order by seq limit $2`,
    [paymentId, STEPS_MAX],
  );
  return rows;
}

async function readProgress(pool: PostgresPool, paymentId: string): Promise<StoredProgress[]> {
  const { rows } = await pool.query<StoredProgress>(
    `select step, detail, event_id, trace_id, occurred_at
     from payment_progress where payment_id = $1 order by occurred_at, event_id limit $2`,
    [paymentId, STEPS_MAX],
  );
  return rows;
}

/** Who told a fact. */
const SERVICE_OF_FACT: Readonly<Record<FactRow['kind'], TimelineStep['service']>> = {
  APPROVED: 'pg-processor',
  FAILED: 'pg-processor',
  CANCEL_REQUESTED: 'payment-api',
  CANCELLED: 'pg-processor',
  CANCEL_FAILED: 'pg-processor',
  SETTLED: 'settlement-worker',
};

function requestedStep(row: RequestRow): TimelineStep {
  return {
    step: 'REQUESTED',
    at: row.requested_at.toISOString(),
    service: 'payment-api',
    eventId: row.event_id,
    traceId: traceIdOf(row.traceparent ?? undefined),
    detail: {
      orderId: row.order_id,
      amount: Number(row.amount),
      currency: row.currency,
      pg: row.pg,
    },
  };
}

function progressStep(row: StoredProgress): TimelineStep {
  const { pg, attemptNumber, detail } = row.detail;
  return { ...common(row, row.step, 'pg-processor'), detail: { pg, attemptNumber, detail } };
}

function factStep(row: StoredFact): TimelineStep {
  return { ...common(row, row.kind, SERVICE_OF_FACT[row.kind]), detail: factDetail(row) };
}

function factDetail(fact: FactRow): TimelineStep['detail'] {
  switch (fact.kind) {
    case 'APPROVED': {
      const { pg, pgAccountId, pgTransactionId, amount, approvedAt } = fact.data;
      return { pg, pgAccountId, pgTransactionId, amount, approvedAt };
    }
    case 'FAILED': {
      const { code, message, retryable, pgCode } = fact.data.failure;
      return { pg: fact.data.pg, code, message, retryable, pgCode };
    }
    case 'CANCELLED': {
      const { pg, cancelId, cancelAmount, remainingAfter } = fact.data;
      return { pg, cancelId, cancelAmount, remainingAfter };
    }
    case 'CANCEL_REQUESTED': {
      const { cancelId, origin, amount, taxFreeAmount, reason } = fact.data;
      return { cancelId, origin, amount, taxFreeAmount, reason };
    }
    case 'CANCEL_FAILED': {
      const { code, message, retryable, pgCode } = fact.data.failure;
      return { cancelId: fact.data.cancelId, code, message, retryable, pgCode };
    }
    case 'SETTLED': {
      const { settlementId, itemId, date } = fact.data;
      return { settlementId, itemId, date };
    }
    default:
      return fact satisfies never;
  }
}

function common(
  row: StepRow,
  step: TimelineStep['step'],
  service: TimelineStep['service'],
): Omit<TimelineStep, 'detail'> {
  const at = row.occurred_at.toISOString();
  return { step, at, service, eventId: row.event_id, traceId: row.trace_id };
}
