import type { PaymentSource } from '@mini-pg/domain';
import type { Secret } from '@mini-pg/runtime';
import type {
  ApproveRequest,
  CancelAnswer,
  CancelRequest,
  Gateway,
  GatewayCall,
  InquireRequest,
  PaymentAnswer,
  PgAnswer,
  PgEvidence,
  PgFailure,
  SourceIdentity,
  WebhookRequest,
  WebhookVerdict,
} from '../gateway.ts';
import type { Exchange } from '../http-exchange.ts';
import { retryAfterMsOf } from '../retry-after.ts';
import { type Operation, unlistedCode } from '../taxonomy.ts';
import { Transport } from '../transport.ts';
import { TOSS_CAPABILITY, type TossConfig } from './toss-config.ts';
import { latestCancelOf, paymentOf, readError, stateOf } from './toss-mapping.ts';
import { verifyTossWebhook } from './toss-webhook.ts';
import {
  type TossCancelBody,
  type TossConfirmBody,
  type TossPayment,
  tossErrorSchema,
  tossPaymentSchema,
} from './toss-wire.ts';

interface TossCall {
  readonly operation: Operation;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body: string | null;
}

type ReadAnswer = (PaymentAnswer & { readonly wire: TossPayment }) | PgFailure;

/** Toss Payments over its real wire (docs.tosspayments.com/reference). */
export class TossGateway implements Gateway {
  readonly pg = 'toss';
  readonly capability = TOSS_CAPABILITY;
  readonly #config: TossConfig;
  readonly #transport: Transport;

  constructor(config: TossConfig) {
    this.#config = config;
    this.#transport = new Transport(config.transport);
  }

  sourceOf(source: PaymentSource): SourceIdentity {
    return { sourceKey: source.paymentKey, pgPaymentId: source.paymentKey };
  }

  async approve(request: ApproveRequest, call: GatewayCall): Promise<PgAnswer> {
    const { source, pgOrderId, amount, currency } = request;
    if (source.pg !== 'toss') return unsendable(`a ${source.pg} source is not for Toss`);
    if (!isSayable(amount, currency)) return unsendable(`Toss is not told ${amount} ${currency}`);
    const body: TossConfirmBody = {
      paymentKey: source.paymentKey,
      orderId: pgOrderId,
      amount: Number(amount),
    };
    const path = '/v1/payments/confirm';
    const answer = await this.#send(
      { operation: 'APPROVE', method: 'POST', path, body: JSON.stringify(body) },
      call,
    );
    return withoutWire(answer);
  }

  async inquire(request: InquireRequest, call: GatewayCall): Promise<PgAnswer> {
    const id = segment(request.by === 'PAYMENT' ? request.pgPaymentId : request.pgOrderId);
    if (id === null) return unsendable('the id cannot stand in a path');
    const path = request.by === 'PAYMENT' ? `/v1/payments/${id}` : `/v1/payments/orders/${id}`;
    const answer = await this.#send(
      { operation: 'INQUIRE', method: 'GET', path, body: null },
      call,
    );
    return withoutWire(answer);
  }

  async cancel(request: CancelRequest, call: GatewayCall): Promise<CancelAnswer> {
    const { amount, remainingBefore, currency } = request;
    const id = segment(request.pgPaymentId);
    if (id === null) return unsendable('the payment id cannot stand in a path');
    for (const part of [amount ?? 1n, remainingBefore ?? 1n]) {
      if (!isSayable(part, currency)) return unsendable(`Toss is not told ${part} ${currency}`);
    }
    const path = `/v1/payments/${id}/cancel`;
    const body = JSON.stringify(cancelBody(request));
    const answer = await this.#send({ operation: 'CANCEL', method: 'POST', path, body }, call);
    if (answer.kind !== 'PAYMENT') return answer;
    const { wire, ...rest } = answer;
    return { ...rest, cancel: latestCancelOf(wire) };
  }

  verifyWebhook(request: WebhookRequest, secret: Secret | null): WebhookVerdict {
    return verifyTossWebhook(request, secret, this.#config.webhook);
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  async #send(request: TossCall, call: GatewayCall): Promise<ReadAnswer> {
    const key = request.method === 'POST' ? call.idempotencyKey : null;
    if (key !== null && !IDEMPOTENCY_KEY.test(key)) {
      return unsendable('the idempotency key must be 1 to 300 visible ASCII characters');
    }
    const base = call.account.baseUrl.replace(/\/+$/, '');
    const { origin, prefix } = splitBase(base);
    const exchange = await this.#transport.send({
      method: request.method,
      origin,
      path: `${prefix}${request.path}`,
      headers: headersOf(call, key, request.body !== null),
      body: request.body,
      connectMs: call.timeouts.connectMs,
      readMs: call.timeouts.readMs,
      maySend: call.maySend,
    });
    return readExchange(request.operation, exchange);
  }
}

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,300}$/;
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const TRACE_ID_HEADER = 'x-tosspayments-trace-id';
const CANCEL_REASON_LENGTH_MAX = 200;

function splitBase(base: string): { origin: string; prefix: string } {
  const path = base.indexOf('/', base.indexOf('://') + '://'.length);
  return path < 0
    ? { origin: base, prefix: '' }
    : { origin: base.slice(0, path), prefix: base.slice(path) };
}

function headersOf(call: GatewayCall, key: string | null, hasBody: boolean) {
  const credentials = Buffer.from(`${call.account.secret.reveal()}:`).toString('base64');
  const headers: Record<string, string> = {
    authorization: `Basic ${credentials}`,
    accept: 'application/json',
  };
  if (hasBody) headers['content-type'] = 'application/json';
  if (key !== null) headers['idempotency-key'] = key;
  if (call.traceparent !== undefined && TRACEPARENT.test(call.traceparent)) {
    headers.traceparent = call.traceparent;
  }
  return headers;
}

function cancelBody(request: CancelRequest): TossCancelBody {
  const { amount, remainingBefore, taxFreeAmount } = request;
  return {
    cancelReason: [...request.reason].slice(0, CANCEL_REASON_LENGTH_MAX).join(''),
    ...(amount !== null && { cancelAmount: Number(amount) }),
    ...(remainingBefore !== null && { refundableAmount: Number(remainingBefore) }),
    ...(taxFreeAmount > 0n && { taxFreeAmount: Number(taxFreeAmount) }),
  };
}

function isSayable(amount: bigint, currency: string): boolean {
  const isListed = TOSS_CAPABILITY.currencies.includes(currency);
  return isListed && amount > 0n && amount <= BigInt(Number.MAX_SAFE_INTEGER);
}

/** An id as one segment of a path; null where a server could read it as a step up. */
function segment(id: string): string | null {
  return id === '' || /^\.+$/.test(id) ? null : encodeURIComponent(id);
}

function readExchange(operation: Operation, exchange: Exchange): ReadAnswer {
  const evidence = evidenceOf(exchange);
  switch (exchange.kind) {
    case 'ANSWER':
      return withRetryAfter(
        readAnswer(operation, exchange.httpStatus, exchange.body, evidence),
        retryAfterMsOf(exchange.headers),
      );
    case 'NOT_SENT': {
      const { reason, message } = exchange;
      const code = reason === 'UNSENDABLE' ? 'INVALID_REQUEST' : 'PROVIDER_UNAVAILABLE';
      return { kind: 'NOT_SENT', reason, error: { code, pgCode: null, message }, evidence };
    }
    case 'NO_ANSWER':
    case 'BROKEN': {
      const kind = exchange.kind === 'BROKEN' ? 'UNKNOWN' : 'NO_ANSWER';
      return { kind, error: unclear(operation, exchange.message), evidence };
    }
    default:
      return exchange satisfies never;
  }
}

function readAnswer(
  operation: Operation,
  httpStatus: number,
  body: string,
  evidence: PgEvidence,
): ReadAnswer {
  const json = parseJson(body);
  if (httpStatus === 200) {
    const wire = tossPaymentSchema.safeParse(json);
    if (wire.success) {
      const state = stateOf(wire.data);
      const payment = paymentOf(wire.data);
      const rawStatus = wire.data.status;
      return {
        kind: 'PAYMENT',
        state,
        payment,
        evidence: { ...evidence, rawStatus },
        wire: wire.data,
      };
    }
    const issue = wire.error.issues[0];
    const message = `unreadable payment: ${issue?.path.join('.')}: ${issue?.message}`;
    return { kind: 'UNKNOWN', error: unclear(operation, message), evidence };
  }
  const problem = tossErrorSchema.safeParse(json);
  const { error, certain } = readError(operation, httpStatus, problem.data ?? null);
  return { kind: certain ? 'REFUSED' : 'UNKNOWN', error, evidence };
}

function withRetryAfter(answer: ReadAnswer, retryAfterMs: number | null): ReadAnswer {
  if (retryAfterMs === null || !('error' in answer)) return answer;
  return { ...answer, error: { ...answer.error, retryAfterMs } };
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function evidenceOf(exchange: Exchange): PgEvidence {
  const answered = exchange.kind === 'ANSWER' || exchange.kind === 'BROKEN';
  const traceId = answered ? exchange.headers[TRACE_ID_HEADER] : undefined;
  return {
    httpStatus: answered ? exchange.httpStatus : null,
    pgTraceId: (Array.isArray(traceId) ? traceId[0] : traceId) ?? null,
    latencyMs: exchange.latencyMs,
    rawStatus: null,
  };
}

function unclear(operation: Operation, message: string) {
  return { code: unlistedCode(operation), pgCode: null, message };
}

function unsendable(message: string): PgFailure {
  return {
    kind: 'NOT_SENT',
    reason: 'UNSENDABLE',
    error: { code: 'INVALID_REQUEST', pgCode: null, message },
    evidence: { httpStatus: null, pgTraceId: null, latencyMs: 0, rawStatus: null },
  };
}

function withoutWire(answer: ReadAnswer): PgAnswer {
  if (answer.kind !== 'PAYMENT') return answer;
  const { wire: _, ...rest } = answer;
  return rest;
}
