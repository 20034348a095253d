import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';
import type { Deps } from '../deps.ts';

/**
 * For answers that no page shows: nothing may be loaded, framed, sniffed or kept. Set from one
 * constant, since building them anew, as helmet does, costs more than a hot route does.
 */
const API_HEADERS = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};

const PREFLIGHT_MAX_AGE_SECONDS = 600;

/** Security headers on every answer, and CORS for the origins of the profile. */
export async function registerSecurity(
  app: FastifyInstance,
  deps: Pick<Deps, 'config'>,
): Promise<void> {
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(API_HEADERS);
    done();
  });
  const { origins } = deps.config.profile.cors;
  if (origins.length === 0) return;
  await app.register(cors, {
    origin: origins.includes('*') ? '*' : [...origins],
    // A key travels in a header of its own and never as a cookie.
    credentials: false,
    methods: ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE'],
    exposedHeaders: ['location', 'retry-after', 'idempotent-replayed', 'x-trace-id'],
    maxAge: PREFLIGHT_MAX_AGE_SECONDS,
    strictPreflight: false,
  });
}
