import { EVENT_SCHEMAS } from '@mini-pg/domain';
import { createProducer, type EventProducer, startConsumer } from '@mini-pg/messaging';
import { createRegistry, newId } from '@mini-pg/runtime';
import { testStack, waitFor } from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bodyOf,
  STOPPED_REDIS_URL,
  testLogger,
  uniqueOrder,
} from '../test/support/intake-fixture.ts';
import { cancelled, completed, failed } from '../test/support/outcomes.ts';
import {
  type Answer,
  createSite,
  type RunningApi,
  registerMerchant,
  type Site,
  send,
  type TestMerchant,
} from '../test/support/running-api.ts';
import type { Delivered } from './projection/delivered.ts';

let site: Site;
let one: RunningApi;
let two: RunningApi;
let merchant: TestMerchant;
let producer: EventProducer;

beforeAll(async () => {
  site = await createSite();
  [one, two] = await Promise.all([site.start(), site.start()]);
  merchant = await registerMerchant(one);
  producer = await createProducer({
    brokers: testStack().kafkaBrokers,
    clientId: 'test',
    logger: testLogger,
    registry: createRegistry('test'),
  });
});

afterAll(async () => {
  await Promise.all([one.stop(), two.stop(), producer.stop()]);
  await site.drop();
});

const pay = (
  api: RunningApi,
  options: { key?: string; body?: unknown; token?: string; headers?: Record<string, string> } = {},
): Promise<Answer> =>
  send('POST', `${api.url}/api/v1/payments`, {
    token: options.token ?? merchant.secretKey,
    body: options.body ?? bodyOf(uniqueOrder()),
    headers: { 'idempotency-key': options.key ?? newId(), ...options.headers },
  });

const read = (api: RunningApi, id: string, token = merchant.secretKey) =>
  send('GET', `${api.url}/api/v1/payments/${id}`, { token });

/** What pg-processor does: its event on its topic, keyed by the payment. */
const publish = (delivered: Delivered) =>
  producer.publish([
    {
      topic: `${site.prefix}${delivered.event.type}`,
      key: delivered.event.subject,
      value: JSON.stringify(delivered.event),
    },
  ]);

describe('a payment over HTTP', () => {
  it('is taken with its location, announced on Kafka, and read with its outcome', async () => {
    const requested: unknown[] = [];
    const consumer = await startConsumer({
      brokers: testStack().kafkaBrokers,
      groupId: `${site.prefix}test`,
      clientId: 'test',
      topics: ['payment.requested'],
      topicPrefix: site.prefix,
      producer,
      handle: async (events) => void requested.push(...events.map(({ event }) => event)),
      logger: testLogger,
      registry: createRegistry('test-consumer'),
    });
    const taken = await pay(one);
    expect(taken.status).toBe(202);
    expect(taken.headers.get('location')).toBe(`/api/v1/payments/${taken.body.id}`);
    const event = await waitFor(
      () => requested.find((e) => (e as { subject: string }).subject === taken.body.id),
      { what: 'payment.requested' },
    );
    expect(EVENT_SCHEMAS['payment.requested'].safeParse(event).success).toBe(true);
    await consumer.stop();

    await publish(completed(taken.body));
    const approved = await waitFor(
      async () => {
        const answer = await read(two, taken.body.id);
        return answer.body.status === 'APPROVED' && answer;
      },
      { what: 'the approval' },
    );
    expect(approved.body).toMatchObject({ version: 2, balanceAmount: taken.body.amount });
  });

  it('answers the one who waits with the outcome, whichever instance projects it', async () => {
    const orders = Array.from({ length: 6 }, uniqueOrder);
    const waiting = orders.map((orderId, i) =>
      pay(i % 2 ? one : two, { body: bodyOf(orderId), headers: { prefer: 'wait=20' } }),
    );
    for (const orderId of orders) {
      const { id } = await waitFor(
        async () => {
          const url = `${one.url}/api/v1/payments?orderId=${orderId}`;
          const list = await send('GET', url, { token: merchant.secretKey });
          return list.body.data[0] as { id: string } | undefined;
        },
        { what: 'the payment to be listed' },
      );
      const { body } = await read(one, id);
      await publish(failed(body));
    }
    const answers = await Promise.all(waiting);
    expect(answers.map((a) => `${a.status} ${a.body.status}`)).toEqual(
      orders.map(() => '201 FAILED'),
    );
  });

  it('answers a repeat with the first answer, marked as such', async () => {
    const request = { key: newId(), body: bodyOf(uniqueOrder()) };
    const first = await pay(one, request);
    const again = await pay(two, { ...request, body: JSON.stringify(request.body, null, 2) });
    expect(again).toMatchObject({ status: 202, body: first.body });
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.headers.get('location')).toBe(first.headers.get('location'));
    expect(first.headers.get('idempotent-replayed')).toBeNull();
  });

  it('takes the quoted and the bare form of a key as the same', async () => {
    const key = newId();
    const body = bodyOf(uniqueOrder());
    const first = await pay(one, { key, body });
    const again = await pay(one, { key: `"${key}"`, body });
    expect(again.body.id).toBe(first.body.id);
  });

  it('is not there for another merchant', async () => {
    const other = await registerMerchant(one);
    const taken = await pay(one);
    await read(one, taken.body.id);
    for (const api of [one, two]) {
      const answer = await read(api, taken.body.id, other.secretKey);
      expect(answer).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    }
  });

  it('goes on without Redis: taken, repeated, refused and read', async () => {
    const api = await site.start({ REDIS_URL: STOPPED_REDIS_URL });
    const request = { key: newId(), body: bodyOf(uniqueOrder()) };
    const first = await pay(api, request);
    expect(first.status).toBe(202);
    expect((await pay(api, request)).body).toEqual(first.body);
    const other = await pay(api, { ...request, body: bodyOf(uniqueOrder()) });
    expect(other).toMatchObject({ status: 422, body: { code: 'IDEMPOTENCY_KEY_REUSED' } });
    expect((await read(api, first.body.id)).body).toEqual(first.body);
    await api.stop();
  });

  it('answers those who wait when the service stops', async () => {
    const api = await site.start();
    const body = bodyOf(uniqueOrder());
    const waiting = pay(api, { body, headers: { prefer: 'wait=30' } });
    await waitFor(
      async () => {
        const url = `${one.url}/api/v1/payments?orderId=${(body as { orderId: string }).orderId}`;
        const list = await send('GET', url, { token: merchant.secretKey });
        return list.body.data.length === 1;
      },
      { what: 'the payment to be stored' },
    );
    await api.stop();
    expect((await waiting).status).toBe(202);
  });
});

describe('a cancel over HTTP', () => {
  it('is announced on Kafka, and answers the one who waits, whichever instance projects it', async () => {
    const asked: { subject: string; data: { cancelId: string; amount: number } }[] = [];
    const consumer = await startConsumer({
      brokers: testStack().kafkaBrokers,
      groupId: `${site.prefix}test-cancels`,
      clientId: 'test',
      topics: ['payment.cancel-requested'],
      topicPrefix: site.prefix,
      producer,
      handle: async (events) => void asked.push(...events.map(({ event }) => event as never)),
      logger: testLogger,
      registry: createRegistry('test-cancels'),
    });
    const { body: payment } = await pay(one);
    await publish(completed(payment));
    await waitFor(async () => (await read(one, payment.id)).body.status === 'APPROVED', {
      what: 'the approval',
    });
    const waiting = [one, two].map((api, index) =>
      send('POST', `${api.url}/api/v1/payments/${payment.id}/cancels`, {
        token: merchant.secretKey,
        body: { amount: 1_000 + index, reason: 'too large' },
        headers: { 'idempotency-key': newId(), prefer: 'wait=20' },
      }),
    );
    const events = await waitFor(
      () => {
        const mine = asked.filter(({ subject }) => subject === payment.id);
        return mine.length === 2 && mine;
      },
      { what: 'both payment.cancel-requested' },
    );
    let remainingBefore = payment.amount;
    for (const { data } of events) {
      const { cancelId, amount: cancelAmount } = data;
      await publish(cancelled(payment, { cancelId, cancelAmount, remainingBefore }));
      remainingBefore -= cancelAmount;
    }
    const answers = await Promise.all(waiting);
    expect(answers.map((answer) => [answer.status, answer.body.status])).toEqual([
      [201, 'DONE'],
      [201, 'DONE'],
    ]);
    expect((await read(two, payment.id)).body).toMatchObject({
      status: 'PARTIALLY_CANCELLED',
      balanceAmount: payment.amount - 2_001,
    });
    await consumer.stop();
  });
});

const GOOD = () => bodyOf(uniqueOrder());

describe('bad input', () => {
  it.each<[string, Parameters<typeof pay>[1], number, string, string?]>([
    ['an empty key', { headers: { 'idempotency-key': '' } }, 400, 'IDEMPOTENCY_KEY_MISSING'],
    ['a short key', { key: 'short' }, 400, 'IDEMPOTENCY_KEY_INVALID'],
    ['an over-long key', { key: 'k'.repeat(256) }, 400, 'IDEMPOTENCY_KEY_INVALID'],
    ['a key with a tab', { key: 'order\t00001' }, 400, 'IDEMPOTENCY_KEY_INVALID'],
    ['a body that is not JSON', { body: '{"amount":' }, 400, 'MALFORMED_REQUEST'],
    [
      'another media type',
      { headers: { 'content-type': 'text/xml' } },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    ['a body too large', { body: `{"a":"${'x'.repeat(70_000)}"}` }, 413, 'BODY_TOO_LARGE'],
    ['an unknown field', { body: { ...GOOD(), ammount: 1 } }, 400, 'VALIDATION_FAILED', '/ammount'],
    ['amount 0', { body: { ...GOOD(), amount: 0 } }, 400, 'VALIDATION_FAILED', '/amount'],
    ['a negative amount', { body: { ...GOOD(), amount: -1 } }, 400, 'VALIDATION_FAILED', '/amount'],
    ['a fraction', { body: { ...GOOD(), amount: 1.5 } }, 400, 'VALIDATION_FAILED', '/amount'],
    ['above 10^12', { body: { ...GOOD(), amount: 1e12 + 1 } }, 400, 'VALIDATION_FAILED', '/amount'],
    [
      'a string amount',
      { body: { ...GOOD(), amount: '1000' } },
      400,
      'VALIDATION_FAILED',
      '/amount',
    ],
    ['no amount', { body: { ...GOOD(), amount: undefined } }, 400, 'VALIDATION_FAILED', '/amount'],
    [
      'an unknown currency',
      { body: { ...GOOD(), currency: 'XXX' } },
      400,
      'VALIDATION_FAILED',
      '/currency',
    ],
    [
      'a bad orderId',
      { body: { ...GOOD(), orderId: 'a b' } },
      400,
      'VALIDATION_FAILED',
      '/orderId',
    ],
    [
      'a nested unknown field',
      { body: { ...GOOD(), customer: { x: 1 } } },
      400,
      'VALIDATION_FAILED',
      '/customer/x',
    ],
    ['an array', { body: '[]' }, 400, 'VALIDATION_FAILED', ''],
    [
      'an unknown pg',
      { body: { ...GOOD(), source: { kind: 'window', pg: 'x', paymentKey: 'k' } } },
      400,
      'VALIDATION_FAILED',
      '/source/pg',
    ],
    [
      'a pg that is off',
      { body: { ...GOOD(), source: { kind: 'window', pg: 'stripe', paymentKey: 'k' } } },
      422,
      'PG_NOT_AVAILABLE',
    ],
    ['a wrong key', { token: `sk_live_${'x'.repeat(32)}` }, 401, 'UNAUTHORIZED'],
    [
      'an expired expiry',
      { body: { ...GOOD(), expiresAt: '2020-01-01T00:00:00Z' } },
      400,
      'VALIDATION_FAILED',
      '/expiresAt',
    ],
  ])('%s is refused', async (_what, request, status, code, pointer) => {
    const answer = await pay(one, request);
    expect(answer).toMatchObject({ status, body: { status, code } });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    if (pointer !== undefined) expect(answer.body.errors[0].pointer).toBe(pointer);
    expect(JSON.stringify(answer.body)).not.toMatch(/select |insert |node_modules|\.ts:/i);
  });

  it('without a key header asks for one', async () => {
    const answer = await send('POST', `${one.url}/api/v1/payments`, {
      token: merchant.secretKey,
      body: GOOD(),
    });
    expect(answer).toMatchObject({ status: 400, body: { code: 'IDEMPOTENCY_KEY_MISSING' } });
  });

  it('without credentials asks for them', async () => {
    const answer = await send('GET', `${one.url}/api/v1/payments/${newId()}`);
    expect(answer).toMatchObject({ status: 401, body: { code: 'UNAUTHORIZED' } });
    expect(answer.headers.get('www-authenticate')).toContain('Bearer');
  });

  it.each([
    ['an unknown id', newId(), 404, 'NOT_FOUND'],
    ['a malformed id', 'not-a-uuid', 400, 'INVALID_ID'],
  ])('%s is refused', async (_what, id, status, code) => {
    expect(await read(one, id)).toMatchObject({ status, body: { code } });
  });

  it('the wrong method is told which ones there are', async () => {
    const answer = await send('DELETE', `${one.url}/api/v1/payments/${newId()}`, {
      token: merchant.secretKey,
    });
    expect(answer).toMatchObject({ status: 405, body: { code: 'METHOD_NOT_ALLOWED' } });
    expect(answer.headers.get('allow')).toContain('GET');
  });

  it('a second key for a live order is told which payment it is', async () => {
    const body = GOOD();
    const first = await pay(one, { body });
    const second = await pay(two, { body });
    expect(second).toMatchObject({
      status: 409,
      body: { code: 'ORDER_ALREADY_ACTIVE', paymentId: first.body.id },
    });
  });
});
