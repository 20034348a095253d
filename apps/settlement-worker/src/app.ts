import { isTransient } from '@mini-pg/database';
import { createHttpApp, ProblemError } from '@mini-pg/runtime';
import type { FastifyInstance } from 'fastify';
import { registerAdminRoutes } from './admin/routes.ts';
import type { Deps } from './deps.ts';

const RETRY_AFTER_SECONDS = 1;
/** No route takes a body. */
const BODY_LIMIT_BYTES = 1024;

/** Health, metrics and what operators may look at; merchants read their statements elsewhere. */
export function buildApp(deps: Deps): FastifyInstance {
  const { logger, registry, health } = deps;
  const app = createHttpApp({
    logger,
    registry,
    health,
    bodyLimitBytes: BODY_LIMIT_BYTES,
    toProblem,
  });
  registerAdminRoutes(app, deps);
  return app;
}

/** A database that is away or busy is no fault of ours that a caller should report. */
function toProblem(error: Error): ProblemError | undefined {
  if (!isTransient(error)) return undefined;
  return new ProblemError('OVERLOADED', { retryAfterSeconds: RETRY_AFTER_SECONDS });
}
