import type { GatewayCapability } from '../gateway.ts';
import { TRANSPORT_DEFAULTS, type TransportOptions } from '../transport.ts';

export interface TossConfig {
  readonly transport: TransportOptions;
  readonly webhook: TossWebhookConfig;
}

export interface TossWebhookConfig {
  /**
   * How the 64 hex characters of the security key enter the HMAC; Toss's documentation
   * does not say. Default `text`.
   */
  readonly securityKeyForm: 'text' | 'hex';
  /**
   * Oldest signed transmission that is taken. Default 4 days: the last of Toss's retries comes
   * 3 d 19 h after the first transmission and may carry its time.
   */
  readonly ageMaxMs: number;
}

export const TOSS_CONFIG_DEFAULTS: TossConfig = {
  transport: TRANSPORT_DEFAULTS,
  webhook: { securityKeyForm: 'text', ageMaxMs: 4 * 86_400_000 },
};

/** Where a limit has no number in Toss's documents, the comment says where it comes from. */
export const TOSS_CAPABILITY: GatewayCapability = {
  approveIdempotent: true,
  cancelIdempotent: true,
  idempotencyKeyLifetimeMs: 15 * 86_400_000,
  idempotencyKeyLengthMax: 300,
  inquireBy: ['PAYMENT', 'ORDER'],
  // Inquiries read what confirm wrote; no delay is documented. A second covers a lagging replica.
  visibilityDelayMs: 1_000,
  // Toss advises clients to wait 60 s, so it may still execute until then.
  executionTimeMaxMs: 60_000,
  inquiryScheduleMs: [1_000, 5_000, 30_000, 120_000, 600_000],
  ladders: {
    APPROVE: ['INQUIRE', 'RESEND', 'EXCEPTION'],
    CANCEL: ['INQUIRE', 'RESEND', 'EXCEPTION'],
    NET_CANCEL: [],
  },
  netCancel: null,
  partialCancel: true,
  // Toss writes dollars with decimals, so its numbers are minor units only where there are none.
  currencies: ['KRW'],
  webhooks: 'UNSIGNED',
};
