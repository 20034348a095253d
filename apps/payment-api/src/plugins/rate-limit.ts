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
 * address that says neither, over all instances. Requests of one caller that came in the same turn of
 * the event loop are counted by one command to Redis; when it does not answer, the instance counts
 * for itself.
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

/** Counts so many requests under a key; `current` is the count after the last of them. */
type Counter = (key: string, requests: number) => Promise<Count>;

/** A window begins with its first request. A counter without an end would refuse for ever. */
const COUNT = `
local current = redis.call('INCRBY', KEYS[1], ARGV[2])
local ttl = redis.call('PTTL', KEYS[1])
if ttl < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  ttl = tonumber(ARGV[1])
end
return {current, ttl}`;

function createCounter(redis: FastRedis, prefix: string): Counter {
  const countHere = createLocalCounter();
  return async (key, requests) => {
    const answer = await redis.run((client) =>
      client.eval(COUNT, {
        keys: [`${prefix}${key}`],
        arguments: [String(WINDOW_MS), String(requests)],
      }),
    );
    if (!Array.isArray(answer)) return countHere(key, requests);
    return { current: Number(answer[0]), ttl: Number(answer[1]) };
  };
}

/** Windows by the clock: the counters of one window go together, so they never pile up. */
function createLocalCounter(): (key: string, requests: number) => Count {
  let counts = new Map<string, number>();
  let endsAtMs = 0;
  return (key, requests) => {
    const nowMs = performance.now();
    if (nowMs >= endsAtMs) {
      counts = new Map();
      endsAtMs = nowMs + WINDOW_MS;
    }
    const current = (counts.get(key) ?? 0) + requests;
    counts.set(key, current);
    return { current, ttl: endsAtMs - nowMs };
  };
}

type Counted = (error: Error | null, result?: Count) => void;

/**
 * Gathers the requests of one turn of the event loop by their caller and tells each its own place
 * in the count, as if they had been counted one by one.
 */
function countByTurn(count: Counter): (key: string, counted: Counted) => void {
  let turn = new Map<string, Counted[]>();

  const countTurn = (): void => {
    const gathered = turn;
    turn = new Map();
    for (const [key, waiting] of gathered) {
      count(key, waiting.length).then(
        ({ current, ttl }) => {
          const before = current - waiting.length;
          for (const [index, counted] of waiting.entries()) {
            counted(null, { current: before + index + 1, ttl });
          }
        },
        (error: Error) => {
          for (const counted of waiting) counted(error);
        },
      );
    }
  };

  return (key, counted) => {
    if (turn.size === 0) setImmediate(countTurn);
    const waiting = turn.get(key);
    if (waiting === undefined) turn.set(key, [counted]);
    else waiting.push(counted);
  };
}

/** The plugin makes its store itself, from a class. */
function storeOver(count: Counter): new () => FastifyRateLimitStore {
  const countOne = countByTurn(count);
  return class Store implements FastifyRateLimitStore {
    incr(key: string, done: Counted): void {
      countOne(key, done);
    }

    child(): FastifyRateLimitStore {
      return this;
    }
  };
}
