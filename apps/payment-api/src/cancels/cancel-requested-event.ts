import { createEvent, type EventOf } from '@mini-pg/domain';
import type { CancelRequestedData } from '../payments/facts.ts';

/** The event that asks for a cancel: the same meaning, byte by byte, each time it is sent. */
export function cancelRequestedEvent(
  eventId: string,
  cancel: CancelRequestedData,
): EventOf<'payment.cancel-requested'> {
  const { merchantId, livemode, paymentId, cancelId } = cancel;
  const { amount, taxFreeAmount, reason, origin, requestedAt } = cancel;
  return createEvent('payment.cancel-requested', {
    id: eventId,
    source: 'payment-api',
    time: requestedAt,
    subject: paymentId,
    data: {
      merchantId,
      livemode,
      paymentId,
      cancelId,
      amount,
      taxFreeAmount,
      reason,
      origin,
      requestedAt,
    },
  });
}
