import { isTransient } from '@mini-pg/database';
import { createHttpApp, type ProblemError } from '@mini-pg/runtime';
import type { FastifyInstance } from 'fastify';
import { serializerCompiler } from 'fastify-type-provider-zod';
import { registerCancelRoutes } from './cancels/routes.ts';
import type { Deps } from './deps.ts';
import { validatorCompiler } from './http/validator.ts';
import { registerMerchantRoutes } from './merchants/routes.ts';
import { overloaded } from './overload/overloaded.ts';
import { registerReadRoutes } from './payments/read-routes.ts';
import { registerAccess } from './plugins/access.ts';
import { registerLoadShedding } from './plugins/load-shedding.ts';
import { registerOpenApi } from './plugins/openapi.ts';
import { registerRateLimit } from './plugins/rate-limit.ts';
import { registerSecurity } from './plugins/security.ts';
import { registerPaymentRoutes } from './routes/payments.ts';
import { registerSettlementRoutes } from './settlements/routes.ts';

/** The HTTP gateway: plugins first, then the routes, in the order in which a request meets them. */
export async function buildApp(deps: Deps): Promise<FastifyInstance> {
  const app = createHttpApp({
    logger: deps.logger,
    registry: deps.registry,
    health: deps.health,
    bodyLimitBytes: deps.config.profile.limits.bodyBytes,
    toProblem,
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);

  await registerSecurity(app, deps);
  const limit = await registerRateLimit(app, deps);
  await registerAccess(app, deps, limit);
  // After the access, so that it comes before it: a request that is shed is not even looked at.
  await registerLoadShedding(app, deps);
  await registerOpenApi(app);

  registerPaymentRoutes(app, deps);
  registerCancelRoutes(app, deps);
  await registerReadRoutes(app, deps);
  await registerSettlementRoutes(app, deps);
  await registerMerchantRoutes(app, deps);
  return app;
}

/** A database that is away or busy is no fault of ours that a caller should report. */
function toProblem(error: Error): ProblemError | undefined {
  if (!isTransient(error)) return undefined;
  return overloaded('database');
}
