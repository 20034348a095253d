import { type HttpErrorCode, ProblemError } from '@mini-pg/runtime';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Deps } from '../deps.ts';
import { BODY_PROBLEMS, problemResponses } from '../http/problems.ts';
import { idParamsSchema, keyedHeadersSchema } from '../http/schemas.ts';
import { readIdempotencyKey, readWaitSeconds } from '../intake/idempotency-key.ts';
import { readPayment } from '../payments/repository.ts';
import type { Principal } from '../principal.ts';
import { cancelFingerprint, createCancelSchema } from './cancel-request.ts';
import { type CancelView, cancelSchema, renderCancel } from './cancel-view.ts';
import type { CancelAuthor } from './cancels.ts';

const PAYMENTS = '/api/v1/payments';
const ADMIN_PAYMENTS = '/api/v1/admin/payments';
const JSON_TYPE = 'application/json; charset=utf-8';

const cancelParamsSchema = z.object({ id: z.uuid(), cancelId: z.uuid() });

const CREATE_DESCRIPTION =
  'Cancels the given amount, or all that may still be cancelled. Answers 202 when the cancel is ' +
  'stored, or 201 when it is `DONE` or `FAILED` within the wait. Its amount is reserved from then ' +
  'on, and given back if it fails. A repeat with the same key and body gets the first answer again.';

const CREATE_PROBLEMS = [
  ...BODY_PROBLEMS,
  'IDEMPOTENCY_KEY_MISSING',
  'IDEMPOTENCY_KEY_INVALID',
  'INVALID_ID',
  'NOT_FOUND',
  'IDEMPOTENCY_KEY_IN_USE',
  'PAYMENT_NOT_CANCELABLE',
  'PAYMENT_NOT_APPROVED',
  'BALANCE_CHANGED',
  'IDEMPOTENCY_KEY_REUSED',
  'AMOUNT_EXCEEDS_BALANCE',
  'RESULT_UNKNOWN',
] as const satisfies readonly HttpErrorCode[];

/** Cancelling payments, as their merchant and as an operator, and reading one cancel. */
export function registerCancelRoutes(instance: FastifyInstance, deps: Deps): void {
  registerCreate(instance, deps, {
    path: PAYMENTS,
    summary: 'Cancel a payment',
    description: `${CREATE_DESCRIPTION} A suspended merchant may cancel, too.`,
    authorOf: ({ principal }) => ({ kind: 'MERCHANT', principal }),
    problems: [],
  });
  registerCreate(instance, deps, {
    path: ADMIN_PAYMENTS,
    summary: 'Cancel the payment of a merchant',
    description: `${CREATE_DESCRIPTION} The key is the operator's own, and who made it is recorded.`,
    authorOf: ({ operator }) => ({ kind: 'OPERATOR', name: operator.name }),
    problems: ['FORBIDDEN'],
  });
  registerRead(instance, deps, PAYMENTS, ({ principal }) => principal);
  registerRead(instance, deps, ADMIN_PAYMENTS, () => null);
}

interface CreateRoute {
  readonly path: string;
  readonly summary: string;
  readonly description: string;
  readonly authorOf: (request: FastifyRequest) => CancelAuthor;
  readonly problems: readonly HttpErrorCode[];
}

function registerCreate(instance: FastifyInstance, deps: Deps, route: CreateRoute): void {
  instance.withTypeProvider<ZodTypeProvider>().post(
    `${route.path}/:id/cancels`,
    {
      schema: {
        tags: ['payments'],
        summary: route.summary,
        description: route.description,
        headers: keyedHeadersSchema,
        params: idParamsSchema,
        body: createCancelSchema,
        response: {
          201: cancelSchema,
          202: cancelSchema,
          ...problemResponses(...CREATE_PROBLEMS, ...route.problems),
        },
      },
    },
    async (request, reply) => {
      const paymentId = request.params.id.toLowerCase();
      const path = `${route.path}/${paymentId}/cancels`;
      const answer = await deps.cancels.take({
        author: route.authorOf(request),
        paymentId,
        idempotencyKey: readIdempotencyKey(request.headers['idempotency-key']),
        fingerprint: cancelFingerprint(path, request.body),
        body: request.body,
        waitSeconds: readWaitSeconds(request.headers.prefer),
        traceparent: request.trace.traceparent,
      });
      reply.code(answer.status).header('location', `${path}/${answer.resource}`);
      if (answer.replayed) reply.header('idempotent-replayed', 'true');
      return reply.type(JSON_TYPE).send(answer.body as never);
    },
  );
}

function registerRead(
  instance: FastifyInstance,
  deps: Deps,
  path: string,
  ownerOf: (request: FastifyRequest) => Principal | null,
): void {
  instance.withTypeProvider<ZodTypeProvider>().get(
    `${path}/:id/cancels/:cancelId`,
    {
      schema: {
        tags: ['payments'],
        summary: 'Read a cancel',
        params: cancelParamsSchema,
        response: { 200: cancelSchema, ...problemResponses('INVALID_ID', 'NOT_FOUND') },
      },
    },
    async (request) => {
      const { id, cancelId } = request.params;
      return readCancel(deps, ownerOf(request), id, cancelId.toLowerCase());
    },
  );
}

/**
 * A cancel as it is. The status cache is passed by: a cancel that was just taken must be found.
 *
 * @param owner null for an operator, who may read any
 * @throws ProblemError NOT_FOUND, also for another merchant's or mode's payment
 */
async function readCancel(
  deps: Pick<Deps, 'pool'>,
  owner: Principal | null,
  paymentId: string,
  cancelId: string,
): Promise<CancelView> {
  const payment = await readPayment(deps.pool, paymentId);
  const mine =
    owner === null ||
    (payment?.merchant_id === owner.merchantId && payment.livemode === owner.livemode);
  const cancel = payment !== null && mine ? renderCancel(cancelId, payment.facts) : null;
  if (cancel === null) throw new ProblemError('NOT_FOUND');
  return cancel;
}
