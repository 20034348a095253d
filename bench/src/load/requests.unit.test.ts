import { describe, expect, it } from 'vitest';
import type { LoadPlan } from './load-plan.ts';
import { requestsOf } from './requests.ts';

const PLAN: LoadPlan = {
  port: 1,
  connections: 2,
  warmupMs: 0,
  durationMs: 1,
  statuses: [202],
  traffic: {
    kind: 'payments',
    secretKeys: ['sk_live_a', 'sk_live_b'],
    runId: 'r1',
    repeatEvery: 20,
    marksReplays: true,
  },
};

function parts(bytes: Buffer) {
  const [head = '', body = ''] = bytes.toString('latin1').split('\r\n\r\n');
  const header = (name: string) => new RegExp(`\r\n${name}: (.*)`).exec(head)?.[1];
  return {
    secretKey: header('authorization'),
    idempotencyKey: header('idempotency-key'),
    contentLength: Number(header('content-length')),
    bodyBytes: Buffer.byteLength(body),
    body: JSON.parse(body),
  };
}

describe('requests for payments', () => {
  it('are whole, each with a key and an order of its own', () => {
    const requests = requestsOf(PLAN);
    const made = Array.from({ length: 19 }, () => parts(requests.next(0).bytes));
    for (const { contentLength, bodyBytes } of made) expect(contentLength).toBe(bodyBytes);
    expect(new Set(made.map(({ idempotencyKey }) => idempotencyKey)).size).toBe(19);
    expect(new Set(made.map(({ body }) => body.orderId)).size).toBe(19);
    expect(made[18]?.body).toMatchObject({
      orderId: 'r1-order-000000018',
      amount: 1_018,
      source: { kind: 'window', pg: 'toss', paymentKey: 'tgen_r1000000018' },
    });
  });

  it('repeat every twentieth an earlier one of the same connection, byte by byte', () => {
    const requests = requestsOf(PLAN);
    const made = Array.from({ length: 40 }, () => {
      requests.next(1);
      const { bytes, isRepeat } = requests.next(0);
      return { text: bytes.toString('latin1'), isRepeat };
    });
    expect(made.flatMap(({ isRepeat }, index) => (isRepeat ? [index] : []))).toEqual([19, 39]);
    expect(made[19]?.text).toBe(made[9]?.text);
    expect(made[39]?.text).toBe(made[29]?.text);
  });

  it('come from one merchant a connection', () => {
    const requests = requestsOf(PLAN);
    const keys = [0, 1, 2].map((index) => parts(requests.next(index).bytes).secretKey);
    expect(keys).toEqual(['Bearer sk_live_a', 'Bearer sk_live_b', 'Bearer sk_live_a']);
  });

  it('are sent again by the connection whose last one was refused, and only by that', () => {
    const requests = requestsOf(PLAN);
    const text = (connection: number) => requests.next(connection).bytes.toString('latin1');
    const refused = text(0);
    requests.repeat(0);
    const other = text(1);
    expect([text(0) === refused, other === refused, text(0) === refused]).toEqual([
      true,
      false,
      false,
    ]);
  });
});
