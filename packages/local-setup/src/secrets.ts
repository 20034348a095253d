import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import {
  OPERATOR_TOKEN_AUDIENCE,
  OPERATOR_TOKEN_ISSUER,
  type OperatorRole,
} from '@mini-pg/runtime';
import { SignJWT } from 'jose';

const TOKEN_LIFETIME = '30d';
const SEAL_KEY_BYTES = 32;
const PASSWORD_BYTES = 24;

/** What a system on one machine needs to keep secret; made once for each data folder. */
export type Secrets = {
  databasePasswords: Record<'payment' | 'processor' | 'settlement' | 'auditor', string>;
  /** As SEAL_KEYS takes it. */
  sealKeys: string;
  /** PKCS #8 PEM of the Ed25519 key that signs operator tokens. */
  operatorPrivateKey: string;
};

/** Reads the secrets of a file, or makes them and writes the file for its owner only. */
export function keepSecrets(file: string): Secrets {
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8'));
  const secrets = newSecrets();
  writeFileSync(file, JSON.stringify(secrets, null, 2), { mode: 0o600 });
  return secrets;
}

function newSecrets(): Secrets {
  const password = (): string => randomBytes(PASSWORD_BYTES).toString('base64url');
  const { privateKey } = generateKeyPairSync('ed25519');
  return {
    databasePasswords: {
      payment: password(),
      processor: password(),
      settlement: password(),
      auditor: password(),
    },
    sealKeys: `local1:${randomBytes(SEAL_KEY_BYTES).toString('base64')}`,
    operatorPrivateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  };
}

/** The public half of the operators' key, as OPERATOR_PUBLIC_KEY takes it. */
export function operatorPublicKey(secrets: Secrets): string {
  const key = createPublicKey(secrets.operatorPrivateKey);
  return key.export({ type: 'spki', format: 'pem' }).toString();
}

/** A token for an operator, good for 30 days. */
export function signOperatorToken(
  secrets: Secrets,
  operator: { name: string; role: OperatorRole },
): Promise<string> {
  const key: KeyObject = createPrivateKey(secrets.operatorPrivateKey);
  return new SignJWT({ role: operator.role })
    .setProtectedHeader({ alg: 'EdDSA' })
    .setSubject(operator.name)
    .setIssuer(OPERATOR_TOKEN_ISSUER)
    .setAudience(OPERATOR_TOKEN_AUDIENCE)
    .setIssuedAt()
    .setExpirationTime(TOKEN_LIFETIME)
    .sign(key);
}
