import { businessDateSchema, toJsonInteger } from '@mini-pg/domain';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import type { Deps } from '../deps.ts';
import { listHeldFacts } from '../facts/held-facts.ts';
import { authenticate } from './authentication.ts';
import { listRuns } from './list-runs.ts';
import { pageOf, parsePage } from './page.ts';

const heldPosition = z.strictObject({ saleDate: businessDateSchema, id: z.uuid() });

/** What operators may look at; every role may read. */
export function registerAdminRoutes(app: FastifyInstance, deps: Deps): void {
  const { pool, config } = deps;

  app.get('/api/v1/admin/settlement-runs', async (request) => {
    await authenticate(request, config.OPERATOR_PUBLIC_KEY);
    const { limit, after } = parsePage(request.query, businessDateSchema);
    const runs = await listRuns(pool, { after, limit: limit + 1 });
    return pageOf(runs, limit, (run) => run.date);
  });

  app.get('/api/v1/admin/facts/held', async (request) => {
    await authenticate(request, config.OPERATOR_PUBLIC_KEY);
    const { limit, after } = parsePage(request.query, heldPosition);
    const facts = await listHeldFacts(pool, { after, limit: limit + 1 });
    const page = pageOf(facts, limit, ({ saleDate, id }) => ({ saleDate, id }));
    return {
      ...page,
      data: page.data.map((fact) => ({ ...fact, amount: toJsonInteger(fact.amount) })),
    };
  });
}
