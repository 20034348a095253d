import { createHttpApp } from '@mini-pg/runtime';
import type { FastifyInstance } from 'fastify';
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod';
import type { Deps } from './deps.ts';

/** The HTTP gateway: plugins first, then the routes, in the order in which a request meets them. */
export async function buildApp(deps: Deps): Promise<FastifyInstance> {
  const app = createHttpApp({
    logger: deps.logger,
    registry: deps.registry,
    health: deps.health,
    bodyLimitBytes: deps.config.profile.limits.bodyBytes,
  });
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  return app;
}
