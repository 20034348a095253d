import { type KeyObject, sign } from 'node:crypto';

/** A JWT as an operator carries it, signed with an Ed25519 key. */
export function operatorToken(privateKey: KeyObject, claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'EdDSA', typ: 'JWT' })}.${part(claims)}`;
  return `${text}.${sign(null, Buffer.from(text), privateKey).toString('base64url')}`;
}
