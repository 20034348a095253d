import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** What the fake does with a confirm; the last one of a script repeats. */
export type ConfirmStep =
  | 'approve'
  | 'deposit'
  | 'reset'
  | 'capture-then-reset'
  | 'capture-then-500'
  | 'capture-then-garbage'
  | 'hang'
  | { readonly refuse: string; readonly httpStatus?: number }
  /** Answers only once the promise is settled. */
  | { readonly after: Promise<unknown>; readonly step: Exclude<ConfirmStep, { after: unknown }> };

export interface FakePayment {
  readonly paymentKey: string;
  readonly orderId: string;
  readonly amount: number;
  status: string;
  transactionKey: string | null;
  /** What confirms do, one after the other. */
  script: ConfirmStep[];
  /** What cancels do: done, or refused with a code. */
  cancelScript: ('done' | 'reset' | { readonly refuse: string })[];
  /** Changes what inquiries show; null hides the payment. */
  shown: (payment: Record<string, unknown>) => Record<string, unknown> | null;
}

export interface FakeCall {
  readonly method: string;
  readonly path: string;
  readonly key: string | undefined;
  readonly authorization: string | undefined;
  readonly body: string;
}

export interface FakeToss {
  readonly url: string;
  readonly calls: FakeCall[];
  /** Payment keys in the order of their captures. */
  readonly captures: string[];
  window(
    payment: Partial<FakePayment> & { paymentKey: string; orderId: string; amount: number },
  ): FakePayment;
  confirms(paymentKey: string): FakeCall[];
  /** Resolves once a confirm of that payment has come in. */
  confirmed(paymentKey: string): Promise<void>;
  close(): Promise<void>;
}

const APPROVED_AT = '2026-03-02T10:00:00+09:00';

/** Toss's wire with a script a payment, and the memory of keys that the real one has. */
export async function startFakeToss(): Promise<FakeToss> {
  const payments = new Map<string, FakePayment>();
  const replays = new Map<string, { status: number; body: string }>();
  const calls: FakeCall[] = [];
  const captures: string[] = [];
  const waiting = new Map<string, () => void>();

  const capture = (payment: FakePayment) => {
    payment.status = 'DONE';
    payment.transactionKey ??= `tx-${payment.paymentKey}-${captures.length + 1}`;
    captures.push(payment.paymentKey);
  };

  const confirm = async (call: FakeCall, response: ServerResponse) => {
    const { paymentKey } = JSON.parse(call.body) as { paymentKey: string };
    const payment = payments.get(paymentKey);
    waiting.get(paymentKey)?.();
    if (!payment) return refuse(response, 'NOT_FOUND_PAYMENT', 404);
    const replay = call.key === undefined ? undefined : replays.get(call.key);
    if (replay) return send(response, replay.status, replay.body);
    let step = payment.script.length > 1 ? payment.script.shift() : payment.script[0];
    if (typeof step === 'object' && 'after' in step) {
      await step.after;
      step = step.step;
    }
    const answer = (status: number, body: unknown) => {
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      if (call.key !== undefined) replays.set(call.key, { status, body: text });
      return text;
    };
    switch (step) {
      case 'approve':
        capture(payment);
        return send(response, 200, answer(200, wireOf(payment)));
      case 'deposit':
        payment.status = 'WAITING_FOR_DEPOSIT';
        return send(response, 200, answer(200, wireOf(payment)));
      case 'reset':
        return response.destroy();
      case 'hang':
        return undefined;
      case 'capture-then-reset':
        capture(payment);
        answer(200, wireOf(payment));
        return response.destroy();
      case 'capture-then-500':
        capture(payment);
        return send(response, 500, JSON.stringify({ code: 'UNKNOWN_ERROR', message: 'x' }));
      case 'capture-then-garbage':
        capture(payment);
        return send(response, 200, '<html>');
      default: {
        if (typeof step !== 'object' || !('refuse' in step)) throw new Error('no step left');
        const status = step.httpStatus ?? 400;
        return send(response, status, answer(status, { code: step.refuse, message: step.refuse }));
      }
    }
  };

  const cancel = (paymentKey: string, response: ServerResponse) => {
    const payment = payments.get(paymentKey);
    if (!payment) return refuse(response, 'NOT_FOUND_PAYMENT', 404);
    const script = payment.cancelScript;
    const step = script.length > 1 ? script.shift() : script[0];
    if (typeof step === 'object') return refuse(response, step.refuse, 400);
    if (step === 'reset') return response.destroy();
    payment.status = 'CANCELED';
    return send(response, 200, JSON.stringify(wireOf(payment)));
  };

  const inquire = (paymentKey: string, response: ServerResponse) => {
    const payment = payments.get(paymentKey);
    const shown = payment ? payment.shown(wireOf(payment)) : null;
    if (shown === null) return refuse(response, 'NOT_FOUND_PAYMENT', 404);
    return send(response, 200, JSON.stringify(shown));
  };

  const server = createServer(async (request, response) => {
    const call = await read(request);
    calls.push(call);
    const [, , , id, action] = call.path.split('/');
    if (call.path === '/v1/payments/confirm') await confirm(call, response);
    else if (action === 'cancel') cancel(id ?? '', response);
    else inquire(id ?? '', response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP address');

  return {
    url: `http://127.0.0.1:${address.port}`,
    calls,
    captures,
    window(payment) {
      const full: FakePayment = {
        status: 'IN_PROGRESS',
        transactionKey: null,
        script: ['approve'],
        cancelScript: ['done'],
        shown: (wire) => wire,
        ...payment,
      };
      payments.set(full.paymentKey, full);
      return full;
    },
    confirms: (paymentKey) =>
      calls.filter(
        ({ path, body }) => path === '/v1/payments/confirm' && body.includes(`"${paymentKey}"`),
      ),
    confirmed: (paymentKey) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.set(paymentKey, resolve);
      return promise;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function wireOf(payment: FakePayment): Record<string, unknown> {
  const isOver = payment.status === 'CANCELED';
  return {
    paymentKey: payment.paymentKey,
    orderId: payment.orderId,
    status: payment.status,
    currency: 'KRW',
    totalAmount: payment.amount,
    balanceAmount: isOver ? 0 : payment.amount,
    approvedAt: payment.status === 'DONE' ? APPROVED_AT : null,
    lastTransactionKey: payment.transactionKey,
    method: '카드',
    card: { issuerCode: '61', acquirerCode: '31', number: '433012******1234', cardType: '신용' },
    cancels: null,
    failure: null,
  };
}

async function read(request: IncomingMessage): Promise<FakeCall> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const key = request.headers['idempotency-key'];
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    key: Array.isArray(key) ? key[0] : key,
    authorization: request.headers.authorization,
    body: Buffer.concat(chunks).toString('utf8'),
  };
}

function refuse(response: ServerResponse, code: string, status: number) {
  return send(response, status, JSON.stringify({ code, message: code }));
}

function send(response: ServerResponse, status: number, body: string) {
  response.writeHead(status, { 'content-type': 'application/json' });
  return response.end(body);
}
