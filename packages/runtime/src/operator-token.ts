import { createPublicKey, type KeyObject } from 'node:crypto';
import { errors, jwtVerify } from 'jose';
import { z } from 'zod';

export const OPERATOR_ROLES = ['viewer', 'operator', 'admin'] as const;

export type OperatorRole = (typeof OPERATOR_ROLES)[number];

/** Who makes a change: the name and role of a verified operator token. */
export interface Operator {
  readonly name: string;
  readonly role: OperatorRole;
}

export const OPERATOR_TOKEN_ISSUER = 'mini-pg';
export const OPERATOR_TOKEN_AUDIENCE = 'mini-pg-operators';

const claimsSchema = z.object({ sub: z.string().min(1), role: z.enum(OPERATOR_ROLES) });

/** Reads an Ed25519 public key: SPKI PEM, or the base64 of that PEM. */
export function readOperatorPublicKey(value: string): KeyObject {
  const pem = value.includes('BEGIN PUBLIC KEY') ? value : Buffer.from(value, 'base64').toString();
  const key = createPublicKey(pem);
  if (key.asymmetricKeyType !== 'ed25519') throw new Error('must be an Ed25519 public key');
  return key;
}

/** The variable `OPERATOR_PUBLIC_KEY` of every service that operators speak to. */
export const operatorPublicKeySchema = z
  .string()
  .transform((value, context) => {
    try {
      return readOperatorPublicKey(value);
    } catch {
      context.addIssue('must be an Ed25519 public key: SPKI PEM, or the base64 of that PEM');
      return z.NEVER;
    }
  })
  .describe("verifies operators' tokens: Ed25519, SPKI PEM or the base64 of that PEM");

/** The operator of a token (JWT, EdDSA), or null when it does not verify. */
export async function verifyOperatorToken(token: string, key: KeyObject): Promise<Operator | null> {
  try {
    const { payload } = await jwtVerify(token, key, {
      algorithms: ['EdDSA'],
      issuer: OPERATOR_TOKEN_ISSUER,
      audience: OPERATOR_TOKEN_AUDIENCE,
      requiredClaims: ['exp'],
    });
    const claims = claimsSchema.safeParse(payload);
    return claims.success ? { name: claims.data.sub, role: claims.data.role } : null;
  } catch (error) {
    if (error instanceof errors.JOSEError) return null;
    throw error;
  }
}
