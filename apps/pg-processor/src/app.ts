import { isTransient } from '@mini-pg/database';
import { createHttpApp, ProblemError } from '@mini-pg/runtime';
import type { FastifyInstance } from 'fastify';
import type { Deps } from './deps.ts';
import { registerAttemptRoutes } from './routes/attempts.ts';
import { registerCancelRoutes } from './routes/cancels.ts';
import { registerExceptionRoutes } from './routes/exceptions.ts';
import { requireOperator } from './routes/operator.ts';

const RETRY_AFTER_SECONDS = 1;

/** What this service serves: health, metrics, and the operators' view of the data that it owns. */
export async function buildApp(deps: Deps): Promise<FastifyInstance> {
  const app = createHttpApp({
    logger: deps.logger,
    registry: deps.registry,
    health: deps.health,
    bodyLimitBytes: deps.config.profile.limits.bodyBytes,
    toProblem,
  });
  await app.register(
    async (admin) => {
      admin.addHook('onRequest', requireOperator(deps.config.OPERATOR_PUBLIC_KEY));
      registerExceptionRoutes(admin, deps.resolve);
      registerAttemptRoutes(admin, deps.pool);
      registerCancelRoutes(admin, deps.pool);
    },
    { prefix: '/api/v1/admin' },
  );
  return app;
}

function toProblem(error: Error): ProblemError | undefined {
  if (!isTransient(error)) return undefined;
  return new ProblemError('OVERLOADED', { retryAfterSeconds: RETRY_AFTER_SECONDS });
}
