import { createHash } from 'node:crypto';
import { TOSS_SECRET_KEY } from '../config.ts';
import { TossRefusal } from './toss-errors.ts';

export interface TossAccount {
  /** Stands for the secret key wherever it would be kept. */
  readonly keyId: string;
  readonly isTest: boolean;
}

const KNOWN_MAX = 1_000;

/** Basic authentication by `base64(secretKey + ":")`; the colon is mandatory. */
export class TossAuth {
  readonly #keys: readonly string[] | null;
  readonly #known = new Map<string, TossAccount>();

  constructor(keys: readonly string[] | null) {
    this.#keys = keys;
  }

  /** @throws TossRefusal */
  accountOf(authorization: string | undefined): TossAccount {
    const known = this.#known.get(authorization ?? '');
    if (known) return known;
    const secretKey = secretKeyOf(authorization);
    const isAccepted = this.#keys?.includes(secretKey) ?? TOSS_SECRET_KEY.test(secretKey);
    if (!isAccepted) throw new TossRefusal('UNAUTHORIZED_KEY');
    const keyId = createHash('sha256').update(secretKey).digest('hex').slice(0, 12);
    const account = { keyId, isTest: secretKey.startsWith('test_') };
    if (this.#known.size < KNOWN_MAX) this.#known.set(authorization ?? '', account);
    return account;
  }
}

function secretKeyOf(authorization: string | undefined): string {
  const encoded = /^Basic +(\S+)$/i.exec(authorization ?? '')?.[1];
  if (encoded === undefined) throw new TossRefusal('UNAUTHORIZED_KEY');
  const [secretKey, password] = Buffer.from(encoded, 'base64').toString('utf8').split(':', 2);
  if (secretKey === undefined || password !== '') {
    throw new TossRefusal('INCORRECT_BASIC_AUTH_FORMAT');
  }
  return secretKey;
}
