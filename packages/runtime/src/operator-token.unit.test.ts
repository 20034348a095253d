import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import {
  OPERATOR_TOKEN_AUDIENCE,
  OPERATOR_TOKEN_ISSUER,
  readOperatorPublicKey,
  verifyOperatorToken,
} from './operator-token.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');

interface Change {
  readonly role?: string;
  readonly issuer?: string;
  readonly audience?: string;
  readonly expires?: string | null;
  readonly key?: KeyObject;
}

function sign(change: Change = {}): Promise<string> {
  const token = new SignJWT({ role: change.role ?? 'admin' })
    .setProtectedHeader({ alg: 'EdDSA' })
    .setSubject('kim')
    .setIssuer(change.issuer ?? OPERATOR_TOKEN_ISSUER)
    .setAudience(change.audience ?? OPERATOR_TOKEN_AUDIENCE);
  if (change.expires !== null) token.setExpirationTime(change.expires ?? '1h');
  return token.sign(change.key ?? privateKey);
}

describe('an operator token', () => {
  it('names the operator and the role', async () => {
    expect(await verifyOperatorToken(await sign(), publicKey)).toEqual({
      name: 'kim',
      role: 'admin',
    });
  });

  it.each<[string, Change]>([
    ['another key', { key: generateKeyPairSync('ed25519').privateKey }],
    ['another issuer', { issuer: 'somebody' }],
    ['another audience', { audience: 'somebody' }],
    ['an unknown role', { role: 'root' }],
    ['an expiry that has passed', { expires: '-1s' }],
    ['no expiry', { expires: null }],
  ])('is refused with %s', async (_what, change) => {
    expect(await verifyOperatorToken(await sign(change), publicKey)).toBeNull();
  });

  it.each(['', 'nonsense', 'a.b.c'])('is refused when it is %j', async (token) => {
    expect(await verifyOperatorToken(token, publicKey)).toBeNull();
  });
});

describe('the public key', () => {
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();

  it.each([
    ['PEM', pem],
    ['base64 of the PEM', Buffer.from(pem).toString('base64')],
  ])('is read as %s', (_form, value) => {
    expect(readOperatorPublicKey(value).equals(publicKey)).toBe(true);
  });

  it('must be Ed25519', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
    const value = rsa.export({ type: 'spki', format: 'pem' }).toString();
    expect(() => readOperatorPublicKey(value)).toThrow('Ed25519');
  });
});
