import type { KeyObject } from 'node:crypto';
import { type Operator, ProblemError, verifyOperatorToken } from '@mini-pg/runtime';
import type { FastifyRequest } from 'fastify';

/** The operator of a request's bearer token. @throws ProblemError UNAUTHORIZED */
export async function authenticate(request: FastifyRequest, key: KeyObject): Promise<Operator> {
  const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const operator = token === undefined ? null : await verifyOperatorToken(token, key);
  if (operator === null) {
    throw new ProblemError('UNAUTHORIZED', { headers: { 'www-authenticate': 'Bearer' } });
  }
  return operator;
}
