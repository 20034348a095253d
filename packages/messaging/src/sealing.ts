import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import type { Sealed } from '@mini-pg/domain';
import { pooledRandomBytes, type Secret, secretSchema } from '@mini-pg/runtime';

export interface SealKey {
  readonly kid: string;
  /** 32 bytes. */
  readonly key: Buffer;
}

/** A sealed value could not be opened, or a list of keys could not be read. Holds no secret. */
export class SealError extends Error {
  override readonly name = 'SealError';
}

const ALGORITHM = 'aes-256-gcm';
const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const KID = /^[A-Za-z0-9._-]{1,64}$/;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/**
 * Seals fields of private topics with AES-256-GCM: `{kid, iv, ct}` in base64, the tag at the end of
 * `ct`. The first key seals, all open, so a key is rotated by putting the new one in front. A value
 * opens only with the `aad` (the payment id) that it was sealed with: it cannot be moved to another
 * payment.
 */
export class Sealer {
  readonly #currentKid: string;
  readonly #currentKey: KeyObject;
  /** As key objects: making one for each value costs more than sealing it. */
  readonly #keys: ReadonlyMap<string, KeyObject>;

  constructor(keys: readonly SealKey[]) {
    const current = keys[0];
    if (current === undefined) throw new SealError('at least one seal key is needed');
    for (const { kid, key } of keys) {
      if (!KID.test(kid)) throw new SealError('a kid must be 1 to 64 of A-Z a-z 0-9 . _ -');
      if (key.length !== KEY_BYTES) {
        throw new SealError(`seal key ${kid} must be ${KEY_BYTES} bytes, not ${key.length}`);
      }
    }
    this.#keys = new Map(keys.map(({ kid, key }) => [kid, createSecretKey(key)]));
    this.#currentKid = current.kid;
    this.#currentKey = createSecretKey(current.key);
    if (this.#keys.size !== keys.length) throw new SealError('two seal keys have the same kid');
  }

  /** Reads SEAL_KEYS: `kid:base64of32bytes[,kid2:...]`. @throws SealError */
  static parse(value: string): Sealer {
    return new Sealer(value.split(',').map((part) => parseKey(part.trim())));
  }

  /** Seals a value that JSON can hold. */
  seal(plain: unknown, aad: string): Sealed {
    const text = JSON.stringify(plain);
    if (text === undefined) throw new SealError('only a value that JSON can hold may be sealed');
    const iv = pooledRandomBytes(IV_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.#currentKey, iv, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.from(aad, 'utf8'));
    const ct = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return { kid: this.#currentKid, iv: iv.toString('base64'), ct: ct.toString('base64') };
  }

  /** Opens what `seal` made. @throws SealError when key, owner or bytes are not those of sealing. */
  open(sealed: Sealed, aad: string): unknown {
    const key = this.#keys.get(sealed.kid);
    if (key === undefined) {
      throw new SealError(`no seal key ${JSON.stringify(sealed.kid)}: add it to SEAL_KEYS`);
    }
    const iv = decodeBase64(sealed.iv);
    const ct = decodeBase64(sealed.ct);
    if (iv?.length !== IV_BYTES || ct === undefined || ct.length < TAG_BYTES) {
      throw new SealError('the sealed value is malformed');
    }
    return JSON.parse(decrypt(key, iv, ct, aad)) as unknown;
  }
}

function decrypt(key: KeyObject, iv: Buffer, ct: Buffer, aad: string): string {
  const decipher = createDecipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(aad, 'utf8'));
  decipher.setAuthTag(ct.subarray(-TAG_BYTES));
  try {
    const body = ct.subarray(0, -TAG_BYTES);
    return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
  } catch {
    throw new SealError('the sealed value was changed or belongs to another payment');
  }
}

function parseKey(part: string): SealKey {
  const separator = part.indexOf(':');
  const key = separator > 0 ? decodeBase64(part.slice(separator + 1)) : undefined;
  if (key === undefined) {
    throw new SealError('seal keys must be kid:base64of32bytes, separated by commas');
  }
  return { kid: part.slice(0, separator), key };
}

/** Only the one canonical spelling of the bytes is taken, so that no changed text opens. */
function decodeBase64(text: string): Buffer | undefined {
  if (!BASE64.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

/** SEAL_KEYS of an environment: a list that `Sealer.parse` reads. */
export const sealKeysSchema = secretSchema.refine(
  isSealKeys,
  'must be kid:base64of32bytes, separated by commas',
);

function isSealKeys(value: Secret): boolean {
  try {
    Sealer.parse(value.reveal());
    return true;
  } catch {
    return false;
  }
}
