import type { PostgresPool } from '@mini-pg/database';
import type { ReceivedEvent } from '@mini-pg/messaging';
import { failpoint } from '@mini-pg/runtime';

const STORE = {
  name: 'store-merchants',
  text: `
    insert into merchant (id, status, version, updated_at)
    select id, status, version, updated_at
    from unnest($1::uuid[], $2::text[], $3::int[], $4::timestamptz[])
      as m (id, status, version, updated_at)
    order by id
    on conflict (id) do update
    set status = excluded.status, version = excluded.version, updated_at = excluded.updated_at
    where merchant.version < excluded.version`,
};

/** Keeps the newest version of each merchant, in whatever order they come. */
export async function storeMerchants(
  pool: PostgresPool,
  events: readonly ReceivedEvent<'merchant.updated'>[],
): Promise<void> {
  const newest = new Map<string, (typeof events)[number]['event']['data']>();
  for (const { event } of events) {
    const known = newest.get(event.data.merchantId);
    if (!known || known.version < event.data.version) newest.set(event.data.merchantId, event.data);
  }
  const merchants = [...newest.values()];
  failpoint('pg-processor.merchants.before-commit');
  await pool.query({
    ...STORE,
    values: [
      merchants.map(({ merchantId }) => merchantId),
      merchants.map(({ status }) => status),
      merchants.map(({ version }) => version),
      merchants.map(({ updatedAt }) => updatedAt),
    ],
  });
  failpoint('pg-processor.merchants.after-commit');
}
