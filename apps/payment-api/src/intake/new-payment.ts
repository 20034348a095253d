import type { PaymentSource } from '@mini-pg/domain';
import type { Sealer } from '@mini-pg/messaging';
import { newId } from '@mini-pg/runtime';
import type { CreatePayment } from '../payments/request.ts';
import type { Principal } from '../principal.ts';
import type { IntakeItem } from './intake-store.ts';
import { requestedEvent } from './requested-event.ts';

const EXPIRES_AFTER_MS = 600_000;

export interface NewPayment {
  readonly principal: Principal;
  readonly idempotencyKey: string;
  readonly fingerprint: Buffer;
  readonly body: CreatePayment;
  readonly waitSeconds: number;
  readonly traceparent: string;
  /** How long the request waited before it was handed over, but for its body; 0 unless given. */
  readonly waitedMs?: number;
}

/** The rows and the event of a new payment, ready to be written. Nothing secret leaves unsealed. */
export function prepare(request: NewPayment, sealer: Sealer, now: Date): IntakeItem {
  const { principal, body, traceparent } = request;
  const id = newId();
  const eventId = newId();
  const expiresAt = body.expiresAt
    ? new Date(body.expiresAt)
    : new Date(now.getTime() + EXPIRES_AFTER_MS);
  const source = sealer.seal(body.source satisfies PaymentSource, id);
  const customer = body.customer === undefined ? null : sealer.seal(body.customer, id);
  const payment = {
    id,
    merchant_id: principal.merchantId,
    livemode: principal.livemode,
    order_id: body.orderId,
    order_name: body.orderName ?? null,
    amount: BigInt(body.amount),
    tax_free_amount: BigInt(body.taxFreeAmount),
    currency: body.currency,
    pg: body.source.pg,
    metadata: body.metadata,
    requested_at: now,
    expires_at: expiresAt,
  };
  const event = requestedEvent(payment, { event_id: eventId, source, customer });
  return {
    payment,
    idempotencyKey: request.idempotencyKey,
    fingerprint: request.fingerprint,
    answer: request.waitSeconds > 0 ? null : 202,
    waitMs: request.waitSeconds > 0 ? request.waitSeconds * 1_000 : null,
    source: JSON.stringify(source),
    customer: customer === null ? null : JSON.stringify(customer),
    eventId,
    eventPayload: JSON.stringify(event),
    traceparent,
  };
}
