import { generateKeyPairSync, sign } from 'node:crypto';
import {
  OPERATOR_TOKEN_AUDIENCE,
  OPERATOR_TOKEN_ISSUER,
  type OperatorRole,
} from '@mini-pg/runtime';

const OPERATORS = generateKeyPairSync('ed25519');
const TOKEN_LIFETIME_SECONDS = 600;

/** What verifies the tokens of {@link operatorToken}. */
export const OPERATOR_PUBLIC_KEY = OPERATORS.publicKey;

/** A token as operators have it; `lifetimeSeconds` below 0 makes one that is over. */
export function operatorToken(
  role: OperatorRole,
  lifetimeSeconds = TOKEN_LIFETIME_SECONDS,
): string {
  const now = Math.floor(Date.now() / 1_000);
  const claims = {
    sub: 'kim',
    role,
    iss: OPERATOR_TOKEN_ISSUER,
    aud: OPERATOR_TOKEN_AUDIENCE,
    iat: now,
    exp: now + lifetimeSeconds,
  };
  const signed = [{ alg: 'EdDSA', typ: 'JWT' }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.');
  return `${signed}.${sign(null, Buffer.from(signed), OPERATORS.privateKey).toString('base64url')}`;
}
