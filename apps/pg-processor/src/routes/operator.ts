import type { KeyObject } from 'node:crypto';
import { type Operator, ProblemError, verifyOperatorToken } from '@mini-pg/runtime';
import type { FastifyRequest } from 'fastify';

const BEARER = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/;

declare module 'fastify' {
  interface FastifyRequest {
    operator: Operator | null;
  }
}

/** Lets only a request with a valid operator token through; any other is 401. */
export function requireOperator(publicKey: KeyObject): (request: FastifyRequest) => Promise<void> {
  return async (request) => {
    const token = BEARER.exec(request.headers.authorization ?? '')?.[1];
    request.operator = token === undefined ? null : await verifyOperatorToken(token, publicKey);
    if (request.operator === null) throw new ProblemError('UNAUTHORIZED');
  };
}

/** Who makes a change. @throws ProblemError FORBIDDEN for one who may only look */
export function requireChange({ operator }: FastifyRequest): Operator {
  if (operator === null || operator.role === 'viewer') throw new ProblemError('FORBIDDEN');
  return operator;
}
