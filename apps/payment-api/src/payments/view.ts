import {
  balanceOf,
  currencySchema,
  type DataOf,
  evolve,
  failureSchema,
  methodDetailSchema,
  PAYMENT_STATUSES,
  type PaymentState,
  pgSchema,
  requestedPayment,
  statusOf,
  toJsonInteger,
} from '@mini-pg/domain';
import { z } from 'zod';

const instant = z.iso.datetime().nullable();

const cancelSchema = z
  .object({
    id: z.uuid(),
    paymentId: z.uuid(),
    status: z.enum(['REQUESTED', 'DONE', 'FAILED']),
    origin: z.enum(['MERCHANT', 'OPERATOR', 'PG', 'SYSTEM']),
    amount: z.int(),
    taxFreeAmount: z.int(),
    reason: z.string(),
    failure: failureSchema.nullable(),
    requestedAt: instant,
    cancelledAt: instant,
    failedAt: instant,
  })
  .meta({ id: 'Cancel' });

/** A payment as merchants read it (design, section 6): null where something is not known. */
export const paymentSchema = z
  .object({
    id: z.uuid(),
    merchantId: z.uuid(),
    livemode: z.boolean(),
    orderId: z.string(),
    orderName: z.string().nullable(),
    amount: z.int(),
    taxFreeAmount: z.int(),
    currency: currencySchema,
    status: z.enum(PAYMENT_STATUSES),
    balanceAmount: z.int().meta({ description: 'What is left of it; 0 until approved.' }),
    cancelledAmount: z.int(),
    pg: pgSchema,
    pgPaymentId: z.string().nullable(),
    pgTransactionId: z.string().nullable(),
    methodDetail: methodDetailSchema.nullable(),
    failure: failureSchema.nullable(),
    cancels: z.array(cancelSchema),
    metadata: z.record(z.string(), z.string()),
    version: z.int().meta({ description: 'Grows with every fact that is stored; creation is 1.' }),
    requestedAt: instant,
    expiresAt: instant,
    approvedAt: instant,
    failedAt: instant,
    cancelledAt: instant,
    settledAt: instant,
  })
  .meta({ id: 'Payment' });

export type PaymentView = z.infer<typeof paymentSchema>;

/** The columns of a payment's creation. */
export interface PaymentRow {
  readonly id: string;
  readonly merchant_id: string;
  readonly livemode: boolean;
  readonly order_id: string;
  readonly order_name: string | null;
  readonly amount: bigint;
  readonly tax_free_amount: bigint;
  readonly currency: string;
  readonly pg: string;
  readonly metadata: Record<string, string>;
  readonly requested_at: Date;
  readonly expires_at: Date;
}

/** A stored fact: its kind and the data of the event that told it. */
export type FactRow =
  | { readonly kind: 'APPROVED'; readonly data: DataOf<'payment.completed'> }
  | { readonly kind: 'FAILED'; readonly data: DataOf<'payment.failed'> }
  | { readonly kind: 'CANCELLED'; readonly data: DataOf<'payment.cancelled'> }
  | { readonly kind: 'SETTLED'; readonly data: DataOf<'payment.settled'> };

/**
 * The one rendering of a payment: from its creation and facts. The first answer to a request and
 * its replays use it with the first outcome as the only fact, reads with all of them.
 */
export function renderPayment(creation: PaymentRow, facts: readonly FactRow[]): PaymentView {
  const state = stateOf(creation, facts);
  const approved = facts.find((fact) => fact.kind === 'APPROVED')?.data;
  const failed = facts.find((fact) => fact.kind === 'FAILED')?.data;
  const settled = facts.find((fact) => fact.kind === 'SETTLED')?.data;
  const lastCancel = facts.findLast((fact) => fact.kind === 'CANCELLED')?.data;
  const charge = approved ?? lastCancel;
  const balance = balanceOf(state);
  return {
    id: creation.id,
    merchantId: creation.merchant_id,
    livemode: creation.livemode,
    orderId: creation.order_id,
    orderName: creation.order_name,
    amount: toJsonInteger(creation.amount),
    taxFreeAmount: toJsonInteger(creation.tax_free_amount),
    currency: creation.currency as PaymentView['currency'],
    status: statusOf(state),
    balanceAmount: toJsonInteger(balance),
    cancelledAmount: toJsonInteger(
      state.approvedAmount === null ? 0n : state.approvedAmount - balance,
    ),
    pg: creation.pg as PaymentView['pg'],
    pgPaymentId: charge?.pgPaymentId ?? null,
    pgTransactionId: charge?.pgTransactionId ?? null,
    methodDetail: charge?.methodDetail ?? null,
    failure: failed?.failure ?? null,
    cancels: [],
    metadata: creation.metadata,
    version: 1 + facts.length,
    requestedAt: creation.requested_at.toISOString(),
    expiresAt: creation.expires_at.toISOString(),
    approvedAt: charge?.approvedAt ?? null,
    failedAt: failed?.failedAt ?? null,
    cancelledAt: state.remaining === 0n ? (lastCancel?.cancelledAt ?? null) : null,
    settledAt: settled?.settledAt ?? null,
  };
}

/** Folds stored facts into the state of the payment. */
export function stateOf(creation: { amount: bigint }, facts: readonly FactRow[]): PaymentState {
  return facts.reduce<PaymentState>((state, fact) => {
    switch (fact.kind) {
      case 'APPROVED':
        return evolve(state, { type: 'approved', amount: BigInt(fact.data.amount) });
      case 'FAILED':
        return evolve(state, { type: 'failed' });
      case 'CANCELLED':
        return evolve(state, {
          type: 'cancelled',
          approvedAmount: BigInt(fact.data.amount),
          remainingAfter: BigInt(fact.data.remainingAfter),
        });
      case 'SETTLED':
        return evolve(state, { type: 'settled' });
      default:
        return fact satisfies never;
    }
  }, requestedPayment(creation.amount));
}

/** The first outcome among facts in the order in which they were stored. */
export function firstOutcome(facts: readonly FactRow[]): FactRow | undefined {
  return facts.find((fact) => fact.kind === 'APPROVED' || fact.kind === 'FAILED');
}
