import { createServer } from 'node:net';
import { Secret } from '@mini-pg/runtime';
import { afterEach, describe, expect, it } from 'vitest';
import type { ApproveRequest, CancelRequest, GatewayCall } from '../gateway.ts';
import {
  httpAnswer,
  startWireServer,
  type WireRequest,
  type WireServer,
} from '../testing/wire-server.ts';
import { TossGateway } from './toss-adapter.ts';
import { TOSS_CONFIG_DEFAULTS } from './toss-config.ts';

const PAYMENT = {
  mId: 'tvivarepublica',
  version: '2022-11-16',
  paymentKey: 'tgen_1',
  orderId: 'order-0001',
  status: 'DONE',
  currency: 'KRW',
  method: '카드',
  totalAmount: 15000,
  balanceAmount: 15000,
  requestedAt: '2026-02-13T12:17:57+09:00',
  approvedAt: '2026-02-13T12:18:14+09:00',
  lastTransactionKey: 'TX1',
  card: {
    issuerCode: '71',
    acquirerCode: '71',
    number: '12345678****000*',
    installmentPlanMonths: 0,
    isInterestFree: false,
    approveNo: '00000000',
    cardType: '신용',
    ownerType: '개인',
  },
  cancels: null,
  failure: null,
};

const APPROVE: ApproveRequest = {
  source: { kind: 'window', pg: 'toss', paymentKey: 'tgen_1' },
  pgOrderId: 'order-0001',
  amount: 15000n,
  currency: 'KRW',
  taxFreeAmount: 0n,
};

const CANCEL: CancelRequest = {
  pgPaymentId: 'tgen_1',
  reason: '단순 변심',
  amount: 3000n,
  remainingBefore: 15000n,
  currency: 'KRW',
  taxFreeAmount: 0n,
};

const closers: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function serve(handle: (request: WireRequest) => void): Promise<WireServer> {
  const server = await startWireServer(handle);
  closers.push(() => server.close());
  return server;
}

function answering(status: number, body: unknown, headers?: Record<string, string>) {
  return ({ socket }: WireRequest) => void socket.write(httpAnswer(status, body, headers));
}

function gateway(transport: Partial<(typeof TOSS_CONFIG_DEFAULTS)['transport']> = {}) {
  const toss = new TossGateway({
    ...TOSS_CONFIG_DEFAULTS,
    transport: { ...TOSS_CONFIG_DEFAULTS.transport, ...transport },
  });
  closers.push(() => toss.close());
  return toss;
}

function call(baseUrl: string, more: Partial<GatewayCall> = {}): GatewayCall {
  return {
    account: { pgAccountId: 'tvivarepublica', baseUrl, secret: new Secret('test_sk_abc') },
    idempotencyKey: 'attempt-1',
    timeouts: { connectMs: 2_000, readMs: 1_000 },
    ...more,
  };
}

describe('a confirm on the wire', () => {
  it('is the bytes that Toss documents, the same each time', async () => {
    const server = await serve(answering(200, PAYMENT));
    const toss = gateway();
    await toss.approve(APPROVE, call(server.url));
    await toss.approve(APPROVE, call(server.url));
    const [first, second] = server.requests;
    expect(first?.head).toContain('POST /v1/payments/confirm HTTP/1.1');
    expect(first?.head).toContain('authorization: Basic dGVzdF9za19hYmM6');
    expect(first?.head).toContain('idempotency-key: attempt-1');
    expect(first?.head).toContain('content-type: application/json');
    expect(first?.body).toBe('{"paymentKey":"tgen_1","orderId":"order-0001","amount":15000}');
    expect([second?.head, second?.body]).toEqual([first?.head, first?.body]);
  });

  it('hands over what the PG said', async () => {
    const trace = { 'x-tosspayments-trace-id': 'trace-9' };
    const server = await serve(answering(200, { ...PAYMENT, someNewField: { a: 1 } }, trace));
    const answer = await gateway().approve(APPROVE, call(server.url));
    expect(answer).toEqual({
      kind: 'PAYMENT',
      state: 'PAID',
      payment: {
        pgPaymentId: 'tgen_1',
        pgOrderId: 'order-0001',
        pgTransactionId: 'TX1',
        amount: 15000n,
        balanceAmount: 15000n,
        currency: 'KRW',
        methodDetail: {
          type: 'CARD',
          issuer: '71',
          acquirer: '71',
          cardType: 'CREDIT',
          ownerType: 'PERSONAL',
          installmentMonths: 0,
          interestFree: false,
          approveNo: '00000000',
          maskedNumber: '12345678****000*',
        },
        approvedAt: '2026-02-13T03:18:14.000Z',
        failure: null,
        cancels: [],
      },
      evidence: {
        httpStatus: 200,
        pgTraceId: 'trace-9',
        latencyMs: expect.any(Number),
        rawStatus: 'DONE',
      },
    });
  });

  it('sends a trace context beside the bytes, when there is one', async () => {
    const server = await serve(answering(200, PAYMENT));
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await gateway().approve(APPROVE, call(server.url, { traceparent }));
    await gateway().approve(APPROVE, call(server.url, { traceparent: 'a\r\nx: y' }));
    expect(server.requests[0]?.head).toContain(`traceparent: ${traceparent}`);
    expect(server.requests[1]?.head).not.toContain('traceparent');
  });

  it('keeps a path prefix of the base URL', async () => {
    const server = await serve(answering(200, PAYMENT));
    await gateway().approve(APPROVE, call(`${server.url}/toss/`));
    expect(server.requests[0]?.head).toContain('POST /toss/v1/payments/confirm HTTP/1.1');
  });
});

describe('an inquiry on the wire', () => {
  it('asks by payment and by order, without a key and without a body', async () => {
    const server = await serve(answering(200, PAYMENT));
    const toss = gateway();
    await toss.inquire({ by: 'PAYMENT', pgPaymentId: 'a/b?c' }, call(server.url));
    await toss.inquire({ by: 'ORDER', pgOrderId: 'order-0001' }, call(server.url));
    expect(server.requests[0]?.head).toContain('GET /v1/payments/a%2Fb%3Fc HTTP/1.1');
    expect(server.requests[1]?.head).toContain('GET /v1/payments/orders/order-0001 HTTP/1.1');
    expect(server.requests[0]?.head).not.toMatch(/idempotency-key|content-type/);
  });

  it('takes not found as the definite answer that it is', async () => {
    const server = await serve(answering(404, { code: 'NOT_FOUND_PAYMENT', message: '없음' }));
    const answer = await gateway().inquire(
      { by: 'PAYMENT', pgPaymentId: 'tgen_1' },
      call(server.url),
    );
    expect(answer).toMatchObject({
      kind: 'REFUSED',
      error: { code: 'NOT_FOUND', pgCode: 'NOT_FOUND_PAYMENT', message: '없음' },
      evidence: { httpStatus: 404 },
    });
  });

  it('never steps up a path', async () => {
    const server = await serve(answering(200, PAYMENT));
    const answer = await gateway().inquire({ by: 'PAYMENT', pgPaymentId: '..' }, call(server.url));
    expect(answer).toMatchObject({ kind: 'NOT_SENT', reason: 'UNSENDABLE' });
    expect(server.requests).toHaveLength(0);
  });
});

describe('a cancel on the wire', () => {
  const cancelled = {
    ...PAYMENT,
    status: 'PARTIAL_CANCELED',
    balanceAmount: 10000,
    lastTransactionKey: 'TX3',
    cancels: [
      { transactionKey: 'TX2', cancelAmount: 2000, canceledAt: '2026-02-14T00:00:00+09:00' },
      {
        transactionKey: 'TX3',
        cancelAmount: 3000,
        canceledAt: '2026-02-15T00:00:00+09:00',
        cancelStatus: 'DONE',
      },
    ],
  };

  it('says what remained before it and names the cancel that it made', async () => {
    const server = await serve(answering(200, cancelled));
    const answer = await gateway().cancel(CANCEL, call(server.url));
    expect(server.requests[0]?.head).toContain('POST /v1/payments/tgen_1/cancel HTTP/1.1');
    expect(JSON.parse(server.requests[0]?.body ?? '')).toEqual({
      cancelReason: '단순 변심',
      cancelAmount: 3000,
      refundableAmount: 15000,
    });
    expect(answer).toMatchObject({
      kind: 'PAYMENT',
      state: 'PARTIALLY_CANCELLED',
      payment: { pgTransactionId: null, amount: 15000n, balanceAmount: 10000n },
      cancel: { pgTransactionId: 'TX3', amount: 3000n, at: '2026-02-14T15:00:00.000Z' },
    });
  });

  it('leaves the amount out when all is cancelled, and cuts the reason', async () => {
    const server = await serve(answering(200, cancelled));
    await gateway().cancel(
      { ...CANCEL, amount: null, remainingBefore: null, reason: '가'.repeat(300) },
      call(server.url),
    );
    expect(JSON.parse(server.requests[0]?.body ?? '')).toEqual({ cancelReason: '가'.repeat(200) });
  });

  it('takes no cancel for its own that is still running or not the latest', async () => {
    const running = cancelled.cancels.map((row) => ({ ...row, cancelStatus: 'IN_PROGRESS' }));
    const server = await serve(answering(200, { ...cancelled, cancels: running }));
    const answer = await gateway().cancel(CANCEL, call(server.url));
    expect(answer).toMatchObject({ kind: 'PAYMENT', cancel: null, payment: { cancels: [] } });
  });
});

describe('an answer that says nothing certain', () => {
  const unclear: [string, number, unknown][] = [
    ['a 200 that is no payment', 200, { ok: true }],
    ['a 200 with an error body', 200, { code: 'REJECT_CARD_COMPANY', message: 'x' }],
    ['half a JSON', 200, '{"paymentKey":"tgen_1","sta'],
    ['an HTML page', 502, '<html>Bad gateway</html>'],
    ['an empty body', 200, ''],
    ['a fractional amount', 200, { ...PAYMENT, totalAmount: 15000.5 }],
    ['an unsafe amount', 200, JSON.stringify(PAYMENT).replaceAll('15000', '9007199254740993')],
    ['an amount as text', 200, { ...PAYMENT, totalAmount: '15000' }],
    ['another currency, whose numbers are not minor units', 200, { ...PAYMENT, currency: 'USD' }],
    ['no currency', 200, { ...PAYMENT, currency: undefined }],
    ['an approval time that is none', 200, { ...PAYMENT, approvedAt: 'yesterday' }],
    ['an internal error', 500, { code: 'FAILED_INTERNAL_SYSTEM_PROCESSING', message: 'x' }],
    ['a listed code that stays open', 400, { code: 'PROVIDER_ERROR', message: 'x' }],
    ['a code that nobody listed', 400, { code: 'SOMETHING_NEW', message: 'x' }],
    ['a decline under a 5xx', 500, { code: 'REJECT_CARD_COMPANY', message: 'x' }],
    ['a 4xx without a code', 403, { error: 'forbidden' }],
    ['a payment under another status', 202, PAYMENT],
    ['a redirect', 302, { code: 'NOT_FOUND_PAYMENT' }],
    ['a running duplicate', 409, { code: 'IDEMPOTENT_REQUEST_PROCESSING', message: 'x' }],
  ];
  it.each(unclear)('is UNKNOWN: %s', async (_name, status, body) => {
    const server = await serve(answering(status, body));
    const answer = await gateway().approve(APPROVE, call(server.url));
    expect(answer.kind).toBe('UNKNOWN');
    expect(answer.evidence.httpStatus).toBe(status);
  });

  it.each(unclear)('is UNKNOWN as the answer to a cancel: %s', async (_name, status, body) => {
    const server = await serve(answering(status, body));
    const answer = await gateway().cancel(CANCEL, call(server.url));
    expect(answer.kind).toBe('UNKNOWN');
    expect(answer.evidence.httpStatus).toBe(status);
  });

  it('is a payment in a state UNLISTED when only the status is new', async () => {
    const server = await serve(answering(200, { ...PAYMENT, status: 'SETTLING' }));
    const answer = await gateway().approve(APPROVE, call(server.url));
    expect(answer).toMatchObject({
      kind: 'PAYMENT',
      state: 'UNLISTED',
      payment: { pgTransactionId: null },
      evidence: { rawStatus: 'SETTLING' },
    });
  });

  it('is no fault of the payment when it answers an inquiry', async () => {
    const server = await serve(answering(400, { code: 'SOMETHING_NEW', message: 'x' }));
    const answer = await gateway().inquire({ by: 'ORDER', pgOrderId: 'order-1' }, call(server.url));
    expect(answer).toMatchObject({ kind: 'UNKNOWN', error: { code: 'PROVIDER_UNAVAILABLE' } });
  });

  it('is an answer that is longer than the limit', async () => {
    const server = await serve(answering(200, { ...PAYMENT, filler: 'x'.repeat(5_000) }));
    const answer = await gateway({ bodyMaxBytes: 4_096 }).approve(APPROVE, call(server.url));
    expect(answer).toMatchObject({ kind: 'UNKNOWN', evidence: { httpStatus: 200 } });
  });
});

describe('an error answer with a listed code', () => {
  const refusals: [number, string, string][] = [
    [403, 'REJECT_CARD_COMPANY', 'CARD_DECLINED'],
    [403, 'REJECT_CARD_PAYMENT', 'INSUFFICIENT_FUNDS_OR_LIMIT'],
    [400, 'INVALID_STOPPED_CARD', 'INVALID_PAYMENT_METHOD'],
    [404, 'NOT_FOUND_PAYMENT_SESSION', 'AUTHENTICATION_FAILED'],
    [400, 'INVALID_REQUEST', 'INVALID_REQUEST'],
    [400, 'ALREADY_PROCESSED_PAYMENT', 'ALREADY_PROCESSED'],
    [400, 'MAINTAINED_METHOD', 'PROVIDER_UNAVAILABLE'],
    [401, 'UNAUTHORIZED_KEY', 'CONFIG_ERROR'],
  ];
  it.each(refusals)('is REFUSED: %i %s', async (status, pgCode, code) => {
    const server = await serve(answering(status, { code: pgCode, message: '거절' }));
    const answer = await gateway().approve(APPROVE, call(server.url));
    expect(answer).toMatchObject({ kind: 'REFUSED', error: { code, pgCode, message: '거절' } });
  });

  it('is REFUSED by the rate limit, which has a status and no code', async () => {
    const server = await serve(answering(429, ''));
    const answer = await gateway().approve(APPROVE, call(server.url));
    expect(answer).toMatchObject({ kind: 'REFUSED', error: { code: 'PROVIDER_UNAVAILABLE' } });
    expect(answer).not.toHaveProperty('error.retryAfterMs');
  });

  it.each([
    [429, ''],
    [503, { code: 'PROVIDER_ERROR', message: '장애' }],
    [503, ''],
  ])('hands on how long Toss asks to be left alone: %i %j', async (status, body) => {
    const server = await serve(answering(status, body, { 'retry-after': '7' }));
    const answer = await gateway().approve(APPROVE, call(server.url));
    expect(answer).toHaveProperty('error.retryAfterMs', 7_000);
  });
});

describe('a call of which surely no byte left', () => {
  it('ends NOT_SENT when the connection is refused', async () => {
    const server = await serve(() => {});
    await server.close();
    closers.pop();
    const answer = await gateway().approve(APPROVE, call(server.url));
    expect(answer).toMatchObject({
      kind: 'NOT_SENT',
      reason: 'UNREACHABLE',
      error: { code: 'PROVIDER_UNAVAILABLE', message: expect.stringContaining('ECONNREFUSED') },
    });
  });

  it('ends NOT_SENT when the name does not resolve', async () => {
    const answer = await gateway().approve(APPROVE, call('http://no-such-host.invalid'));
    expect(answer).toMatchObject({ kind: 'NOT_SENT', reason: 'UNREACHABLE' });
  });

  it('ends NOT_SENT when TLS does not come about', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end('this is no TLS'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(() => new Promise((resolve) => server.close(() => resolve())));
    const address = server.address() as { port: number };
    const answer = await gateway().approve(APPROVE, call(`https://127.0.0.1:${address.port}`));
    expect(answer).toMatchObject({ kind: 'NOT_SENT', reason: 'UNREACHABLE' });
  });

  it('ends NOT_SENT when all connections are taken for too long', async () => {
    const server = await serve(() => {});
    const toss = gateway({ connectionsMax: 1 });
    const first = toss.approve(APPROVE, call(server.url));
    const timeouts = { connectMs: 50, readMs: 300 };
    const second = await toss.approve(APPROVE, call(server.url, { timeouts }));
    expect(second).toMatchObject({ kind: 'NOT_SENT', reason: 'UNREACHABLE' });
    expect(await first).toMatchObject({ kind: 'NO_ANSWER' });
    expect(server.requests).toHaveLength(1);
  });

  it('is not sent later either, when its connection comes at last', async () => {
    let answerFirst = () => {};
    const server = await serve(({ socket, number }) => {
      const answer = () => void socket.write(httpAnswer(200, PAYMENT));
      if (number === 1) answerFirst = answer;
      else answer();
    });
    const toss = gateway({ connectionsMax: 1 });
    const patient = { timeouts: { connectMs: 5_000, readMs: 5_000 } };
    const hasty = { timeouts: { connectMs: 30, readMs: 5_000 }, idempotencyKey: 'hasty' };
    const first = toss.approve(APPROVE, call(server.url, patient));
    const given = await toss.approve(APPROVE, call(server.url, hasty));
    expect(given).toMatchObject({ kind: 'NOT_SENT', reason: 'UNREACHABLE' });
    const third = toss.approve(APPROVE, call(server.url, patient));
    answerFirst();
    expect([(await first).kind, (await third).kind]).toEqual(['PAYMENT', 'PAYMENT']);
    expect(server.requests.map(({ head }) => head.includes('hasty'))).toEqual([false, false]);
  });

  it('ends NOT_SENT when too many calls wait already', async () => {
    const server = await serve(() => {});
    const toss = gateway({ connectionsMax: 1, queueMax: 1 });
    const calls = [1, 2, 3].map(() => toss.approve(APPROVE, call(server.url)));
    const last = await calls[2];
    expect(last).toMatchObject({
      kind: 'NOT_SENT',
      error: { message: expect.stringContaining('wait') },
    });
    await Promise.all(calls);
  });

  it('asks the caller right before it writes, also after a wait for a connection', async () => {
    let mayGo = true;
    const server = await serve(({ socket, number }) => {
      if (number !== 1) return;
      mayGo = false;
      socket.write(httpAnswer(200, PAYMENT));
    });
    const toss = gateway({ connectionsMax: 1 });
    const maySend = () => mayGo;
    const first = toss.approve(APPROVE, call(server.url, { maySend }));
    const second = toss.approve(APPROVE, call(server.url, { maySend }));
    expect(await first).toMatchObject({ kind: 'PAYMENT' });
    expect(await second).toMatchObject({ kind: 'NOT_SENT', reason: 'WITHHELD' });
    mayGo = true;
    const third = await toss.approve(APPROVE, call(server.url, { maySend }));
    expect(third).toMatchObject({ kind: 'NO_ANSWER' });
    expect(server.requests).toHaveLength(2);
    expect(server.connections()).toBe(1);
  });

  it('does not send when the question itself fails', async () => {
    const server = await serve(answering(200, PAYMENT));
    const maySend = () => {
      throw new Error('lease store is gone');
    };
    const answer = await gateway().approve(APPROVE, call(server.url, { maySend }));
    expect(answer).toMatchObject({ kind: 'NOT_SENT', reason: 'WITHHELD' });
    expect(server.requests).toHaveLength(0);
  });

  const unsendable: [string, Partial<ApproveRequest>, Partial<GatewayCall>][] = [
    ['a currency with decimals', { currency: 'USD' }, {}],
    ['nothing', { amount: 0n }, {}],
    ['more than a JSON number holds', { amount: 2n ** 60n }, {}],
    ['a source of another PG', { source: { ...APPROVE.source, pg: 'kakaopay' } }, {}],
    ['a key that is too long', {}, { idempotencyKey: 'k'.repeat(301) }],
    ['a key that would break the header', {}, { idempotencyKey: 'a\r\nx: y' }],
  ];
  it.each(unsendable)('refuses to say %s', async (_name, request, more) => {
    const server = await serve(answering(200, PAYMENT));
    const answer = await gateway().approve({ ...APPROVE, ...request }, call(server.url, more));
    expect(answer).toMatchObject({
      kind: 'NOT_SENT',
      reason: 'UNSENDABLE',
      error: { code: 'INVALID_REQUEST' },
    });
    expect(server.requests).toHaveLength(0);
  });
});

describe('a call whose bytes may have left', () => {
  it('ends NO_ANSWER when the peer resets after the request, and is not repeated', async () => {
    const server = await serve(({ socket }) => socket.resetAndDestroy());
    const answer = await gateway().approve(APPROVE, call(server.url));
    expect(answer).toMatchObject({ kind: 'NO_ANSWER', error: { code: 'OUTCOME_UNKNOWN' } });
    expect(server.requests).toHaveLength(1);
  });

  it('ends NO_ANSWER when the peer closes in peace, and is not repeated', async () => {
    const server = await serve(({ socket }) => socket.end());
    const answer = await gateway().approve(APPROVE, call(server.url));
    expect(answer.kind).toBe('NO_ANSWER');
    expect(server.requests).toHaveLength(1);
  });

  it('does not repeat an inquiry either', async () => {
    const server = await serve(({ socket }) => socket.resetAndDestroy());
    const answer = await gateway().inquire({ by: 'ORDER', pgOrderId: 'order-1' }, call(server.url));
    expect(answer.kind).toBe('NO_ANSWER');
    expect(server.requests).toHaveLength(1);
  });

  it('ends NO_ANSWER when nothing comes in time', async () => {
    const server = await serve(() => {});
    const answer = await gateway().approve(APPROVE, call(server.url));
    expect(answer).toMatchObject({
      kind: 'NO_ANSWER',
      error: { message: expect.stringContaining('1000 ms') },
      evidence: { httpStatus: null },
    });
  });

  it('ends NO_ANSWER on a kept connection that is cut when it is used again', async () => {
    const server = await serve(({ socket, number }) => {
      if (number === 1) socket.write(httpAnswer(200, PAYMENT));
      else socket.resetAndDestroy();
    });
    const toss = gateway({ connectionsMax: 1 });
    expect((await toss.approve(APPROVE, call(server.url))).kind).toBe('PAYMENT');
    expect((await toss.approve(APPROVE, call(server.url))).kind).toBe('NO_ANSWER');
    expect(server.requests).toHaveLength(2);
    expect(server.connections()).toBe(1);
  });

  const parts: [string, string][] = [
    ['in the status line', 'HTTP/1.1 20'],
    ['in the headers', 'HTTP/1.1 200 OK\r\ncontent-ty'],
    ['in the body', httpAnswer(200, PAYMENT).slice(0, -40)],
  ];
  it.each(parts)('ends UNKNOWN when the answer is cut %s', async (_name, part) => {
    const server = await serve(({ socket }) => {
      socket.write(part, () => socket.destroySoon());
    });
    const answer = await gateway().approve(APPROVE, call(server.url));
    expect(answer).toMatchObject({ kind: 'UNKNOWN', error: { code: 'OUTCOME_UNKNOWN' } });
    expect(server.requests).toHaveLength(1);
  });

  it.each(parts)('ends UNKNOWN when the answer stops %s', async (_name, part) => {
    const server = await serve(({ socket }) => void socket.write(part));
    const answer = await gateway().approve(APPROVE, call(server.url));
    expect(answer.kind).toBe('UNKNOWN');
  });

  it('counts the bytes of its own answer only, on a kept connection', async () => {
    const server = await serve(({ socket, number }) => {
      if (number === 1) socket.write(httpAnswer(200, PAYMENT));
    });
    const toss = gateway({ connectionsMax: 1 });
    expect((await toss.approve(APPROVE, call(server.url))).kind).toBe('PAYMENT');
    expect((await toss.approve(APPROVE, call(server.url))).kind).toBe('NO_ANSWER');
    expect(server.connections()).toBe(1);
  });

  it('ends UNKNOWN when an answer trickles past the deadline', async () => {
    const server = await serve(({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n');
      const timer = setInterval(() => socket.write('x'), 20);
      socket.on('close', () => clearInterval(timer));
    });
    const answer = await gateway().approve(APPROVE, call(server.url));
    expect(answer).toMatchObject({ kind: 'UNKNOWN', evidence: { httpStatus: 200 } });
  });

  it('ends UNKNOWN on what is not HTTP', async () => {
    const server = await serve(({ socket }) => void socket.write('SSH-2.0-OpenSSH_9.6\r\n'));
    const answer = await gateway().approve(APPROVE, call(server.url));
    expect(answer.kind).toBe('UNKNOWN');
  });
});

describe('the source of a window', () => {
  it('is its payment key, at the account and as the payment id', () => {
    expect(gateway().sourceOf(APPROVE.source)).toEqual({
      sourceKey: 'tgen_1',
      pgPaymentId: 'tgen_1',
    });
  });
});

describe('closing', () => {
  it('waits for the call on its way and sends no other', async () => {
    const server = await serve(({ socket }) => {
      setImmediate(() => socket.write(httpAnswer(200, PAYMENT)));
    });
    const toss = gateway();
    const running = toss.approve(APPROVE, call(server.url));
    const closed = toss.close();
    expect((await running).kind).toBe('PAYMENT');
    await closed;
    expect(await toss.approve(APPROVE, call(server.url))).toMatchObject({ kind: 'NOT_SENT' });
  });
});
