import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { BODY_PROBLEMS, problemResponses } from '../http/problems.ts';
import { idParamsSchema } from '../http/schemas.ts';
import {
  createdKeySchema,
  createdMerchantSchema,
  createKeySchema,
  createMerchantSchema,
  keyParamsSchema,
  merchantSchema,
  updateMerchantSchema,
} from './merchant-schemas.ts';
import {
  type Author,
  changeMerchant,
  createKey,
  deleteKey,
  type MerchantDeps,
  readMerchant,
  registerMerchant,
} from './merchants.ts';

const MERCHANTS = '/api/v1/admin/merchants';

/** What operators do with merchants, their terms and their keys. */
export async function registerMerchantRoutes(
  instance: FastifyInstance,
  deps: MerchantDeps,
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();

  app.post(
    MERCHANTS,
    {
      schema: {
        tags: ['merchants'],
        summary: 'Register a merchant',
        description: 'Answers its first key, a live one, whose secret is shown this once.',
        body: createMerchantSchema,
        response: {
          201: createdMerchantSchema,
          ...problemResponses(...BODY_PROBLEMS, 'FORBIDDEN', 'RESULT_UNKNOWN'),
        },
      },
    },
    async (request, reply) => {
      const created = await registerMerchant(deps, authorOf(request), request.body);
      return reply.code(201).header('location', `${MERCHANTS}/${created.id}`).send(created);
    },
  );

  app.get(
    `${MERCHANTS}/:id`,
    {
      schema: {
        tags: ['merchants'],
        summary: 'Read a merchant',
        params: idParamsSchema,
        response: { 200: merchantSchema, ...problemResponses('INVALID_ID', 'NOT_FOUND') },
      },
    },
    async (request) => readMerchant(deps, request.params.id),
  );

  app.patch(
    `${MERCHANTS}/:id`,
    {
      schema: {
        tags: ['merchants'],
        summary: 'Change a merchant',
        description:
          'Fields that are left out stay as they are. New terms take effect tomorrow at the ' +
          'earliest (Asia/Seoul). A suspended merchant makes no new payments; its reads go on.',
        params: idParamsSchema,
        body: updateMerchantSchema,
        response: {
          200: merchantSchema,
          ...problemResponses(
            ...BODY_PROBLEMS,
            'INVALID_ID',
            'FORBIDDEN',
            'NOT_FOUND',
            'TERMS_TOO_EARLY',
            'RESULT_UNKNOWN',
          ),
        },
      },
    },
    async (request) => changeMerchant(deps, authorOf(request), request.params.id, request.body),
  );

  registerKeyRoutes(instance, deps);
}

function registerKeyRoutes(instance: FastifyInstance, deps: MerchantDeps): void {
  const app = instance.withTypeProvider<ZodTypeProvider>();

  app.post(
    `${MERCHANTS}/:id/keys`,
    {
      schema: {
        tags: ['merchants'],
        summary: 'Make a key',
        description: 'Two keys of a mode may be live at a time, so that one can replace the other.',
        params: idParamsSchema,
        body: createKeySchema,
        response: {
          201: createdKeySchema,
          ...problemResponses(
            ...BODY_PROBLEMS,
            'INVALID_ID',
            'FORBIDDEN',
            'NOT_FOUND',
            'KEY_LIMIT_REACHED',
            'RESULT_UNKNOWN',
          ),
        },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const key = await createKey(deps, authorOf(request), id, request.body.livemode);
      return reply.code(201).send(key);
    },
  );

  app.delete(
    `${MERCHANTS}/:id/keys/:keyId`,
    {
      schema: {
        tags: ['merchants'],
        summary: 'Revoke a key',
        description: 'It stops working within a second. The last key may go as well.',
        params: keyParamsSchema,
        response: {
          204: z.undefined().describe('Revoked.'),
          ...problemResponses('INVALID_ID', 'FORBIDDEN', 'NOT_FOUND', 'RESULT_UNKNOWN'),
        },
      },
    },
    async (request, reply) => {
      const { id, keyId } = request.params;
      await deleteKey(deps, authorOf(request), id, keyId);
      return reply.code(204).send();
    },
  );
}

function authorOf(request: FastifyRequest): Author {
  return { operator: request.operator.name, trace: request.trace };
}
