import type { PaymentSource, UnifiedCode } from '@mini-pg/domain';
import { z } from 'zod';
import type {
  ApproveRequest,
  CancelAnswer,
  CancelRequest,
  Gateway,
  GatewayCall,
  GatewayCapability,
  InquireRequest,
  NetCancelAnswer,
  PgAnswer,
  PgCancel,
  PgEvidence,
  PgFailure,
  PgPayment,
  PgPaymentState,
  SourceIdentity,
  WebhookVerdict,
} from '../../gateway.ts';
import type { Exchange } from '../../http-exchange.ts';
import { type Operation, TAXONOMY, unlistedCode } from '../../taxonomy.ts';
import { TRANSPORT_DEFAULTS, Transport } from '../../transport.ts';

/** Facts of a PG that has no keys and a net-cancel for an hour. */
export const NET_CANCEL_CAPABILITY: GatewayCapability = {
  approveIdempotent: false,
  cancelIdempotent: false,
  idempotencyKeyLifetimeMs: 0,
  idempotencyKeyLengthMax: 0,
  inquireBy: ['PAYMENT'],
  visibilityDelayMs: 0,
  executionTimeMaxMs: 30_000,
  inquiryScheduleMs: [1_000, 5_000, 30_000, 120_000, 600_000],
  ladders: {
    APPROVE: ['NET_CANCEL', 'INQUIRE', 'CANCEL', 'EXCEPTION'],
    CANCEL: ['INQUIRE', 'EXCEPTION'],
    NET_CANCEL: ['INQUIRE', 'NET_CANCEL', 'CANCEL', 'EXCEPTION'],
  },
  netCancel: { windowMs: 3_600_000, idempotent: false },
  partialCancel: false,
  currencies: ['KRW'],
  webhooks: 'NONE',
};

const MEANINGS: Readonly<Record<string, UnifiedCode>> = {
  '120032': 'CARD_DECLINED',
  '500050': 'PROVIDER_UNAVAILABLE',
  '500610': 'AMOUNT_MISMATCH',
  '500619': 'ALREADY_PROCESSED',
  '500623': 'NOT_FOUND',
  '500624': 'NOT_CANCELABLE',
};

const STATES = {
  AUTHENTICATED: 'IN_PROGRESS',
  PAID: 'PAID',
  CANCELLED: 'CANCELLED',
  FAILED: 'FAILED',
} as const satisfies Record<string, PgPaymentState>;

const answerSchema = z.object({
  resultCode: z.string(),
  payment: z
    .object({
      tid: z.string(),
      oid: z.string(),
      price: z.int(),
      status: z.enum(['AUTHENTICATED', 'PAID', 'CANCELLED', 'FAILED']),
      applNum: z.string().nullable(),
      applDate: z.string().nullable(),
      cancelNum: z.string().nullable(),
      cancelDate: z.string().nullable(),
    })
    .nullable(),
});

type Wire = NonNullable<z.infer<typeof answerSchema>['payment']>;

type Read =
  | { readonly kind: 'DONE'; readonly wire: Wire | null; readonly evidence: PgEvidence }
  | PgFailure;

/** Speaks to {@link NetCancelPg}: for tests of what a PG with a net-cancel needs. */
export class NetCancelGateway implements Gateway {
  readonly pg = 'inicis';
  readonly capability: GatewayCapability;
  readonly #transport = new Transport(TRANSPORT_DEFAULTS);

  constructor(capability: Partial<GatewayCapability> = {}) {
    this.capability = { ...NET_CANCEL_CAPABILITY, ...capability };
  }

  sourceOf({ paymentKey }: PaymentSource): SourceIdentity {
    return { sourceKey: paymentKey, pgPaymentId: paymentKey };
  }

  async approve(request: ApproveRequest, call: GatewayCall): Promise<PgAnswer> {
    return shown('APPROVE', await this.#send('APPROVE', '/approve', formOf(request), call));
  }

  async inquire(request: InquireRequest, call: GatewayCall): Promise<PgAnswer> {
    const tid = request.by === 'PAYMENT' ? request.pgPaymentId : '';
    return shown('INQUIRE', await this.#send('INQUIRE', '/inquiry', { tid }, call));
  }

  async cancel(request: CancelRequest, call: GatewayCall): Promise<CancelAnswer> {
    const { pgPaymentId: tid, reason: msg } = request;
    const answer = shown('CANCEL', await this.#send('CANCEL', '/refund', { tid, msg }, call));
    if (answer.kind !== 'PAYMENT') return answer;
    return { ...answer, cancel: answer.payment.cancels[0] ?? null };
  }

  async netCancel(request: ApproveRequest, call: GatewayCall): Promise<NetCancelAnswer> {
    const read = await this.#send('NET_CANCEL', '/netCancel', formOf(request), call);
    if (read.kind !== 'DONE') return read;
    const payment = read.wire && paymentOf(read.wire);
    const cancel = payment?.cancels[0];
    const shown = payment && cancel ? { payment, cancel } : null;
    return { kind: 'UNDONE', shown, evidence: read.evidence };
  }

  verifyWebhook(): WebhookVerdict {
    return { kind: 'REJECTED', reason: 'this PG has no webhooks' };
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  async #send(
    operation: Operation,
    path: string,
    form: Record<string, string>,
    call: GatewayCall,
  ): Promise<Read> {
    const exchange = await this.#transport.send({
      method: 'POST',
      origin: call.account.baseUrl,
      path,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ mid: call.account.pgAccountId, ...form }).toString(),
      connectMs: call.timeouts.connectMs,
      readMs: call.timeouts.readMs,
      maySend: call.maySend,
    });
    return readExchange(operation, exchange);
  }
}

/** A net-cancel is told by the same form as the approval that it undoes. */
function formOf({ source, pgOrderId, amount }: ApproveRequest): Record<string, string> {
  return { tid: source.paymentKey, oid: pgOrderId, price: amount.toString() };
}

function readExchange(operation: Operation, exchange: Exchange): Read {
  const { latencyMs } = exchange;
  const httpStatus = exchange.kind === 'ANSWER' ? exchange.httpStatus : null;
  const evidence: PgEvidence = { httpStatus, pgTraceId: null, latencyMs, rawStatus: null };
  switch (exchange.kind) {
    case 'ANSWER':
      return readAnswer(operation, exchange.body, evidence);
    case 'NOT_SENT': {
      const { reason, message } = exchange;
      const error = { code: 'PROVIDER_UNAVAILABLE', pgCode: null, message } as const;
      return { kind: 'NOT_SENT', reason, error, evidence };
    }
    case 'NO_ANSWER':
      return { kind: 'NO_ANSWER', error: unclear(operation, exchange.message), evidence };
    case 'BROKEN':
      return { kind: 'UNKNOWN', error: unclear(operation, exchange.message), evidence };
    default:
      return exchange satisfies never;
  }
}

function readAnswer(operation: Operation, body: string, evidence: PgEvidence): Read {
  const answer = answerSchema.safeParse(parseJson(body));
  if (!answer.success || evidence.httpStatus !== 200) {
    return { kind: 'UNKNOWN', error: unclear(operation, 'an unreadable answer'), evidence };
  }
  const { resultCode, payment } = answer.data;
  const rawStatus = payment?.status ?? null;
  if (resultCode === '0000') {
    return { kind: 'DONE', wire: payment, evidence: { ...evidence, rawStatus } };
  }
  const code = MEANINGS[resultCode] ?? unlistedCode(operation);
  const error = { code, pgCode: resultCode, message: `the PG says ${resultCode}` };
  return { kind: TAXONOMY[code].certain ? 'REFUSED' : 'UNKNOWN', error, evidence };
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function unclear(operation: Operation, message: string) {
  return { code: unlistedCode(operation), pgCode: null, message };
}

function shown(operation: Operation, read: Read): PgAnswer {
  if (read.kind !== 'DONE') return read;
  const { wire, evidence } = read;
  if (wire === null) {
    return { kind: 'UNKNOWN', error: unclear(operation, 'no payment is shown'), evidence };
  }
  return { kind: 'PAYMENT', state: STATES[wire.status], payment: paymentOf(wire), evidence };
}

const METHOD = {
  type: 'CARD',
  issuer: null,
  acquirer: null,
  cardType: null,
  ownerType: null,
  installmentMonths: null,
  interestFree: null,
  approveNo: null,
  maskedNumber: null,
} as const;

function paymentOf(wire: Wire): PgPayment {
  const amount = BigInt(wire.price);
  return {
    pgPaymentId: wire.tid,
    pgOrderId: wire.oid,
    pgTransactionId: wire.applNum,
    amount,
    balanceAmount: wire.status === 'PAID' ? amount : 0n,
    currency: 'KRW',
    methodDetail: METHOD,
    approvedAt: wire.applDate === null ? null : timeOf(wire.applDate),
    failure: null,
    cancels: cancelsOf(wire, amount),
  };
}

function cancelsOf({ cancelNum, cancelDate }: Wire, amount: bigint): PgCancel[] {
  if (cancelNum === null || cancelDate === null) return [];
  return [{ pgTransactionId: cancelNum, amount, at: timeOf(cancelDate) }];
}

/** `yyyyMMddHHmmss` in Korea as RFC 3339 UTC. */
function timeOf(text: string): string {
  const iso = text.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/, '$1-$2-$3T$4:$5:$6+09:00');
  return new Date(iso).toISOString();
}
