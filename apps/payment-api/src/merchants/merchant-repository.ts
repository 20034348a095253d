import type { Queryable } from '@mini-pg/database';
import { type Terms, toJsonInteger } from '@mini-pg/domain';

export interface MerchantRow {
  readonly id: string;
  readonly name: string;
  readonly status: 'ACTIVE' | 'SUSPENDED';
  readonly version: number;
}

export interface KeyRow {
  readonly id: string;
  readonly livemode: boolean;
  readonly created_at: Date;
}

const COLUMNS = 'id, name, status, version';

export async function findMerchant(database: Queryable, id: string): Promise<MerchantRow | null> {
  const text = `select ${COLUMNS} from merchant where id = $1`;
  return (await database.query<MerchantRow>(text, [id])).rows[0] ?? null;
}

/** The merchant, held until the transaction ends: changes to it and to its keys come one by one. */
export async function lockMerchant(client: Queryable, id: string): Promise<MerchantRow | null> {
  const text = `select ${COLUMNS} from merchant where id = $1 for update`;
  return (await client.query<MerchantRow>(text, [id])).rows[0] ?? null;
}

export async function insertMerchant(
  client: Queryable,
  merchant: { id: string; name: string; operator: string; now: Date },
): Promise<MerchantRow> {
  const { id, name, operator, now } = merchant;
  await client.query(
    `insert into merchant (id, name, status, created_at, created_by, updated_at, updated_by)
     values ($1, $2, 'ACTIVE', $3, $4, $3, $4)`,
    [id, name, now, operator],
  );
  return { id, name, status: 'ACTIVE', version: 1 };
}

export async function updateMerchant(
  client: Queryable,
  merchant: MerchantRow,
  by: { operator: string; now: Date },
): Promise<void> {
  const { id, name, status, version } = merchant;
  await client.query(
    `update merchant set name = $2, status = $3, version = $4, updated_at = $5, updated_by = $6
     where id = $1`,
    [id, name, status, version, by.now, by.operator],
  );
}

/** Terms of a date that has terms already are replaced. */
export async function putTerms(
  client: Queryable,
  merchantId: string,
  terms: Terms,
  operator: string,
): Promise<void> {
  const { from, feePpm, fixedFee, vatMode, payoutDays } = terms;
  await client.query(
    `insert into merchant_terms
       (merchant_id, from_date, fee_ppm, fixed_fee, vat_mode, payout_days, created_by)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (merchant_id, from_date) do update
     set fee_ppm = excluded.fee_ppm, fixed_fee = excluded.fixed_fee, vat_mode = excluded.vat_mode,
         payout_days = excluded.payout_days, created_at = now(), created_by = excluded.created_by`,
    [merchantId, from, feePpm, fixedFee, vatMode, payoutDays, operator],
  );
}

interface TermsRow {
  readonly from_date: string;
  readonly fee_ppm: number;
  readonly fixed_fee: bigint;
  readonly vat_mode: Terms['vatMode'];
  readonly payout_days: number;
}

/** All terms of a merchant, the earliest first. */
export async function readTerms(database: Queryable, merchantId: string): Promise<Terms[]> {
  const { rows } = await database.query<TermsRow>(
    `select from_date, fee_ppm, fixed_fee, vat_mode, payout_days
     from merchant_terms where merchant_id = $1 order by from_date`,
    [merchantId],
  );
  return rows.map((row) => ({
    feePpm: row.fee_ppm,
    fixedFee: toJsonInteger(row.fixed_fee),
    vatMode: row.vat_mode,
    payoutDays: row.payout_days,
    from: row.from_date,
  }));
}

/** The keys of a merchant that are not revoked, the oldest first. */
export async function readLiveKeys(database: Queryable, merchantId: string): Promise<KeyRow[]> {
  const { rows } = await database.query<KeyRow>(
    `select id, livemode, created_at from merchant_key
     where merchant_id = $1 and revoked_at is null order by created_at, id`,
    [merchantId],
  );
  return rows;
}

export async function insertKey(
  client: Queryable,
  key: {
    id: string;
    merchantId: string;
    livemode: boolean;
    keyHash: string;
    apiVersion: string;
    operator: string;
  },
): Promise<void> {
  await client.query(
    `insert into merchant_key (id, merchant_id, livemode, key_hash, api_version, created_by)
     values ($1, $2, $3, $4, $5, $6)`,
    [
      key.id,
      key.merchantId,
      key.livemode,
      Buffer.from(key.keyHash, 'hex'),
      key.apiVersion,
      key.operator,
    ],
  );
}

/** What revoking a key found: it was live, it was revoked before, the merchant has no such key. */
export async function revokeKey(
  client: Queryable,
  key: { id: string; merchantId: string; operator: string; now: Date },
): Promise<'REVOKED' | 'REVOKED_BEFORE' | 'UNKNOWN'> {
  const { rowCount } = await client.query(
    `update merchant_key set revoked_at = $3, revoked_by = $4
     where id = $1 and merchant_id = $2 and revoked_at is null`,
    [key.id, key.merchantId, key.now, key.operator],
  );
  if (rowCount === 1) return 'REVOKED';
  const { rows } = await client.query(
    'select from merchant_key where id = $1 and merchant_id = $2',
    [key.id, key.merchantId],
  );
  return rows.length === 1 ? 'REVOKED_BEFORE' : 'UNKNOWN';
}
