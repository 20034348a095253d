import rateLimit, { type FastifyRateLimitStore, normalizeIP } from '@fastify/rate-limit';
import { ProblemError } from '@mini-pg/runtime';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Deps } from '../deps.ts';
import type { FastRedis } from '../redis/fast-redis.ts';

/** Counts a request under a caller, or under its address when that is null. @throws RATE_LIMITED */
export type RateLimit = (request: FastifyRequest, caller: string | null) => Promise<void>;

const WINDOW_MS = 1_000;

declare module 'fastify' {
  interface FastifyRequest {
    caller: string | null;
  }
}

/**
 * The limit of the profile: so many requests a second for each merchant, each operator and each
 * address that says neither, over all instances. One command to Redis a request; when Redis does
 * not answer, the instance counts for itself.
 */
export async function registerRateLimit(
  app: FastifyInstance,
  deps: Pick<Deps, 'config' | 'redis'>,
): Promise<RateLimit> {
  app.decorateRequest('caller', null);
  await app.register(rateLimit, {
    global: false,
    max: deps.config.profile.limits.requestsPerSecond,
    timeWindow: WINDOW_MS,
    store: storeOver(createCounter(deps.redis, `${deps.config.REDIS_PREFIX}rate:`)),
    keyGenerator: (request) => request.caller ?? `address:${normalizeIP(request.ip)}`,
  });
  const count = app.createRateLimit();
  return async (request, caller) => {
    request.caller = caller;
    const result = await count(request);
    if (result.isAllowed || !result.isExceeded) return;
    throw new ProblemError('RATE_LIMITED', {
      retryAfterSeconds: Math.max(1, result.ttlInSeconds),
      headers: { 'ratelimit-limit': String(result.max), 'ratelimit-remaining': '0' },
    });
  };
}

interface Count {
  readonly current: number;
  /** How long the window lasts yet, in milliseconds. */
  readonly ttl: number;
}

type Counter = (key: string, windowMs: number) => Promise<Count>;

/** A window begins with its first request. A counter without an end would refuse for ever. */
const COUNT = `
local current = redis.call('INCR', KEYS[1])
local ttl = redis.call('PTTL', KEYS[1])
if ttl < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  ttl = tonumber(ARGV[1])
end
return {current, ttl}`;

function createCounter(redis: FastRedis, prefix: string): Counter {
  const countHere = createLocalCounter();
  return async (key, windowMs) => {
    const answer = await redis.run((client) =>
      client.eval(COUNT, { keys: [`${prefix}${key}`], arguments: [String(windowMs)] }),
    );
    if (!Array.isArray(answer)) return countHere(key, windowMs);
    return { current: Number(answer[0]), ttl: Number(answer[1]) };
  };
}

/** Windows by the clock: the counters of one window go together, so they never pile up. */
function createLocalCounter(): (key: string, windowMs: number) => Count {
  let counts = new Map<string, number>();
  let endsAtMs = 0;
  return (key, windowMs) => {
    const nowMs = performance.now();
    if (nowMs >= endsAtMs) {
      counts = new Map();
      endsAtMs = nowMs + windowMs;
    }
    const current = (counts.get(key) ?? 0) + 1;
    counts.set(key, current);
    return { current, ttl: endsAtMs - nowMs };
  };
}

/** The plugin makes its store itself, from a class. */
function storeOver(count: Counter): new () => FastifyRateLimitStore {
  return class Store implements FastifyRateLimitStore {
    incr(key: string, done: (error: Error | null, result?: Count) => void, windowMs: number): void {
      count(key, windowMs).then(
        (result) => done(null, result),
        (error: Error) => done(error),
      );
    }

    child(): FastifyRateLimitStore {
      return this;
    }
  };
}
