import { Readable } from 'node:stream';
import { ProblemError } from '@mini-pg/runtime';
import type { FastifyInstance } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { negotiate } from '../http/accept.ts';
import { problemResponses } from '../http/problems.ts';
import { idParamsSchema, pageSchema } from '../http/schemas.ts';
import { writeCsv } from './csv.ts';
import { readItems } from './settlement-repository.ts';
import {
  itemSchema,
  type ListItems,
  listItemsSchema,
  listSettlementsSchema,
  settlementSchema,
} from './settlement-schemas.ts';
import {
  listItems,
  listSettlements,
  readComplete,
  readSettlement,
  type SettlementDeps,
} from './settlements.ts';

const SETTLEMENTS = '/api/v1/settlements';
const JSON_TYPE = 'application/json';
const CSV_TYPE = 'text/csv';
const ITEMS_DEFAULT = 20;

/** What merchants read of their settlements. */
export async function registerSettlementRoutes(
  instance: FastifyInstance,
  deps: SettlementDeps,
): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();

  app.get(
    SETTLEMENTS,
    {
      schema: {
        tags: ['settlements'],
        summary: 'List settlements',
        description: 'The newest date first; `from` and `to` are business dates, both inclusive.',
        querystring: listSettlementsSchema,
        response: {
          200: pageSchema(settlementSchema),
          ...problemResponses('VALIDATION_FAILED', 'INVALID_CURSOR'),
        },
      },
    },
    async (request) => listSettlements(deps, request.principal, request.query),
  );

  app.get(
    `${SETTLEMENTS}/:id`,
    {
      schema: {
        tags: ['settlements'],
        summary: 'Read a settlement',
        params: idParamsSchema,
        response: { 200: settlementSchema, ...problemResponses('INVALID_ID', 'NOT_FOUND') },
      },
    },
    async (request) => readSettlement(deps, request.principal, request.params.id),
  );

  registerItemsRoute(instance, deps);
}

function registerItemsRoute(instance: FastifyInstance, deps: SettlementDeps): void {
  const app = instance.withTypeProvider<ZodTypeProvider>();

  app.get(
    `${SETTLEMENTS}/:id/items`,
    {
      schema: {
        tags: ['settlements'],
        summary: 'Read the items of a settlement',
        description:
          'Pages of JSON, or by `Accept: text/csv` the whole statement as a file: UTF-8 with BOM, ' +
          'the header has the names of the fields.',
        params: idParamsSchema,
        querystring: listItemsSchema,
        response: {
          200: {
            description: 'The items in the order of their ids.',
            content: {
              [JSON_TYPE]: { schema: pageSchema(itemSchema) },
              [CSV_TYPE]: { schema: z.string() },
            },
          },
          ...problemResponses(
            'VALIDATION_FAILED',
            'INVALID_ID',
            'INVALID_CURSOR',
            'NOT_FOUND',
            'NOT_ACCEPTABLE',
            'SETTLEMENT_INCOMPLETE',
          ),
        },
      },
    },
    async (request, reply) => {
      const type = negotiate(request.headers.accept, [JSON_TYPE, CSV_TYPE]);
      if (type === null) throw new ProblemError('NOT_ACCEPTABLE');
      if (type === CSV_TYPE) assertWhole(request.query);
      const settlement = await readComplete(deps, request.principal, request.params.id);
      reply.header('vary', 'accept');
      if (type === JSON_TYPE) {
        const { cursor, limit = ITEMS_DEFAULT } = request.query;
        return reply.send(await listItems(deps, settlement.id, { cursor, limit }));
      }
      const file = `settlement-${settlement.date}-${settlement.id}.csv`;
      reply.header('content-disposition', `attachment; filename="${file}"`);
      reply.type(`${CSV_TYPE}; charset=utf-8`);
      return reply.send(Readable.from(writeCsv(readItems(deps.pool, settlement.id))) as never);
    },
  );
}

/** The file is the whole statement: a part of it would add up to something else. */
function assertWhole({ cursor, limit }: ListItems): void {
  const given = [
    ...(cursor === undefined ? [] : ['cursor']),
    ...(limit === undefined ? [] : ['limit']),
  ];
  if (given.length === 0) return;
  throw new ProblemError('VALIDATION_FAILED', {
    errors: given.map((pointer) => ({ pointer, message: 'pages JSON; the CSV is always whole' })),
  });
}
