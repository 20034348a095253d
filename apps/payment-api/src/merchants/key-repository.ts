import type { Queryable } from '@mini-pg/database';
import type { Principal } from '../principal.ts';

interface KeyRow {
  readonly key_hash: string;
  readonly key_id: string;
  readonly merchant_id: string;
  readonly livemode: boolean;
  readonly api_version: string;
  readonly status: 'ACTIVE' | 'SUSPENDED';
}

/** Who each hash belongs to, in the order asked; null for a key that is unknown or revoked. */
export async function findPrincipals(
  database: Queryable,
  keyHashes: readonly string[],
): Promise<(Principal | null)[]> {
  const { rows } = await database.query<KeyRow>({
    name: 'find_principals',
    text: `select encode(k.key_hash, 'hex') as key_hash, k.id as key_id, k.merchant_id, k.livemode,
                  k.api_version, m.status
           from merchant_key k join merchant m on m.id = k.merchant_id
           where k.key_hash = any($1::bytea[]) and k.revoked_at is null`,
    values: [keyHashes.map((hash) => Buffer.from(hash, 'hex'))],
  });
  const byHash = new Map(rows.map((row) => [row.key_hash, principalOf(row)]));
  return keyHashes.map((hash) => byHash.get(hash) ?? null);
}

function principalOf(row: KeyRow): Principal {
  return {
    merchantId: row.merchant_id,
    livemode: row.livemode,
    keyId: row.key_id,
    suspended: row.status === 'SUSPENDED',
    apiVersion: row.api_version,
  };
}
