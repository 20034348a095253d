import type { Queryable } from '@mini-pg/database';
import type { DataOf } from '@mini-pg/domain';

type Merchant = DataOf<'merchant.updated'>;

const UPSERT_MERCHANTS = {
  name: 'upsert-merchants',
  text: `
    insert into merchant (id, name, status, version, updated_at)
    select id, name, status, version, updated_at
    from unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::timestamptz[])
      as incoming (id, name, status, version, updated_at)
    order by id
    on conflict (id) do update
      set (name, status, version, updated_at)
        = (excluded.name, excluded.status, excluded.version, excluded.updated_at)
      where merchant.version < excluded.version
    returning id`,
};

/** Terms that a newer version leaves out were withdrawn before they took effect. */
const REPLACE_TERMS = {
  name: 'replace-terms',
  text: `
    with incoming as (
      select *
      from unnest(
        $2::uuid[], $3::date[], $4::int[], $5::bigint[], $6::text[], $7::int[]
      ) as terms (merchant_id, from_date, fee_ppm, fixed_fee, vat_mode, payout_days)
    ),
    withdrawn as (
      delete from merchant_terms stored
      where stored.merchant_id = any($1::uuid[])
        and not exists (
          select from incoming
          where incoming.merchant_id = stored.merchant_id
            and incoming.from_date = stored.from_date
        )
    )
    insert into merchant_terms
      (merchant_id, from_date, fee_ppm, fixed_fee, vat_mode, payout_days)
    select merchant_id, from_date, fee_ppm, fixed_fee, vat_mode, payout_days from incoming
    on conflict (merchant_id, from_date) do update
      set (fee_ppm, fixed_fee, vat_mode, payout_days)
        = (excluded.fee_ppm, excluded.fixed_fee, excluded.vat_mode, excluded.payout_days)`,
};

/**
 * Stores merchants with all their dated terms, unless the stored version is as new. Returns the ids
 * that changed.
 */
export async function storeMerchants(
  client: Queryable,
  updates: readonly Merchant[],
): Promise<string[]> {
  const merchants = newestOfEach(updates);
  if (merchants.length === 0) return [];
  const { rows } = await client.query<{ id: string }>({
    ...UPSERT_MERCHANTS,
    values: [
      merchants.map((merchant) => merchant.merchantId),
      merchants.map((merchant) => merchant.name),
      merchants.map((merchant) => merchant.status),
      merchants.map((merchant) => merchant.version),
      merchants.map((merchant) => merchant.updatedAt),
    ],
  });
  const changed = new Set(rows.map((row) => row.id));
  await replaceTerms(
    client,
    merchants.filter((merchant) => changed.has(merchant.merchantId)),
  );
  return [...changed];
}

async function replaceTerms(client: Queryable, merchants: readonly Merchant[]): Promise<void> {
  if (merchants.length === 0) return;
  const terms = merchants.flatMap(({ merchantId, terms: dated }) =>
    dated.map((one) => ({ merchantId, ...one })),
  );
  await client.query({
    ...REPLACE_TERMS,
    values: [
      merchants.map((merchant) => merchant.merchantId),
      terms.map((one) => one.merchantId),
      terms.map((one) => one.from),
      terms.map((one) => one.feePpm),
      terms.map((one) => one.fixedFee),
      terms.map((one) => one.vatMode),
      terms.map((one) => one.payoutDays),
    ],
  });
}

/** One statement may touch a row once only, so a batch is folded to the newest of each merchant. */
function newestOfEach(updates: readonly Merchant[]): Merchant[] {
  const newest = new Map<string, Merchant>();
  for (const update of updates) {
    const known = newest.get(update.merchantId);
    if (known === undefined || known.version < update.version) {
      newest.set(update.merchantId, update);
    }
  }
  return [...newest.values()];
}
