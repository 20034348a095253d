import type { PostgresPool } from '@mini-pg/database';
import {
  createCoalescer,
  type Operator,
  ProblemError,
  QueueFullError,
  verifyOperatorToken,
} from '@mini-pg/runtime';
import type { FastifyRequest } from 'fastify';
import type { Config } from '../config.ts';
import { overloaded } from '../overload/overloaded.ts';
import type { Principal } from '../principal.ts';
import { createKeyCache, type KeyCache } from './key-cache.ts';
import { findPrincipals } from './key-repository.ts';
import { hashSecretKey, isSecretKey } from './secret-key.ts';

declare module 'fastify' {
  interface FastifyRequest {
    operator: Operator;
  }
}

export interface Authentication {
  /** The merchant of a request's secret key. @throws ProblemError UNAUTHORIZED, OVERLOADED */
  authenticateMerchant(request: FastifyRequest): Promise<Principal>;
  /** The operator of a request's token. @throws ProblemError UNAUTHORIZED */
  authenticateOperator(request: FastifyRequest): Promise<Operator>;
}

/** Lookups of one statement, and those that may wait: a flood of guesses holds one connection. */
const LOOKUPS_PER_STATEMENT_MAX = 256;
const LOOKUPS_WAITING_MAX = 2_000;
const BEARER = /^Bearer +([\x21-\x7e]+) *$/i;

export function createAuthentication(deps: {
  readonly pool: PostgresPool;
  readonly config: Pick<Config, 'OPERATOR_PUBLIC_KEY'>;
}): Authentication {
  const keys = createKeys(deps.pool);
  return {
    async authenticateMerchant(request) {
      const token = bearerToken(request);
      if (!isSecretKey(token)) throw unauthorized('invalid_token');
      const principal = await findPrincipal(keys, token);
      if (principal === null) throw unauthorized('invalid_token');
      return principal;
    },
    async authenticateOperator(request) {
      const token = bearerToken(request);
      const operator = await verifyOperatorToken(token, deps.config.OPERATOR_PUBLIC_KEY);
      if (operator === null) throw unauthorized('invalid_token');
      return operator;
    },
  };
}

function createKeys(pool: PostgresPool): KeyCache {
  const lookups = createCoalescer<string, Principal | null>({
    flush: (keyHashes) => findPrincipals(pool, keyHashes),
    batchMax: LOOKUPS_PER_STATEMENT_MAX,
    queueMax: LOOKUPS_WAITING_MAX,
  });
  return createKeyCache((keyHash) => lookups.submit(keyHash));
}

async function findPrincipal(keys: KeyCache, token: string): Promise<Principal | null> {
  try {
    return await keys.find(hashSecretKey(token));
  } catch (error) {
    if (!(error instanceof QueueFullError)) throw error;
    throw overloaded('queue-full');
  }
}

function bearerToken(request: FastifyRequest): string {
  const token = BEARER.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) throw unauthorized();
  return token;
}

/** The challenge of RFC 6750: an error code only when a token was sent. */
function unauthorized(error?: 'invalid_token'): ProblemError {
  const challenge = `Bearer realm="mini-pg"${error === undefined ? '' : `, error="${error}"`}`;
  return new ProblemError('UNAUTHORIZED', { headers: { 'www-authenticate': challenge } });
}
