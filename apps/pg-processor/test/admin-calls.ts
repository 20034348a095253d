import { generateKeyPairSync } from 'node:crypto';
import {
  OPERATOR_TOKEN_AUDIENCE,
  OPERATOR_TOKEN_ISSUER,
  type OperatorRole,
} from '@mini-pg/runtime';
import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import { buildApp } from '../src/app.ts';
import type { Deps } from '../src/deps.ts';
import { operatorToken } from './operator-token.ts';

const keys = generateKeyPairSync('ed25519');

/** The admin routes of a processor, for operators whose tokens are made here. */
export function buildAdminApp(processor: Deps): Promise<FastifyInstance> {
  const config = { ...processor.config, OPERATOR_PUBLIC_KEY: keys.publicKey };
  return buildApp({ ...processor, config });
}

function authorization(name: string, role: OperatorRole) {
  const token = operatorToken(keys.privateKey, {
    sub: name,
    role,
    iss: OPERATOR_TOKEN_ISSUER,
    aud: OPERATOR_TOKEN_AUDIENCE,
    exp: Math.floor(Date.now() / 1000) + 60,
  });
  return { authorization: `Bearer ${token}` };
}

export function resolveAs(
  app: FastifyInstance,
  id: string,
  body: object,
  { name = 'kim', role = 'operator' }: { name?: string; role?: OperatorRole } = {},
): Promise<LightMyRequestResponse> {
  return app.inject({
    method: 'POST',
    url: `/api/v1/admin/exceptions/${id}/resolve`,
    headers: authorization(name, role),
    payload: body,
  });
}

/** An exception as a viewer sees it. */
export async function readException(app: FastifyInstance, id: string) {
  const headers = authorization('lee', 'viewer');
  return (await app.inject({ url: `/api/v1/admin/exceptions/${id}`, headers })).json();
}
