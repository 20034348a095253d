import {
  type AttemptOperation,
  type PaymentSource,
  type Pg,
  paymentSourceSchema,
} from '@mini-pg/domain';
import type { Sealer } from '@mini-pg/messaging';
import type {
  ApproveRequest,
  CancelAnswer,
  CancelRequest,
  GatewayCall,
  InquireRequest,
  NetCancelAnswer,
  PgAnswer,
  PgFailure,
} from '@mini-pg/pg-adapters';
import { continueTrace } from '@mini-pg/runtime';
import type { Attempt, CallableAttempt } from '../attempts/attempt.ts';
import type { Expected } from '../decisions/decision.ts';
import type { ProcessorMetrics } from '../metrics.ts';
import type { Gateways, PgConnection } from './gateways.ts';

export interface PgCallsOptions {
  readonly gateways: Gateways;
  readonly sealer: Sealer;
  readonly metrics: ProcessorMetrics;
}

/** An attempt that can be called: its PG is on, its account known, an approval's source opened. */
export interface OpenedAttempt {
  readonly attempt: Attempt;
  readonly connection: PgConnection;
  /** Null for a cancel, which outlives the key that its payment's source is sealed with. */
  readonly source: PaymentSource | null;
  readonly expected: Expected;
  readonly call: Omit<GatewayCall, 'idempotencyKey' | 'maySend'>;
}

export interface PgCalls {
  /** @throws Error when the PG is off, the account gone, or the source does not open */
  open(attempt: CallableAttempt): OpenedAttempt;
  /** `maySend` is asked right before bytes are written. Never throws. */
  approve(opened: OpenedAttempt, maySend: () => boolean): Promise<PgAnswer>;
  cancel(opened: OpenedAttempt, maySend: () => boolean): Promise<CancelAnswer>;
  /** Told by what the approval was asked with. */
  netCancel(opened: OpenedAttempt, maySend: () => boolean): Promise<NetCancelAnswer>;
  inquire(opened: OpenedAttempt): Promise<PgAnswer>;
}

/** Turns attempts into calls of their PG's adapter, and measures them. */
export function createPgCalls(options: PgCallsOptions): PgCalls {
  return {
    open: (attempt) => openAttempt(options, attempt),
    approve(opened, maySend) {
      const { attempt, connection } = opened;
      const request = approveRequestOf(opened);
      return measured(options, attempt.pg, 'APPROVE', () =>
        connection.gateway.approve(request, {
          ...opened.call,
          idempotencyKey: attempt.idempotencyKey,
          maySend,
        }),
      );
    },
    netCancel(opened, maySend) {
      const { attempt, connection } = opened;
      const { gateway } = connection;
      const request = approveRequestOf(opened);
      return measured(options, attempt.pg, 'NET_CANCEL', async () => {
        if (!gateway.netCancel) throw new Error(`${attempt.pg} has no net-cancel`);
        const { idempotencyKey } = attempt;
        return gateway.netCancel(request, { ...opened.call, idempotencyKey, maySend });
      });
    },
    cancel(opened, maySend) {
      const { attempt, connection } = opened;
      return measured(options, attempt.pg, 'CANCEL', () =>
        connection.gateway.cancel(cancelRequestOf(attempt), {
          ...opened.call,
          idempotencyKey: attempt.idempotencyKey,
          maySend,
        }),
      );
    },
    inquire(opened) {
      const { attempt, connection } = opened;
      return measured(options, attempt.pg, 'INQUIRE', () =>
        connection.repairGateway.inquire(inquiryOf(opened), {
          ...opened.call,
          idempotencyKey: null,
        }),
      );
    },
  };
}

function openAttempt(options: PgCallsOptions, attempt: CallableAttempt): OpenedAttempt {
  const { pg, pgAccountId, paymentId } = attempt;
  const connection = options.gateways.get(pg);
  const account = options.gateways.accountById(pg, pgAccountId);
  if (!connection || !account) throw new Error(`${pg} has no account ${pgAccountId} here`);
  const source =
    attempt.operation === 'CANCEL'
      ? null
      : paymentSourceSchema.parse(options.sealer.open(attempt.source, paymentId));
  const { baseUrl, connectTimeoutMs, readTimeoutMs } = connection.settings;
  return {
    attempt,
    connection,
    source,
    expected: {
      pgPaymentId:
        source === null ? attempt.pgPaymentId : connection.gateway.sourceOf(source).pgPaymentId,
      pgOrderId: attempt.pgOrderId,
      amount: attempt.amount,
      currency: attempt.currency,
    },
    call: {
      account: { pgAccountId: account.id, baseUrl, secret: account.secret },
      timeouts: { connectMs: connectTimeoutMs, readMs: readTimeoutMs },
      traceparent: continueTrace(attempt.traceparent ?? undefined).traceparent,
    },
  };
}

function approveRequestOf({ attempt, source }: OpenedAttempt): ApproveRequest {
  if (source === null) throw new Error(`attempt ${attempt.id} has no source`);
  const { pgOrderId, amount, currency, taxFreeAmount } = attempt;
  return { source, pgOrderId, amount, currency, taxFreeAmount };
}

/**
 * Depends on the attempt alone, so that the same attempt gives the same bytes. The first cancel of
 * the whole says so by leaving the amount out: what forbids cancels in parts takes that one.
 */
function cancelRequestOf(attempt: Attempt): CancelRequest {
  const { amount, cancelAmount, cancelRemainingBefore: remainingBefore } = attempt;
  const isWhole = cancelAmount === amount && remainingBefore === amount;
  return {
    pgPaymentId: attempt.pgPaymentId ?? '',
    reason: attempt.cancelReason ?? '',
    amount: isWhole ? null : cancelAmount,
    remainingBefore,
    currency: attempt.currency,
    taxFreeAmount: attempt.cancelTaxFreeAmount ?? 0n,
  };
}

function inquiryOf({ attempt, connection, expected }: OpenedAttempt): InquireRequest {
  const pgPaymentId = attempt.pgPaymentId ?? expected.pgPaymentId;
  return pgPaymentId !== null && connection.gateway.capability.inquireBy.includes('PAYMENT')
    ? { by: 'PAYMENT', pgPaymentId }
    : { by: 'ORDER', pgOrderId: attempt.pgOrderId };
}

async function measured<Answer extends PgAnswer | CancelAnswer | NetCancelAnswer>(
  { metrics }: PgCallsOptions,
  pg: Pg,
  operation: AttemptOperation | 'INQUIRE',
  send: () => Promise<Answer>,
): Promise<Answer | PgFailure> {
  const answer = await send().catch((error: unknown) => faultOf(error));
  metrics.calls.inc({ pg, operation, result: resultOf(answer) });
  metrics.callSeconds.observe({ pg, operation }, answer.evidence.latencyMs / 1000);
  return answer;
}

/** An adapter does not throw; should it, nobody knows what has left. */
function faultOf(error: unknown): PgFailure {
  const message = error instanceof Error ? error.message : 'the adapter failed';
  return {
    kind: 'UNKNOWN',
    error: { code: 'OUTCOME_UNKNOWN', pgCode: null, message },
    evidence: { httpStatus: null, pgTraceId: null, latencyMs: 0, rawStatus: null },
  };
}

function resultOf(answer: PgAnswer | NetCancelAnswer): string {
  if (answer.kind === 'UNDONE') return answer.kind;
  return answer.kind === 'PAYMENT' ? answer.state : `${answer.kind}:${answer.error.code}`;
}
