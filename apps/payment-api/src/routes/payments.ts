import { ProblemError } from '@mini-pg/runtime';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Deps } from '../deps.ts';
import { BODY_PROBLEMS, problemResponses } from '../http/problems.ts';
import { idParamsSchema, keyedHeadersSchema } from '../http/schemas.ts';
import { readIdempotencyKey, readWaitSeconds } from '../intake/idempotency-key.ts';
import { readPaymentBody } from '../payments/reader.ts';
import { createPaymentSchema, fingerprintOf } from '../payments/request.ts';
import { paymentSchema } from '../payments/view.ts';

const PAYMENTS = '/api/v1/payments';
const JSON_TYPE = 'application/json; charset=utf-8';

/** Taking and reading a payment: the hot paths, whose answers are sent as prepared strings. */
export function registerPaymentRoutes(instance: FastifyInstance, deps: Deps): void {
  const app = instance.withTypeProvider<ZodTypeProvider>();

  app.post(
    PAYMENTS,
    {
      schema: {
        tags: ['payments'],
        summary: 'Request a payment',
        description:
          'Answers 202 when the payment is stored, or 201 when it reached its outcome within the ' +
          'wait. A repeat with the same key and body gets the first answer again.',
        headers: keyedHeadersSchema,
        body: createPaymentSchema,
        response: {
          201: paymentSchema,
          202: paymentSchema,
          ...problemResponses(
            ...BODY_PROBLEMS,
            'IDEMPOTENCY_KEY_MISSING',
            'IDEMPOTENCY_KEY_INVALID',
            'MERCHANT_SUSPENDED',
            'IDEMPOTENCY_KEY_IN_USE',
            'ORDER_ALREADY_ACTIVE',
            'IDEMPOTENCY_KEY_REUSED',
            'PG_NOT_AVAILABLE',
            'RESULT_UNKNOWN',
          ),
        },
      },
    },
    async (request, reply) => {
      const { principal } = request;
      if (principal.suspended) throw new ProblemError('MERCHANT_SUSPENDED');
      const answer = await deps.intake.take({
        principal,
        idempotencyKey: readIdempotencyKey(request.headers['idempotency-key']),
        fingerprint: fingerprintOf(PAYMENTS, request.body),
        body: request.body,
        waitSeconds: readWaitSeconds(request.headers.prefer),
        traceparent: request.trace.traceparent,
        waitedMs: request.waitedMs,
      });
      reply.code(answer.status).header('location', `${PAYMENTS}/${answer.paymentId}`);
      if (answer.replayed) reply.header('idempotent-replayed', 'true');
      return reply.type(JSON_TYPE).send(answer.body as never);
    },
  );

  app.get(
    `${PAYMENTS}/:id`,
    {
      schema: {
        tags: ['payments'],
        summary: 'Read a payment',
        params: idParamsSchema,
        response: { 200: paymentSchema, ...problemResponses('INVALID_ID', 'NOT_FOUND') },
      },
    },
    async (request, reply) => {
      const body = await readPaymentBody(deps, request.principal, request.params.id);
      return reply.type(JSON_TYPE).send(body as never);
    },
  );
}
