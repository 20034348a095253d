import { ProblemError } from '@mini-pg/runtime';
import type { FastifyInstance, onRequestAsyncHookHandler } from 'fastify';
import type { Deps } from '../deps.ts';
import { type Authentication, createAuthentication } from '../merchants/authentication.ts';
import type { Admission } from '../overload/admission.ts';
import { isNewPayment } from './load-shedding.ts';
import type { RateLimit } from './rate-limit.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** What the request has waited for us so far, in milliseconds. */
    waitedMs: number;
  }
}

const API = '/api/v1/';
const ADMIN = '/api/v1/admin/';
const READS: readonly string[] = ['GET', 'HEAD'];

/**
 * Who may call what, by the path that a route is declared with: an operator below `/admin/`, a
 * merchant on the rest of the API, everybody elsewhere. A new route is guarded without asking.
 * Every request is counted once, under whoever it turned out to be, also when it is refused.
 */
export async function registerAccess(
  app: FastifyInstance,
  deps: Pick<Deps, 'pool' | 'config' | 'admission'>,
  limit: RateLimit,
): Promise<void> {
  app.decorateRequest('principal');
  app.decorateRequest('operator');
  app.decorateRequest('waitedMs', 0);
  const authentication = createAuthentication(deps);
  const merchants = guardMerchants(authentication, limit);
  const operators = guardOperators(authentication, limit);

  app.addHook('onRoute', (route) => {
    const guard = route.url.startsWith(ADMIN)
      ? operators
      : route.url.startsWith(API)
        ? merchants
        : limitByAddress(limit);
    const counted = isNewPayment(route) ? inPlace(deps.admission, guard) : guard;
    route.onRequest = [counted, ...[route.onRequest ?? []].flat()];
  });
}

/**
 * The wait of a new payment for its guard counts, as it is ours: Redis is asked, perhaps Postgres.
 * That for its body does not: it lies with the client, who could hold up the others by it.
 */
function inPlace(
  admission: Admission,
  guard: onRequestAsyncHookHandler,
): onRequestAsyncHookHandler {
  return async function (request, reply) {
    const place = admission.enter();
    try {
      await guard.call(this, request, reply);
    } finally {
      request.waitedMs = place.waitedMs;
      place.leave();
    }
  };
}

function guardMerchants(
  authentication: Authentication,
  limit: RateLimit,
): onRequestAsyncHookHandler {
  return async (request) => {
    const refusal = await caught(async () => {
      request.principal = await authentication.authenticateMerchant(request);
    });
    await limit(request, refusal === null ? `merchant:${request.principal.merchantId}` : null);
    if (refusal !== null) throw refusal.error;
  };
}

function guardOperators(
  authentication: Authentication,
  limit: RateLimit,
): onRequestAsyncHookHandler {
  return async (request) => {
    const refusal = await caught(async () => {
      request.operator = await authentication.authenticateOperator(request);
    });
    await limit(request, refusal === null ? `operator:${request.operator.name}` : null);
    if (refusal !== null) throw refusal.error;
    if (request.operator.role === 'viewer' && !READS.includes(request.method)) {
      throw new ProblemError('FORBIDDEN');
    }
  };
}

function limitByAddress(limit: RateLimit): onRequestAsyncHookHandler {
  return async (request) => {
    await limit(request, null);
  };
}

async function caught(work: () => Promise<void>): Promise<{ error: unknown } | null> {
  try {
    await work();
    return null;
  } catch (error) {
    return { error };
  }
}
