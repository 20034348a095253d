import type { Socket } from 'node:net';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { SimClock } from '../sim-clock.ts';
import type { TossAccount, TossAuth } from './toss-auth.ts';
import { isTossErrorCode, type TossErrorCode, TossRefusal } from './toss-errors.ts';
import { KEY_LENGTH_MAX, type StoredAnswer } from './toss-idempotency.ts';
import { refusalAnswer } from './toss-payments.ts';
import type { Delivery, TossService } from './toss-service.ts';
import { viewOf } from './toss-view.ts';

export interface TossRoutesDeps {
  readonly clock: SimClock;
  readonly auth: TossAuth;
  readonly service: TossService;
  /** Connections that are left without an answer until the client or the simulator ends. */
  readonly held: Set<Socket>;
}

const JSON_TYPE = 'application/json;charset=UTF-8';
const TRACE_HEADER = 'x-tosspayments-trace-id';

const confirmSchema = z.object({
  paymentKey: z.string().min(1).max(200),
  orderId: z.string().regex(/^[A-Za-z0-9_=-]{6,64}$/),
  amount: z.int().min(1),
});

const cancelSchema = z.object({
  cancelReason: z.string().min(1).max(200),
  cancelAmount: z.int().min(1).optional(),
  refundableAmount: z.int().min(0).optional(),
  taxFreeAmount: z.int().min(0).optional(),
});

/** Toss's paths, as they are at `https://api.tosspayments.com`. */
export function tossRoutes(deps: TossRoutesDeps) {
  const { auth, service } = deps;
  const deliver = (reply: FastifyReply, delivery: Delivery) => deliverTo(deps, reply, delivery);

  return async (app: FastifyInstance): Promise<void> => {
    app.addHook('onRequest', (_request, reply, done) => {
      reply.header(TRACE_HEADER, nextTraceId());
      done();
    });
    app.setErrorHandler((error: FastifyError, _request, reply) => {
      send(deps, reply, refusalAnswer(codeOf(error)));
    });
    app.setNotFoundHandler((_request, reply) => {
      send(deps, reply, refusalAnswer('NOT_FOUND'));
    });

    app.post('/payments/confirm', async (request, reply) => {
      const account = auth.accountOf(request.headers.authorization);
      refuseForTest(request, account);
      const scope = scopeOf(request, account);
      const delivery = await service.once(scope, async () =>
        service.confirm(read(confirmSchema, request.body), scope),
      );
      return deliver(reply, delivery);
    });

    app.post<{ Params: { paymentKey: string } }>(
      '/payments/:paymentKey/cancel',
      async (request, reply) => {
        const account = auth.accountOf(request.headers.authorization);
        refuseForTest(request, account);
        const scope = scopeOf(request, account);
        const { paymentKey } = request.params;
        const delivery = await service.once(scope, async () =>
          service.cancel(paymentKey, read(cancelSchema, request.body), scope),
        );
        return deliver(reply, delivery);
      },
    );

    app.get<{ Params: { paymentKey: string } }>('/payments/:paymentKey', async (request, reply) => {
      auth.accountOf(request.headers.authorization);
      return deliver(reply, await service.read(request.params.paymentKey));
    });

    app.get<{ Params: { orderId: string } }>(
      '/payments/orders/:orderId',
      async (request, reply) => {
        auth.accountOf(request.headers.authorization);
        return deliver(reply, await service.readByOrder(request.params.orderId));
      },
    );
  };
}

/** `TossPayments-Test-Code` forces its error on test keys and is ignored on live ones. */
function refuseForTest(request: FastifyRequest, account: TossAccount): void {
  const code = request.headers['tosspayments-test-code'];
  if (!account.isTest || typeof code !== 'string') return;
  throw new TossRefusal(isTossErrorCode(code) ? code : 'INVALID_REQUEST');
}

/** Key, API key, URL and method; null without a key. */
function scopeOf(request: FastifyRequest, account: TossAccount): string | null {
  const key = request.headers['idempotency-key'];
  if (typeof key !== 'string' || key === '') return null;
  if (key.length > KEY_LENGTH_MAX) throw new TossRefusal('INVALID_IDEMPOTENCY_KEY');
  return `${account.keyId} ${request.method} ${request.url} ${key}`;
}

function read<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const [field] = result.error.issues[0]?.path ?? [];
  const isMissing = typeof field === 'string' && !Object.hasOwn(Object(body) as object, field);
  if (isMissing) throw new TossRefusal('INVALID_REQUIRED_PARAM');
  throw new TossRefusal(field === 'orderId' ? 'INVALID_ORDER_ID' : 'INVALID_REQUEST');
}

function codeOf(error: FastifyError): TossErrorCode {
  if (error instanceof TossRefusal) return error.code;
  const isOurs = error.statusCode === undefined || error.statusCode >= 500;
  return isOurs ? 'UNKNOWN_ERROR' : 'INVALID_REQUEST';
}

function deliverTo(deps: TossRoutesDeps, reply: FastifyReply, delivery: Delivery): FastifyReply {
  const { socket } = reply.raw;
  switch (delivery.kind) {
    case 'SEND':
      return send(deps, reply, delivery.answer);
    case 'CUT':
      reply.hijack();
      socket?.resetAndDestroy();
      return reply;
    case 'PARTIAL': {
      reply.hijack();
      const text = textOf(deps, delivery.answer);
      reply.raw.writeHead(200, {
        'content-type': JSON_TYPE,
        'content-length': Buffer.byteLength(text),
      });
      reply.raw.write(text.slice(0, text.length / 2), () => socket?.destroy());
      return reply;
    }
    case 'HANG':
      reply.hijack();
      if (socket) hold(deps.held, socket, delivery.onGone);
      return reply;
    default:
      return delivery satisfies never;
  }
}

function hold(held: Set<Socket>, socket: Socket, onGone: () => void): void {
  held.add(socket);
  socket.once('close', () => {
    held.delete(socket);
    onGone();
  });
}

function send(deps: TossRoutesDeps, reply: FastifyReply, answer: StoredAnswer): FastifyReply {
  const status = answer.kind === 'TEXT' ? answer.status : 200;
  return reply.code(status).header('content-type', JSON_TYPE).send(textOf(deps, answer));
}

function textOf({ clock }: TossRoutesDeps, answer: StoredAnswer): string {
  if (answer.kind === 'TEXT') return answer.text;
  return JSON.stringify(viewOf(answer.payment, answer.cancels, clock.nowMs()));
}

let traces = 0;
const TRACE_START = `${Date.now().toString(16).padStart(12, '0')}${process.pid.toString(16).padStart(8, '0')}`;

function nextTraceId(): string {
  traces += 1;
  return TRACE_START + traces.toString(16).padStart(12, '0');
}
