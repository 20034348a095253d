import { createHmac } from 'node:crypto';
import { Secret } from '@mini-pg/runtime';
import { describe, expect, it } from 'vitest';
import { TOSS_CONFIG_DEFAULTS } from './toss-config.ts';
import { verifyTossWebhook } from './toss-webhook.ts';

const CONFIG = TOSS_CONFIG_DEFAULTS.webhook;
const KEY = 'a1'.repeat(32);
const SENT_AT = '2026-02-13T12:18:14+09:00';
const RECEIVED_AT = new Date('2026-02-13T03:18:15Z');

const CLASSIC = {
  eventType: 'PAYMENT_STATUS_CHANGED',
  createdAt: '2026-02-13T12:18:14.123456',
  data: { paymentKey: 'tgen_1', orderId: 'order-0001', status: 'DONE' },
};

const DEPOSIT = {
  createdAt: '2026-02-13T12:18:14.123456',
  secret: 'ps_deposit_secret',
  status: 'DONE',
  transactionKey: 'TX1',
  orderId: 'order-0001',
};

const PAYOUT = { eventType: 'payout.changed', entityBody: { id: 'po_1' }, entityType: 'payout' };

function request(body: unknown, headers: Record<string, string> = {}, receivedAt = RECEIVED_AT) {
  const rawBody = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  const named = Object.entries({ 'transmission-id': 'tr-1', ...headers }).map(
    ([name, value]) => [`tosspayments-webhook-${name}`, value] as const,
  );
  return { headers: Object.fromEntries(named), rawBody, receivedAt };
}

function signature(body: unknown, time = SENT_AT, key: string | Buffer = KEY) {
  return `v1:${createHmac('sha256', key)
    .update(`${JSON.stringify(body)}:${time}`)
    .digest('base64')}`;
}

describe('a classic webhook of Toss', () => {
  it('is UNSIGNED: it names a payment to inquire about and proves nothing', () => {
    expect(verifyTossWebhook(request(CLASSIC), new Secret(KEY), CONFIG)).toEqual({
      kind: 'UNSIGNED',
      event: {
        deliveryId: 'tr-1',
        type: 'PAYMENT_STATUS_CHANGED',
        pgPaymentId: 'tgen_1',
        pgOrderId: 'order-0001',
      },
    });
  });

  it.each(['', 'x', '[]', '{}', '{"eventType":7}'])('is REJECTED when it is %j', (body) => {
    expect(verifyTossWebhook(request(body), null, CONFIG).kind).toBe('REJECTED');
  });
});

describe('a deposit webhook of Toss', () => {
  it('is VERIFIED by the secret of its payment', () => {
    const verdict = verifyTossWebhook(request(DEPOSIT), new Secret('ps_deposit_secret'), CONFIG);
    expect(verdict).toMatchObject({
      kind: 'VERIFIED',
      event: { type: 'DEPOSIT_CALLBACK', pgPaymentId: null, pgOrderId: 'order-0001' },
    });
  });

  it.each(['ps_deposit_secreT', 'ps_deposit', ''])(
    'is REJECTED by another secret: %j',
    (secret) => {
      expect(verifyTossWebhook(request(DEPOSIT), new Secret(secret), CONFIG).kind).toBe('REJECTED');
    },
  );

  it('is UNSIGNED while its payment is not known', () => {
    expect(verifyTossWebhook(request(DEPOSIT), null, CONFIG).kind).toBe('UNSIGNED');
  });
});

describe('a payout webhook of Toss', () => {
  const headers = { 'transmission-time': SENT_AT, signature: signature(PAYOUT) };
  const verdict = (more: Record<string, string>, at = RECEIVED_AT, config = CONFIG) =>
    verifyTossWebhook(request(PAYOUT, { ...headers, ...more }, at), new Secret(KEY), config).kind;

  it('is VERIFIED by its signature, and by any of several while keys rotate', () => {
    expect(verdict({})).toBe('VERIFIED');
    expect(verdict({ signature: `v1:b2xk, ${signature(PAYOUT)}` })).toBe('VERIFIED');
  });

  it('is VERIFIED with the key as bytes when the account is set so', () => {
    const other = { signature: signature(PAYOUT, SENT_AT, Buffer.from(KEY, 'hex')) };
    expect(verdict(other)).toBe('REJECTED');
    expect(verdict(other, RECEIVED_AT, { ...CONFIG, securityKeyForm: 'hex' })).toBe('VERIFIED');
  });

  it('is REJECTED when a byte, the time or the key differs', () => {
    expect(verdict({ signature: signature({ ...PAYOUT, entityType: 'x' }) })).toBe('REJECTED');
    expect(verdict({ 'transmission-time': '2026-02-13T12:18:15+09:00' })).toBe('REJECTED');
    expect(verdict({ signature: signature(PAYOUT, SENT_AT, 'b2'.repeat(32)) })).toBe('REJECTED');
  });

  it('is REJECTED when it is too old, from the future or has no time', () => {
    expect(verdict({}, new Date('2026-02-18T03:18:15Z'))).toBe('REJECTED');
    expect(verdict({}, new Date('2026-02-01T03:18:15Z'))).toBe('REJECTED');
    const undated = { 'transmission-time': 'now', signature: signature(PAYOUT, 'now') };
    expect(verdict(undated)).toBe('REJECTED');
  });

  it('reads a time without an offset as Seoul time', () => {
    const time = '2026-02-13T12:18:14.123456';
    const seoul = { 'transmission-time': time, signature: signature(PAYOUT, time) };
    const config = { ...CONFIG, ageMaxMs: 60_000 };
    expect(verdict(seoul, RECEIVED_AT, config)).toBe('VERIFIED');
  });

  it('is REJECTED without a signature or without a key', () => {
    expect(verifyTossWebhook(request(PAYOUT), new Secret(KEY), CONFIG).kind).toBe('REJECTED');
    expect(verifyTossWebhook(request(PAYOUT, headers), null, CONFIG).kind).toBe('REJECTED');
  });
});
