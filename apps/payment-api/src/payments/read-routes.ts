import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { Deps } from '../deps.ts';
import { problemResponses } from '../http/problems.ts';
import { idParamsSchema, pageSchema } from '../http/schemas.ts';
import { listPayments, listPaymentsSchema } from './list.ts';
import { readTimeline, timelineSchema } from './timeline.ts';
import { paymentSchema } from './view.ts';

const PAYMENTS = '/api/v1/payments';

/** Reading many payments, and the way of one. */
export async function registerReadRoutes(
  instance: FastifyInstance,
  deps: Pick<Deps, 'pool' | 'database'>,
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();

  app.get(
    PAYMENTS,
    {
      schema: {
        tags: ['payments'],
        summary: 'List payments',
        description:
          'The newest first. Go on with `nextCursor` until it is null: a page of a status that is ' +
          'rare may hold fewer than `limit`.',
        querystring: listPaymentsSchema,
        response: {
          200: pageSchema(paymentSchema),
          ...problemResponses('VALIDATION_FAILED', 'INVALID_CURSOR'),
        },
      },
    },
    async (request) => listPayments(deps, request.principal, request.query),
  );

  app.get(
    `${PAYMENTS}/:id/timeline`,
    {
      schema: {
        tags: ['payments'],
        summary: 'Read what happened to a payment',
        description: 'Every step with its time, service, event id and trace id.',
        params: idParamsSchema,
        response: { 200: timelineSchema, ...problemResponses('INVALID_ID', 'NOT_FOUND') },
      },
    },
    async (request) => ({ data: await readTimeline(deps, request.principal, request.params.id) }),
  );
}
