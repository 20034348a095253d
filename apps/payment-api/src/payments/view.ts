import {
  balanceOf,
  currencySchema,
  failureSchema,
  methodDetailSchema,
  PAYMENT_STATUSES,
  pgSchema,
  statusOf,
  toJsonInteger,
} from '@mini-pg/domain';
import { z } from 'zod';
import { cancelSchema, renderCancels } from '../cancels/cancel-view.ts';
import { type FactRow, type PaymentRow, stateOf } from './facts.ts';

const instant = z.iso.datetime().nullable();

/** A payment as merchants read it (docs/reference/http.md): null where something is not known. */
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

/**
 * The one rendering of a payment: from its creation and facts. The first answer to a request and
 * its replays use it with the first outcome as the only fact, reads with all of them.
 */
export function renderPayment(creation: PaymentRow, facts: readonly FactRow[]): PaymentView {
  const state = stateOf(creation, facts);
  const approved = facts.find((fact) => fact.kind === 'APPROVED')?.data;
  const failed = facts.find((fact) => fact.kind === 'FAILED')?.data;
  const settled = facts.find((fact) => fact.kind === 'SETTLED')?.data;
  const cancelled = facts.flatMap((fact) => (fact.kind === 'CANCELLED' ? [fact.data] : []));
  const lastCancel = cancelled.find((cancel) => cancel.remainingAfter === 0);
  // A cancel that came before its approval tells what was approved.
  const charge = approved ?? cancelled[0];
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
    cancels: renderCancels(facts),
    metadata: creation.metadata,
    version: 1 + facts.length,
    requestedAt: creation.requested_at.toISOString(),
    expiresAt: creation.expires_at.toISOString(),
    approvedAt: charge?.approvedAt ?? null,
    failedAt: failed?.failedAt ?? null,
    cancelledAt: lastCancel?.cancelledAt ?? null,
    settledAt: settled?.settledAt ?? null,
  };
}
