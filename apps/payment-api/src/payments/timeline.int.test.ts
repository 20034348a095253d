import { createEvent } from '@mini-pg/domain';
import { newId } from '@mini-pg/runtime';
import { createTestDatabase, type TestDatabase } from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newKey, newMerchant, startApi, type TestApi } from '../../test/support/api-fixture.ts';
import { STOPPED_REDIS_URL, uniqueOrder, uniquePrefix } from '../../test/support/intake-fixture.ts';
import { completed, failed, settled } from '../../test/support/outcomes.ts';
import { migrations } from '../db/migrations/index.ts';
import type { Delivered } from '../projection/delivered.ts';
import { projectDelivered } from '../projection/outcomes.ts';

const PAYMENTS = '/api/v1/payments';
const TRACE_ID = 'c'.repeat(32);
const NOW = new Date('2026-03-31T05:00:01.000Z');

let database: TestDatabase;
let api: TestApi;

beforeAll(async () => {
  database = await createTestDatabase({ payment: migrations });
  api = await startApi({
    database,
    prefix: uniquePrefix(),
    redisUrl: STOPPED_REDIS_URL,
    overrides: { clock: { now: () => NOW } },
  });
});

afterAll(async () => {
  await api.stop();
  await database.drop();
});

async function pay(token: string) {
  const orderId = uniqueOrder();
  const source = { kind: 'window', pg: 'toss', paymentKey: `secret-${orderId}` };
  const response = await api.call({
    method: 'POST',
    url: PAYMENTS,
    token,
    headers: { 'idempotency-key': newId(), traceparent: `00-${TRACE_ID}-${'b'.repeat(16)}-01` },
    payload: { orderId, amount: 10_000, source, customer: { email: 'kim@example.com' } },
  });
  return response.json();
}

const timeline = (token: string, id: string) =>
  api.call({ method: 'GET', url: `${PAYMENTS}/${id}/timeline`, token });

async function project(delivered: readonly Delivered[]): Promise<void> {
  const { pool, cache, waiters } = api.deps;
  const parkedTotal = { inc: () => undefined } as never;
  await projectDelivered({ pool, cache, waiters, parkedTotal }, delivered);
}

function progressed(
  payment: { id: string; merchantId: string; livemode: boolean },
  step: 'UNKNOWN' | 'INQUIRED',
  at: string,
): Delivered {
  const { id, merchantId, livemode } = payment;
  return {
    traceId: TRACE_ID,
    traceparent: undefined,
    event: createEvent('payment.progressed', {
      id: newId(),
      source: 'pg-processor',
      time: at,
      subject: id,
      data: {
        merchantId,
        livemode,
        paymentId: id,
        sequence: 1,
        attemptId: newId(),
        attemptNumber: 1,
        pg: 'toss',
        step,
        detail: 'no answer in time',
        at,
      },
    }),
  };
}

describe('the timeline of a payment', () => {
  it('begins with its request', async () => {
    const { secretKey } = await newMerchant(api);
    const payment = await pay(secretKey);
    expect((await timeline(secretKey, payment.id)).json()).toEqual({
      data: [
        {
          step: 'REQUESTED',
          at: NOW.toISOString(),
          service: 'payment-api',
          eventId: expect.any(String),
          traceId: TRACE_ID,
          detail: { orderId: payment.orderId, amount: 10_000, currency: 'KRW', pg: 'toss' },
        },
      ],
    });
  });

  it('shows every later step by its time, whatever the order of arrival', async () => {
    const { secretKey } = await newMerchant(api);
    const payment = await pay(secretKey);
    const settlement = settled(payment);
    // The PG's clock is behind ours: its time is told, ours orders the steps.
    const approval = completed(payment, { approvedAt: '2026-03-31T04:59:00.000Z' });
    Object.assign(approval.event, { time: '2026-03-31T05:00:09.000Z' });
    const unknown = progressed(payment, 'UNKNOWN', '2026-03-31T05:00:07.000Z');
    const inquired = progressed(payment, 'INQUIRED', '2026-03-31T05:00:08.000Z');
    Object.assign(settlement.event, { time: '2026-03-31T15:10:00.000Z' });
    for (const delivered of [settlement, inquired, approval, unknown, inquired]) {
      await project([delivered]);
    }
    const steps = (await timeline(secretKey, payment.id)).json().data;
    expect(steps.map((s: { step: string; service: string }) => [s.step, s.service])).toEqual([
      ['REQUESTED', 'payment-api'],
      ['UNKNOWN', 'pg-processor'],
      ['INQUIRED', 'pg-processor'],
      ['APPROVED', 'pg-processor'],
      ['SETTLED', 'settlement-worker'],
    ]);
    expect(steps[3]).toMatchObject({
      eventId: approval.event.id,
      at: '2026-03-31T05:00:09.000Z',
      detail: { approvedAt: '2026-03-31T04:59:00.000Z' },
    });
    expect(steps[1]).toMatchObject({
      eventId: unknown.event.id,
      traceId: TRACE_ID,
      detail: { pg: 'toss', attemptNumber: 1, detail: 'no answer in time' },
    });
  });

  it("begins with the request even when the PG's clock is behind", async () => {
    const { secretKey } = await newMerchant(api);
    const payment = await pay(secretKey);
    await project([completed(payment, { approvedAt: '2026-03-31T05:00:00.000Z' })]);
    const steps = (await timeline(secretKey, payment.id)).json().data;
    expect(steps.map((s: { step: string }) => s.step)).toEqual(['REQUESTED', 'APPROVED']);
  });

  it('tells why a payment failed', async () => {
    const { secretKey } = await newMerchant(api);
    const payment = await pay(secretKey);
    await project([failed(payment)]);
    expect((await timeline(secretKey, payment.id)).json().data[1]).toMatchObject({
      step: 'FAILED',
      detail: { code: 'CARD_DECLINED', message: 'The issuer refuses.', retryable: false },
    });
  });

  it('holds no payment key and nothing of the shopper', async () => {
    const { secretKey } = await newMerchant(api);
    const payment = await pay(secretKey);
    await project([completed(payment, { pgPaymentId: 'secret-of-the-window' })]);
    const { body } = await timeline(secretKey, payment.id);
    expect(body).not.toMatch(/secret|kim@example|ct"/);
  });

  it("is 404 to another merchant and to the merchant's other mode", async () => {
    const [mine, other] = await Promise.all([newMerchant(api), newMerchant(api)]);
    const test = await newKey(api, mine.id, false);
    const payment = await pay(mine.secretKey);
    expect((await timeline(other.secretKey, payment.id)).statusCode).toBe(404);
    expect((await timeline(test.secretKey, payment.id)).statusCode).toBe(404);
    expect((await timeline(mine.secretKey, newId())).statusCode).toBe(404);
  });

  it('is 400 for what is no id', async () => {
    const { secretKey } = await newMerchant(api);
    const response = await timeline(secretKey, 'x');
    expect([response.statusCode, response.json().code]).toEqual([400, 'INVALID_ID']);
  });
});
