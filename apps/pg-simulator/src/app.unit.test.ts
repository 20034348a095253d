import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { buildSimulator } from './app.ts';
import { SIMULATOR_DEFAULTS, type SimulatorConfig } from './config.ts';
import { TOSS_ERRORS } from './toss/toss-errors.ts';

const SECRET = 'test_sk_abc';
const ORDER = 'order-0001';
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function simulator(config: Partial<SimulatorConfig> = {}) {
  const app = buildSimulator({ ...SIMULATOR_DEFAULTS, ...config });
  closers.push(() => app.close());
  return new Client(app);
}

/** A client for Toss and for what no PG has. */
class Client {
  readonly app: FastifyInstance;

  constructor(app: FastifyInstance) {
    this.app = app;
  }

  async sim(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, payload?: object) {
    const url = `/_sim${path}`;
    const answer = await this.app.inject({ method, url, ...(payload && { payload }) });
    return { status: answer.statusCode, body: answer.body === '' ? null : answer.json() };
  }

  async open(scenario?: string, orderId = ORDER): Promise<string> {
    const window = { orderId, amount: 1000, ...(scenario !== undefined && { scenario }) };
    return (await this.sim('POST', '/toss/windows', window)).body.paymentKey;
  }

  async toss(method: 'GET' | 'POST', path: string, payload?: unknown, headers = {}) {
    const credentials = Buffer.from(`${SECRET}:`).toString('base64');
    const answer = await this.app.inject({
      method,
      url: `/v1/payments${path}`,
      headers: {
        authorization: `Basic ${credentials}`,
        'content-type': 'application/json',
        ...headers,
      },
      ...(payload !== undefined && { payload: payload as object }),
    });
    return { status: answer.statusCode, headers: answer.headers, body: answer.json() };
  }

  confirm(paymentKey: string, key?: string, more: object = {}) {
    const body = { paymentKey, orderId: ORDER, amount: 1000, ...more };
    return this.toss('POST', '/confirm', body, key === undefined ? {} : { 'idempotency-key': key });
  }

  cancel(paymentKey: string, body: object = {}, key?: string) {
    const headers = key === undefined ? {} : { 'idempotency-key': key };
    return this.toss('POST', `/${paymentKey}/cancel`, { cancelReason: '변심', ...body }, headers);
  }

  async moves() {
    const { body } = await this.sim('GET', '/ledger');
    return body.data.map((row: { kind: string; amount: number }) => [row.kind, row.amount]);
  }
}

describe('a confirm', () => {
  it('answers the payment as Toss does and moves the money once', async () => {
    const client = simulator();
    const paymentKey = await client.open();
    const { status, headers, body } = await client.confirm(paymentKey);
    expect(status).toBe(200);
    expect(headers['x-tosspayments-trace-id']).toMatch(/^[0-9a-f]{32}$/);
    expect(body).toMatchObject({
      paymentKey,
      orderId: ORDER,
      status: 'DONE',
      method: '카드',
      currency: 'KRW',
      totalAmount: 1000,
      balanceAmount: 1000,
      approvedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+09:00$/),
      cancels: null,
      failure: null,
    });
    const { body: ledger } = await client.sim('GET', '/ledger?pg=toss');
    expect(ledger).toEqual({
      data: [
        {
          seq: 1,
          pg: 'toss',
          orderId: ORDER,
          pgPaymentId: paymentKey,
          pgTransactionId: body.lastTransactionKey,
          kind: 'CAPTURE',
          amount: 1000,
          at: expect.stringMatching(/Z$/),
        },
      ],
      next: null,
    });
  });

  const refused: [string, object, number, string][] = [
    ['another amount', { amount: 999 }, 400, 'INVALID_REQUEST'],
    ['another order', { orderId: 'order-0002' }, 400, 'INVALID_REQUEST'],
    ['an order number that is none', { orderId: 'x' }, 400, 'INVALID_ORDER_ID'],
    ['an amount as text', { amount: '1000' }, 400, 'INVALID_REQUEST'],
    ['no amount', { amount: undefined }, 400, 'INVALID_REQUIRED_PARAM'],
    ['an unknown payment', { paymentKey: 'tgen_none' }, 404, 'NOT_FOUND_PAYMENT_SESSION'],
  ];
  it.each(refused)('is refused for %s', async (_name, more, status, code) => {
    const client = simulator();
    const paymentKey = await client.open();
    const answer = await client.confirm(paymentKey, undefined, more);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(answer.body.message).toEqual(expect.any(String));
    expect(await client.moves()).toEqual([]);
  });

  it.each(['', 'x', '[]', '7', '"x"'])('is refused for the body %j', async (body) => {
    const answer = await simulator().toss('POST', '/confirm', body);
    expect(answer.status).toBe(400);
    expect(answer.body.code).toMatch(/^INVALID_/);
  });

  it('is refused when ten minutes have passed, and the payment is EXPIRED', async () => {
    const client = simulator();
    const paymentKey = await client.open();
    await client.sim('POST', '/clock', { offsetMs: 601_000 });
    const answer = await client.confirm(paymentKey);
    expect([answer.status, answer.body.code]).toEqual([404, 'NOT_FOUND_PAYMENT_SESSION']);
    const { body } = await client.toss('GET', `/${paymentKey}`);
    expect(body).toMatchObject({ status: 'EXPIRED', failure: { code: 'EXPIRED_PAYMENT' } });
  });

  it('with another key charges again where each key charges, and with the same key does not', async () => {
    const client = simulator();
    const paymentKey = await client.open('charges-each-key');
    for (const key of ['key-1', 'key-2', 'key-1', 'key-2']) {
      expect((await client.confirm(paymentKey, key)).status).toBe(200);
    }
    expect(await client.moves()).toEqual([
      ['CAPTURE', 1000],
      ['CAPTURE', 1000],
    ]);
  });

  it('is ALREADY_PROCESSED_PAYMENT when it was paid with another key', async () => {
    const client = simulator();
    const paymentKey = await client.open();
    await client.confirm(paymentKey, 'key-1');
    const answer = await client.confirm(paymentKey, 'key-2');
    expect([answer.status, answer.body.code]).toEqual([400, 'ALREADY_PROCESSED_PAYMENT']);
    expect(await client.moves()).toEqual([['CAPTURE', 1000]]);
  });

  it('is captured once when two keys come at the same moment', async () => {
    const client = simulator();
    const paymentKey = await client.open('slow:30');
    const keys = ['key-1', 'key-2'];
    const answers = await Promise.all(keys.map((key) => client.confirm(paymentKey, key)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400]);
    expect(await client.moves()).toEqual([['CAPTURE', 1000]]);
  });

  it('ends ABORTED with its failure after a decline, for good', async () => {
    const client = simulator();
    const paymentKey = await client.open('decline:REJECT_CARD_PAYMENT');
    const answer = await client.confirm(paymentKey);
    expect([answer.status, answer.body.code]).toEqual([403, 'REJECT_CARD_PAYMENT']);
    const { body } = await client.toss('GET', `/${paymentKey}`);
    expect(body).toMatchObject({ status: 'ABORTED', failure: { code: 'REJECT_CARD_PAYMENT' } });
    expect((await client.confirm(paymentKey)).body.code).toBe('NOT_FOUND_PAYMENT_SESSION');
    expect(await client.moves()).toEqual([]);
  });

  it('leaves the window open after a fault that passes', async () => {
    const client = simulator();
    const paymentKey = await client.open('decline:MAINTAINED_METHOD');
    expect((await client.confirm(paymentKey)).body.code).toBe('MAINTAINED_METHOD');
    expect((await client.toss('GET', `/${paymentKey}`)).body.status).toBe('IN_PROGRESS');
    expect((await client.confirm(paymentKey)).body.code).toBe('MAINTAINED_METHOD');
  });

  it('can be declined with every code of Toss, under its own status', async () => {
    const client = simulator();
    const codes = Object.entries(TOSS_ERRORS);
    expect(codes).toHaveLength(107);
    for (const [code, [status]] of codes) {
      const answer = await client.confirm(await client.open(`decline:${code}`));
      expect([answer.body.code, answer.status]).toEqual([code, status]);
    }
  });
});

describe('authentication', () => {
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;
  const wrong: [string, string, number, string][] = [
    ['none', '', 401, 'UNAUTHORIZED_KEY'],
    ['a bearer token', `Bearer ${SECRET}`, 401, 'UNAUTHORIZED_KEY'],
    ['a client key', basic('test_ck_abc:'), 401, 'UNAUTHORIZED_KEY'],
    ['any word', basic('secret:'), 401, 'UNAUTHORIZED_KEY'],
    ['no colon', basic(SECRET), 403, 'INCORRECT_BASIC_AUTH_FORMAT'],
    ['a password', basic(`${SECRET}:x`), 403, 'INCORRECT_BASIC_AUTH_FORMAT'],
  ];
  it.each(wrong)('refuses %s on every path', async (_name, authorization, status, code) => {
    const client = simulator();
    const paymentKey = await client.open();
    const calls = ['GET /x', 'GET /orders/order-1', 'POST /confirm', `POST /${paymentKey}/cancel`];
    for (const call of calls) {
      const [method, path] = call.split(' ') as ['GET' | 'POST', string];
      const answer = await client.toss(method, path, {}, { authorization });
      expect([call, answer.status, answer.body.code]).toEqual([call, status, code]);
    }
  });

  it('takes only the keys that it was given, when it was', async () => {
    const client = simulator({ tossKeys: ['live_sk_mine'] });
    expect((await client.toss('GET', '/x')).status).toBe(401);
    const mine = { authorization: basic('live_sk_mine:') };
    expect((await client.toss('GET', '/x', undefined, mine)).status).toBe(404);
  });
});

describe('Idempotency-Key', () => {
  it('replays the first answer and ignores the body', async () => {
    const client = simulator();
    const paymentKey = await client.open();
    const first = await client.confirm(paymentKey, 'key-1');
    const again = await client.confirm(paymentKey, 'key-1', { amount: 5 });
    expect(again.body).toEqual(first.body);
    expect(await client.moves()).toEqual([['CAPTURE', 1000]]);
  });

  it('replays the payment as it was, whatever came after', async () => {
    const client = simulator();
    const paymentKey = await client.open();
    const first = await client.confirm(paymentKey, 'key-1');
    const part = await client.cancel(paymentKey, { cancelAmount: 300 }, 'key-2');
    await client.cancel(paymentKey);
    expect((await client.confirm(paymentKey, 'key-1')).body).toEqual(first.body);
    expect((await client.cancel(paymentKey, {}, 'key-2')).body).toEqual(part.body);
  });

  it('replays refusals too: a corrected body needs a new key', async () => {
    const client = simulator();
    const paymentKey = await client.open();
    await client.confirm(paymentKey, 'key-1', { amount: 5 });
    expect((await client.confirm(paymentKey, 'key-1')).body.code).toBe('INVALID_REQUEST');
    expect((await client.confirm(paymentKey, 'key-2')).status).toBe(200);
  });

  it('replays the answer that was lost as it was made: fault, garbage', async () => {
    const client = simulator();
    for (const [scenario, status] of [
      ['500-after-capture', 500],
      ['garbage', 200],
    ] as const) {
      const paymentKey = await client.open(scenario);
      const url = '/v1/payments/confirm';
      const credentials = Buffer.from(`${SECRET}:`).toString('base64');
      const send = () =>
        client.app.inject({
          method: 'POST',
          url,
          headers: { authorization: `Basic ${credentials}`, 'idempotency-key': scenario },
          payload: { paymentKey, orderId: ORDER, amount: 1000 },
        });
      const [first, again] = [await send(), await send()];
      expect([first.statusCode, again.statusCode]).toEqual([status, status]);
      expect(again.body).toBe(first.body);
      if (scenario === 'garbage') expect(() => JSON.parse(first.body)).toThrow();
    }
    expect(await client.moves()).toHaveLength(2);
  });

  it('is 409 while the first request runs', async () => {
    const client = simulator();
    const paymentKey = await client.open('slow:50');
    const first = client.confirm(paymentKey, 'key-1');
    const second = await client.confirm(paymentKey, 'key-1');
    expect([second.status, second.body.code]).toEqual([409, 'IDEMPOTENT_REQUEST_PROCESSING']);
    expect((await first).status).toBe(200);
    expect((await client.confirm(paymentKey, 'key-1')).status).toBe(200);
  });

  it('has a scope of key, API key and URL', async () => {
    const client = simulator();
    const paymentKey = await client.open();
    await client.confirm(paymentKey, 'key-1');
    expect((await client.cancel(paymentKey, {}, 'key-1')).body.status).toBe('CANCELED');
    const other = { authorization: `Basic ${btoa('test_sk_other:')}`, 'idempotency-key': 'key-1' };
    const body = { paymentKey, orderId: ORDER, amount: 1000 };
    const answer = await client.toss('POST', '/confirm', body, other);
    expect(answer.body.code).toBe('ALREADY_PROCESSED_PAYMENT');
  });

  it('has at most 300 characters', async () => {
    const client = simulator();
    const paymentKey = await client.open();
    const answer = await client.confirm(paymentKey, 'k'.repeat(301));
    expect([answer.status, answer.body.code]).toEqual([400, 'INVALID_IDEMPOTENCY_KEY']);
    expect((await client.confirm(paymentKey, 'k'.repeat(300))).status).toBe(200);
  });

  it('is forgotten after 15 days', async () => {
    const client = simulator();
    const paymentKey = await client.open();
    await client.confirm(paymentKey, 'key-1');
    await client.sim('POST', '/clock', { offsetMs: 15 * 86_400_000 + 60_000 });
    const answer = await client.confirm(paymentKey, 'key-1');
    expect(answer.body.code).toBe('ALREADY_PROCESSED_PAYMENT');
  });
});

describe('TossPayments-Test-Code', () => {
  it('forces its error on a test key, without touching the payment', async () => {
    const client = simulator();
    const paymentKey = await client.open();
    const body = { paymentKey, orderId: ORDER, amount: 1000 };
    const force = (code: string, more = {}) =>
      client.toss('POST', '/confirm', body, { 'tosspayments-test-code': code, ...more });
    expect((await force('REJECT_CARD_COMPANY')).status).toBe(403);
    expect((await force('IDEMPOTENT_REQUEST_PROCESSING')).status).toBe(409);
    expect((await force('BOOM')).body.code).toBe('INVALID_REQUEST');
    const live = { authorization: `Basic ${btoa('live_sk_abc:')}` };
    expect((await force('REJECT_CARD_COMPANY', live)).status).toBe(200);
  });
});

describe('a query', () => {
  it('shows the latest window of an order number, which may be used again', async () => {
    const client = simulator();
    const first = await client.open();
    await client.confirm(first);
    const second = await client.open();
    expect((await client.toss('GET', `/orders/${ORDER}`)).body.paymentKey).toBe(second);
    expect((await client.toss('GET', `/${first}`)).body.status).toBe('DONE');
  });

  it('is NOT_FOUND_PAYMENT for what is not there, NOT_FOUND beside the paths', async () => {
    const client = simulator();
    for (const path of ['/tgen_none', '/orders/order-none']) {
      const answer = await client.toss('GET', path);
      expect([answer.status, answer.body.code]).toEqual([404, 'NOT_FOUND_PAYMENT']);
    }
    const beside = await client.toss('GET', '/a/b/c');
    expect([beside.status, beside.body.code]).toEqual([404, 'NOT_FOUND']);
  });
});

describe('a cancel', () => {
  async function paid() {
    const client = simulator();
    const paymentKey = await client.open();
    await client.confirm(paymentKey);
    return { client, paymentKey };
  }

  it('takes all back when it names no amount', async () => {
    const { client, paymentKey } = await paid();
    const { body } = await client.cancel(paymentKey);
    expect(body).toMatchObject({
      status: 'CANCELED',
      totalAmount: 1000,
      balanceAmount: 0,
      cancels: [{ cancelAmount: 1000, refundableAmount: 0, cancelStatus: 'DONE' }],
    });
    expect(body.lastTransactionKey).toBe(body.cancels[0].transactionKey);
    expect(await client.moves()).toEqual([
      ['CAPTURE', 1000],
      ['CANCEL', 1000],
    ]);
    const again = await client.cancel(paymentKey);
    expect([again.status, again.body.code]).toEqual([400, 'ALREADY_CANCELED_PAYMENT']);
  });

  it('stays PARTIAL_CANCELED when the last part goes, and refuses more by the amount', async () => {
    const { client, paymentKey } = await paid();
    await client.cancel(paymentKey, { cancelAmount: 300 });
    const { body } = await client.cancel(paymentKey);
    expect(body).toMatchObject({ status: 'PARTIAL_CANCELED', balanceAmount: 0 });
    expect(body.cancels.map((row: { refundableAmount: number }) => row.refundableAmount)).toEqual([
      700, 0,
    ]);
    const again = await client.cancel(paymentKey);
    expect([again.status, again.body.code]).toEqual([403, 'NOT_CANCELABLE_AMOUNT']);
  });

  const refused: [object, number, string][] = [
    [{ cancelAmount: 1001 }, 403, 'NOT_CANCELABLE_AMOUNT'],
    [{ cancelAmount: 100, refundableAmount: 900 }, 400, 'NOT_MATCHES_REFUNDABLE_AMOUNT'],
    [{ cancelAmount: 0 }, 400, 'INVALID_REQUEST'],
    [{ cancelAmount: 1.5 }, 400, 'INVALID_REQUEST'],
    [{ cancelReason: undefined }, 400, 'INVALID_REQUIRED_PARAM'],
    [{ cancelReason: 'x'.repeat(201) }, 400, 'INVALID_REQUEST'],
  ];
  it.each(refused)('is refused: %j', async (body, status, code) => {
    const { client, paymentKey } = await paid();
    const answer = await client.cancel(paymentKey, body);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(await client.moves()).toHaveLength(1);
  });

  it('is refused before there is money, and for a payment that is not there', async () => {
    const client = simulator();
    const open = await client.cancel(await client.open());
    expect([open.status, open.body.code]).toEqual([403, 'NOT_CANCELABLE_PAYMENT']);
    const none = await client.cancel('tgen_none');
    expect([none.status, none.body.code]).toEqual([404, 'NOT_FOUND_PAYMENT']);
  });

  it('gives up a deposit whole, without money', async () => {
    const client = simulator();
    const paymentKey = await client.open('waiting-for-deposit');
    const confirmed = await client.confirm(paymentKey);
    expect(confirmed.body).toMatchObject({ status: 'WAITING_FOR_DEPOSIT', method: '가상계좌' });
    const part = await client.cancel(paymentKey, { cancelAmount: 100 });
    expect(part.body.code).toBe('NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT');
    expect((await client.cancel(paymentKey)).body.status).toBe('CANCELED');
    expect(await client.moves()).toEqual([]);
  });

  it('moves money once when two come at the same moment', async () => {
    const { client, paymentKey } = await paid();
    await client.sim('PUT', '/mix', { seed: 1, latencyMs: 20, scenarios: { approve: 1 } });
    const answers = await Promise.all([
      client.cancel(paymentKey, { cancelAmount: 600 }, 'key-1'),
      client.cancel(paymentKey, { cancelAmount: 600 }, 'key-2'),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 400]);
    expect(answers[1]?.body.code).toBe('ALREADY_REFUNDING_PAYMENT');
  });
});

describe('the controls', () => {
  it('refuse a scenario that is none and list those that are', async () => {
    const client = simulator();
    const window = { orderId: ORDER, amount: 1000, scenario: 'boom' };
    const { status, body } = await client.sim('POST', '/toss/windows', window);
    expect(status).toBe(400);
    expect(body.message).toBe('"boom" is not a scenario');
    expect(body.scenarios).toContain('reset-after-capture');
  });

  const bad: [string, 'POST' | 'PUT' | 'GET', string, object | undefined, string][] = [
    ['an amount of nothing', 'POST', '/toss/windows', { orderId: ORDER, amount: 0 }, '/amount'],
    ['a fraction', 'POST', '/toss/windows', { orderId: ORDER, amount: 1.5 }, '/amount'],
    [
      'an order number that is none',
      'POST',
      '/toss/windows',
      { orderId: 'x', amount: 1 },
      '/orderId',
    ],
    ['a mix without a seed', 'PUT', '/mix', { scenarios: { approve: 1 } }, '/seed'],
    ['a page that is too long', 'GET', '/ledger?limit=10001', undefined, '/limit'],
    ['a batch of nothing', 'POST', '/toss/windows/batch', { items: [] }, '/items'],
  ];
  it.each(bad)('refuse %s', async (_name, method, path, payload, pointer) => {
    const { status, body } = await simulator().sim(method, path, payload);
    expect(status).toBe(400);
    expect(body.errors[0].pointer).toBe(pointer);
  });

  it('open a batch whole or not at all', async () => {
    const client = simulator();
    const batch = {
      items: [
        { orderId: ORDER, amount: 5 },
        { orderId: ORDER, amount: 6, scenario: 'boom' },
      ],
    };
    expect((await client.sim('POST', '/toss/windows/batch', batch)).status).toBe(400);
    expect((await client.toss('GET', `/orders/${ORDER}`)).status).toBe(404);
    const counted = await client.sim('POST', '/toss/windows/batch', { count: 3, amount: 70 });
    expect(counted.body.data).toHaveLength(3);
    expect(new Set(counted.body.data.map((row: { orderId: string }) => row.orderId)).size).toBe(3);
    expect(counted.body.data[0].amount).toBe(70);
  });

  it('draw the same scenarios for the same seed, and none when the mix is gone', async () => {
    const client = simulator();
    const settings = { seed: 7, latencyMs: 0, scenarios: { approve: 1, 'decline:FDS_ERROR': 1 } };
    const run = async () => {
      expect((await client.sim('PUT', '/mix', settings)).body).toEqual(settings);
      const statuses: number[] = [];
      for (let index = 0; index < 20; index += 1) {
        statuses.push((await client.confirm(await client.open())).status);
      }
      return statuses;
    };
    const first = await run();
    expect(await run()).toEqual(first);
    expect(new Set(first)).toEqual(new Set([200, 403]));
    expect((await client.sim('DELETE', '/mix')).status).toBe(204);
    expect((await client.sim('GET', '/mix')).body).toEqual({});
    for (let index = 0; index < 20; index += 1) {
      expect((await client.confirm(await client.open())).status).toBe(200);
    }
  });

  it('forget the oldest payments without money beyond the bound, never those with', async () => {
    const client = simulator({ windowsMax: 2 });
    const paid = await client.open();
    await client.confirm(paid);
    const opened = [await client.open(), await client.open(), await client.open()];
    const statuses = await Promise.all(
      [paid, ...opened].map(async (key) => (await client.toss('GET', `/${key}`)).status),
    );
    expect(statuses).toEqual([200, 404, 200, 200]);
  });
});

describe('a restart', () => {
  it('knows all payments, the ledger and the keys again', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'simulator-'));
    closers.push(() => rmSync(directory, { recursive: true }));
    const config = { ...SIMULATOR_DEFAULTS, ledgerFile: join(directory, 'ledger.jsonl') };
    const before = new Client(buildSimulator(config));
    const keys = {
      paid: await before.open(),
      partly: await before.open(),
      declined: await before.open('decline:FDS_ERROR'),
      deposit: await before.open('waiting-for-deposit'),
      open: await before.open('slow:1'),
    };
    const first = await before.confirm(keys.paid, 'key-1');
    await before.confirm(keys.partly, 'key-2');
    const cancelled = await before.cancel(keys.partly, { cancelAmount: 400 }, 'key-3');
    await before.confirm(keys.declined, 'key-4');
    await before.confirm(keys.deposit, 'key-5');
    const look = async (client: Client) => ({
      payments: await Promise.all(
        Object.values(keys).map(async (key) => (await client.toss('GET', `/${key}`)).body),
      ),
      ledger: (await client.sim('GET', '/ledger')).body,
    });
    const known = await look(before);
    await before.app.close();

    const after = new Client(buildSimulator(config));
    closers.push(() => after.app.close());
    expect(await look(after)).toEqual(known);
    expect((await after.confirm(keys.paid, 'key-1')).body).toEqual(first.body);
    expect((await after.cancel(keys.partly, {}, 'key-3')).body).toEqual(cancelled.body);
    expect((await after.confirm(keys.declined, 'key-4')).body.code).toBe('FDS_ERROR');
    expect((await after.confirm(keys.paid, 'key-9')).body.code).toBe('ALREADY_PROCESSED_PAYMENT');
    expect((await after.confirm(keys.open, 'key-6')).status).toBe(200);
    expect((await after.sim('GET', '/ledger?after=3')).body.data).toMatchObject([{ seq: 4 }]);
  });
});

describe('operations', () => {
  it('serve health and metrics', async () => {
    const { app } = simulator();
    expect((await app.inject('/health/live')).statusCode).toBe(200);
    expect((await app.inject('/health/ready')).statusCode).toBe(200);
    expect((await app.inject('/metrics')).body).toContain('simulator_ledger_rows');
  });
});
