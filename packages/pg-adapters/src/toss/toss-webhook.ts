import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Secret } from '@mini-pg/runtime';
import type { z } from 'zod';
import type { WebhookEvent, WebhookRequest, WebhookVerdict } from '../gateway.ts';
import type { TossWebhookConfig } from './toss-config.ts';
import { tossWebhookSchema } from './toss-wire.ts';

/** Longest webhook body that is looked at, in bytes. */
const BODY_MAX_BYTES = 1_048_576;

const HEADER = 'tosspayments-webhook-';

/** The only events that Toss signs (docs.tosspayments.com/guides/v2/webhook). */
const SIGNED_EVENTS = ['payout.changed', 'seller.changed'];

/**
 * Judges a webhook of Toss by its kind:
 *
 * - payout and seller events carry a signature; `secret` is the account's security key;
 * - a deposit carries the secret of its payment; `secret` is what was stored from `Payment.secret`;
 * - every other event proves nothing and is UNSIGNED.
 *
 * Without a secret to check against nothing is VERIFIED: a deposit is UNSIGNED then (look the
 * payment up by its order number, or inquire), a signed event is REJECTED.
 */
export function verifyTossWebhook(
  request: WebhookRequest,
  secret: Secret | null,
  config: TossWebhookConfig,
): WebhookVerdict {
  const body = readBody(request.rawBody);
  if (body === null) return rejected('the body is no webhook of Toss');
  const event = eventOf(request, body);
  if (SIGNED_EVENTS.includes(event.type)) return verifySigned(request, event, secret, config);
  if (event.type === 'DEPOSIT_CALLBACK' && body.secret != null && secret !== null) {
    const same = sameText(body.secret, secret.reveal());
    return same ? { kind: 'VERIFIED', event } : rejected('the deposit secret is not ours');
  }
  return { kind: 'UNSIGNED', event };
}

type TossWebhook = z.infer<typeof tossWebhookSchema>;

function readBody(rawBody: Uint8Array): TossWebhook | null {
  if (rawBody.byteLength > BODY_MAX_BYTES) return null;
  try {
    const body = tossWebhookSchema.safeParse(JSON.parse(Buffer.from(rawBody).toString('utf8')));
    return body.success && (body.data.eventType ?? body.data.secret) != null ? body.data : null;
  } catch {
    return null;
  }
}

function eventOf(request: WebhookRequest, body: TossWebhook): WebhookEvent {
  return {
    deliveryId: headerOf(request, 'transmission-id'),
    // The flat deposit body names no event.
    type: body.eventType ?? 'DEPOSIT_CALLBACK',
    pgPaymentId: body.data?.paymentKey ?? null,
    pgOrderId: body.data?.orderId ?? body.orderId ?? null,
  };
}

/** `HMAC-SHA256("{rawBody}:{transmission-time}")`, base64; any of the `v1:` values may match. */
function verifySigned(
  request: WebhookRequest,
  event: WebhookEvent,
  secret: Secret | null,
  config: TossWebhookConfig,
): WebhookVerdict {
  if (secret === null) return rejected('no security key to check the signature with');
  const time = headerOf(request, 'transmission-time');
  const signatures = headerOf(request, 'signature');
  if (time === null || signatures === null) return rejected('the signature is missing');
  const ageMs = request.receivedAt.getTime() - sentAtMs(time);
  if (Number.isNaN(ageMs) || Math.abs(ageMs) > config.ageMaxMs) {
    return rejected('the transmission time is too far away');
  }
  const expected = createHmac('sha256', Buffer.from(secret.reveal(), keyEncoding(config)))
    .update(request.rawBody)
    .update(`:${time}`)
    .digest('base64');
  const matches = signatures
    .split(',')
    .map((value) => value.trim())
    .some((value) => sameText(value, `v1:${expected}`));
  return matches ? { kind: 'VERIFIED', event } : rejected('no signature matches');
}

const SEOUL_OFFSET = '+09:00';

/** Toss writes times of webhooks with microseconds and, at times, without an offset: Seoul then. */
function sentAtMs(time: string): number {
  const hasOffset = /(Z|[+-]\d\d:?\d\d)$/.test(time);
  return Date.parse(hasOffset ? time : `${time}${SEOUL_OFFSET}`);
}

function keyEncoding(config: TossWebhookConfig): 'utf8' | 'hex' {
  return config.securityKeyForm === 'hex' ? 'hex' : 'utf8';
}

function headerOf(request: WebhookRequest, name: string): string | null {
  const value = request.headers[`${HEADER}${name}`];
  return (typeof value === 'string' ? value : value?.[0]) ?? null;
}

/** Takes the same time wherever two texts differ; only their length shows. */
function sameText(left: string, right: string): boolean {
  const a = Buffer.from(left);
  const b = Buffer.from(right);
  return a.byteLength === b.byteLength && timingSafeEqual(a, b);
}

function rejected(reason: string): WebhookVerdict {
  return { kind: 'REJECTED', reason };
}
