import {
  type Currency,
  createEvent,
  type EventOf,
  type Pg,
  type Sealed,
  toJsonInteger,
} from '@mini-pg/domain';
import type { PaymentRow } from '../payments/facts.ts';

/** What `payment.requested` carries besides the columns of creation; secrets stay sealed. */
export interface RequestedParts {
  readonly event_id: string;
  readonly source: Sealed;
  readonly customer: Sealed | null;
}

/** The event that announces a payment: the same bytes of meaning each time it is announced. */
export function requestedEvent(
  payment: PaymentRow,
  parts: RequestedParts,
): EventOf<'payment.requested'> {
  const requestedAt = payment.requested_at.toISOString();
  return createEvent('payment.requested', {
    id: parts.event_id,
    source: 'payment-api',
    time: requestedAt,
    subject: payment.id,
    data: {
      merchantId: payment.merchant_id,
      livemode: payment.livemode,
      paymentId: payment.id,
      orderId: payment.order_id,
      orderName: payment.order_name,
      amount: toJsonInteger(payment.amount),
      taxFreeAmount: toJsonInteger(payment.tax_free_amount),
      currency: payment.currency as Currency,
      pg: payment.pg as Pg,
      source: parts.source,
      customer: parts.customer,
      requestedAt,
      expiresAt: payment.expires_at.toISOString(),
    },
  });
}
