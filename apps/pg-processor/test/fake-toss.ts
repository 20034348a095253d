import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** What the fake does with a confirm; the last one of a script repeats. */
export type ConfirmStep =
  | PlainStep
  /** Answers only once the promise is settled. */
  | { readonly after: Promise<unknown>; readonly step: PlainStep };

type PlainStep =
  | 'approve'
  | 'deposit'
  | 'reset'
  | 'capture-then-reset'
  | 'capture-then-500'
  | 'capture-then-garbage'
  | 'hang'
  | { readonly refuse: string; readonly httpStatus?: number; readonly retryAfterS?: number };

/** What the fake does with a cancel; the last one of a script repeats. */
export type CancelStep =
  | PlainCancelStep
  | { readonly after: Promise<unknown>; readonly step: PlainCancelStep };

type PlainCancelStep =
  | 'done'
  | 'reset'
  | 'hang'
  | 'done-then-reset'
  | 'done-then-500'
  | { readonly refuse: string; readonly httpStatus?: number };

export interface FakeCancel {
  readonly transactionKey: string;
  readonly cancelAmount: number;
}

export interface FakePayment {
  readonly paymentKey: string;
  readonly orderId: string;
  readonly amount: number;
  status: string;
  wasCaptured: boolean;
  transactionKey: string | null;
  readonly cancels: FakeCancel[];
  /** What confirms do, one after the other. */
  script: ConfirmStep[];
  /** What cancels do, one after the other. */
  cancelScript: CancelStep[];
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

type Window = Partial<Omit<FakePayment, 'cancels'>> & {
  paymentKey: string;
  orderId: string;
  amount: number;
};

const APPROVED_AT = '2026-03-02T10:00:00+09:00';
const CANCELLED_AT = '2026-03-02T11:00:00+09:00';
const CONFIRM_PATH = '/v1/payments/confirm';

/** Toss's wire with a script a payment, and the memory of keys that the real one has. */
export class FakeToss {
  readonly calls: FakeCall[] = [];
  /** What every call is answered with while the PG is down; null while it is not. */
  down: { readonly refuse: string; readonly httpStatus: number } | null = null;
  readonly #payments = new Map<string, FakePayment>();
  readonly #replays = new Map<string, { status: number; body: string }>();
  readonly #waiting = new Map<string, () => void>();
  readonly #server: Server;
  #captures = 0;
  url = '';

  constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('no TCP address');
    this.url = `http://127.0.0.1:${address.port}`;
    return this;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  window({ paymentKey, orderId, amount, ...over }: Window): FakePayment {
    const payment: FakePayment = {
      paymentKey,
      orderId,
      amount,
      status: 'IN_PROGRESS',
      wasCaptured: false,
      transactionKey: null,
      cancels: [],
      script: ['approve'],
      cancelScript: ['done'],
      shown: (wire) => wire,
      ...over,
    };
    this.#payments.set(paymentKey, payment);
    return payment;
  }

  confirms(paymentKey: string): FakeCall[] {
    return this.calls.filter(
      ({ path, body }) => path === CONFIRM_PATH && body.includes(`"${paymentKey}"`),
    );
  }

  cancels(paymentKey: string): FakeCall[] {
    return this.calls.filter(({ path }) => path === `/v1/payments/${paymentKey}/cancel`);
  }

  /** A cancel that somebody made at the PG, and not by the API. */
  cancelByHand(payment: FakePayment, amount: number): void {
    this.#addCancel(payment, amount);
  }

  /** Resolves once a confirm or a cancel of that payment has come in. */
  confirmed(paymentKey: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.set(paymentKey, resolve);
    return promise;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = await read(request);
    this.calls.push(call);
    if (this.down !== null) {
      refuse(response, this.down.refuse, this.down.httpStatus);
      return;
    }
    const [, , , id = '', action] = call.path.split('/');
    if (call.path === CONFIRM_PATH) {
      const { paymentKey } = JSON.parse(call.body) as { paymentKey: string };
      this.#waiting.get(paymentKey)?.();
      await this.#confirm(call, this.#payments.get(paymentKey), response);
    } else if (action === 'cancel') {
      this.#waiting.get(id)?.();
      await this.#cancel(call, this.#payments.get(id), response);
    } else {
      const payment = this.#payments.get(id);
      const shown = payment ? payment.shown(wireOf(payment)) : null;
      if (shown === null) refuse(response, 'NOT_FOUND_PAYMENT', 404);
      else send(response, 200, JSON.stringify(shown));
    }
  }

  async #confirm(call: FakeCall, payment: FakePayment | undefined, response: ServerResponse) {
    if (!payment) return refuse(response, 'NOT_FOUND_PAYMENT', 404);
    const key = call.key ?? '';
    const replay = this.#replays.get(key);
    if (replay) return send(response, replay.status, replay.body);
    const step = await settled(next(payment.script));
    if (typeof step === 'object') {
      const body = JSON.stringify({ code: step.refuse, message: step.refuse });
      this.#replays.set(key, { status: step.httpStatus ?? 400, body });
      if (step.retryAfterS !== undefined) response.setHeader('retry-after', step.retryAfterS);
      return send(response, step.httpStatus ?? 400, body);
    }
    if (step === 'reset') return response.destroy();
    if (step === 'hang') return undefined;
    if (step === 'deposit') payment.status = 'WAITING_FOR_DEPOSIT';
    else this.#capture(payment);
    const body = JSON.stringify(wireOf(payment));
    this.#replays.set(key, { status: 200, body });
    if (step === 'capture-then-reset') return response.destroy();
    if (step === 'capture-then-500') return refuse(response, 'UNKNOWN_ERROR', 500);
    return send(response, 200, step === 'capture-then-garbage' ? '<html>' : body);
  }

  #capture(payment: FakePayment): void {
    this.#captures += 1;
    payment.status = 'DONE';
    payment.wasCaptured = true;
    payment.transactionKey ??= `tx-${payment.paymentKey}-${this.#captures}`;
  }

  async #cancel(call: FakeCall, payment: FakePayment | undefined, response: ServerResponse) {
    if (!payment) return refuse(response, 'NOT_FOUND_PAYMENT', 404);
    const key = call.key ?? '';
    const replay = this.#replays.get(key);
    if (replay) return send(response, replay.status, replay.body);
    const step = await settled(next(payment.cancelScript));
    if (step === 'reset') return response.destroy();
    if (step === 'hang') return undefined;
    const asked = JSON.parse(call.body) as { cancelAmount?: number; refundableAmount?: number };
    const refusal = typeof step === 'object' ? step : refusalOf(payment, asked);
    if (refusal !== null) {
      const body = JSON.stringify({ code: refusal.refuse, message: refusal.refuse });
      this.#replays.set(key, { status: refusal.httpStatus ?? 400, body });
      return send(response, refusal.httpStatus ?? 400, body);
    }
    this.#addCancel(payment, asked.cancelAmount ?? balanceOf(payment));
    const body = JSON.stringify(wireOf(payment));
    this.#replays.set(key, { status: 200, body });
    if (step === 'done-then-reset') return response.destroy();
    if (step === 'done-then-500') return refuse(response, 'UNKNOWN_ERROR', 500);
    return send(response, 200, body);
  }

  #addCancel(payment: FakePayment, cancelAmount: number): void {
    this.#captures += 1;
    const transactionKey = `cx-${payment.paymentKey}-${this.#captures}`;
    payment.cancels.push({ transactionKey, cancelAmount });
    payment.transactionKey = transactionKey;
    payment.status = balanceOf(payment) === 0 ? 'CANCELED' : 'PARTIAL_CANCELED';
  }
}

function balanceOf({ amount, cancels }: FakePayment): number {
  return cancels.reduce((balance, { cancelAmount }) => balance - cancelAmount, amount);
}

/** Toss's rules about what may be cancelled. */
function refusalOf(
  payment: FakePayment,
  asked: { cancelAmount?: number; refundableAmount?: number },
): { refuse: string; httpStatus?: number } | null {
  const balance = balanceOf(payment);
  if (balance === 0) return { refuse: 'ALREADY_CANCELED_PAYMENT' };
  if (asked.refundableAmount !== undefined && asked.refundableAmount !== balance) {
    return { refuse: 'NOT_MATCHES_REFUNDABLE_AMOUNT' };
  }
  const isOver = (asked.cancelAmount ?? 0) > balance;
  return isOver ? { refuse: 'NOT_CANCELABLE_AMOUNT', httpStatus: 403 } : null;
}

function next<Step>(script: Step[]): Step {
  const [step] = script;
  if (step === undefined) throw new Error('the script is empty');
  if (script.length > 1) script.shift();
  return step;
}

async function settled<Plain>(
  step: Plain | { readonly after: Promise<unknown>; readonly step: Plain },
): Promise<Plain> {
  if (typeof step !== 'object' || step === null || !('after' in step)) return step as Plain;
  await step.after;
  return step.step;
}

function wireOf(payment: FakePayment): Record<string, unknown> {
  return {
    paymentKey: payment.paymentKey,
    orderId: payment.orderId,
    status: payment.status,
    currency: 'KRW',
    totalAmount: payment.amount,
    balanceAmount: balanceOf(payment),
    approvedAt: payment.wasCaptured ? APPROVED_AT : null,
    lastTransactionKey: payment.transactionKey,
    method: '카드',
    card: { issuerCode: '61', acquirerCode: '31', number: '433012******1234', cardType: '신용' },
    cancels: payment.cancels.map((cancel) => ({ ...cancel, canceledAt: CANCELLED_AT })),
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
