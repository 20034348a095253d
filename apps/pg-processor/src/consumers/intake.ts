import type { ReceivedEvent } from '@mini-pg/messaging';
import { type CancelIntakeOptions, storeCancelRequests } from './cancel-requested.ts';
import { storeMerchants } from './merchant-updated.ts';
import { type IntakeOptions, storePaymentRequests } from './payment-requested.ts';

export const CONSUMED_TOPICS = [
  'payment.requested',
  'payment.cancel-requested',
  'merchant.updated',
] as const;

type Consumed = ReceivedEvent<(typeof CONSUMED_TOPICS)[number]>;

/**
 * Handles a batch of what this service consumes. Each part is one statement and a no-op if repeated.
 * Cancels come before the payments of their batch, so that those are never called.
 */
export async function handleIntake(
  options: IntakeOptions & CancelIntakeOptions,
  events: readonly Consumed[],
): Promise<void> {
  const merchants = events.filter((event) => event.topic === 'merchant.updated');
  if (merchants.length > 0) await storeMerchants(options.pool, merchants);
  const cancels = events.filter((event) => event.topic === 'payment.cancel-requested');
  if (cancels.length > 0) await storeCancelRequests(options, cancels);
  const requests = events.filter((event) => event.topic === 'payment.requested');
  if (requests.length > 0) await storePaymentRequests(options, requests);
}
