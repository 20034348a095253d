import { inTransaction, type PostgresClient, type PostgresPool } from '@mini-pg/database';
import { createItemsHash, type DataOf } from '@mini-pg/domain';
import { PoisonError, type ReceivedEvent } from '@mini-pg/messaging';
import { Counter, failpoint, type Logger, type Registry } from '@mini-pg/runtime';
import { readItems } from './settlement-repository.ts';

/** The topics that group `payment-api.settlements` reads. */
export const SETTLEMENT_TOPICS = ['settlement.closed', 'settlement.items'] as const;

type SettlementTopic = (typeof SETTLEMENT_TOPICS)[number];

export interface SettlementProjectionDeps {
  readonly pool: PostgresPool;
  readonly logger: Logger;
  readonly registry: Registry;
}

/** Handles a batch of events; a batch that was handled before changes nothing. */
export type ProjectSettlements = (
  events: readonly ReceivedEvent<SettlementTopic>[],
) => Promise<void>;

/**
 * Stores statements and their items in whatever order they come, and marks a statement complete
 * once all its lines are here. Completeness is looked at after the commit: of two instances that
 * store parts of one statement the one that commits last sees all of them.
 */
export function createSettlementProjection(deps: SettlementProjectionDeps): ProjectSettlements {
  const mismatches = new Counter({
    name: 'settlement_mismatches_total',
    help: 'Statements found to hold other lines than were closed; alert above 0',
    registers: [deps.registry],
  });
  return async (events) => {
    const closed: DataOf<'settlement.closed'>[] = [];
    const parts: DataOf<'settlement.items'>[] = [];
    for (const received of events) {
      if (received.topic === 'settlement.closed') closed.push(received.event.data);
      else parts.push(received.event.data);
    }
    await inTransaction(deps.pool, async (client) => {
      await insertSettlements(client, closed);
      await insertItems(client, parts);
      failpoint('payment-api.settlements.before-commit');
    });
    failpoint('payment-api.settlements.after-commit');
    const ids = new Set([...closed, ...parts].map((data) => data.settlementId));
    for (const id of [...ids].sort()) await completeStatement(deps, mismatches, id);
  };
}

async function insertSettlements(
  client: PostgresClient,
  closed: readonly DataOf<'settlement.closed'>[],
): Promise<void> {
  if (closed.length === 0) return;
  await client.query({
    name: 'insert_settlements',
    text: `insert into settlement (id, merchant_id, livemode, date, currency, count, gross, fee,
                                   vat, net, carry_in, payout_date, items_hash, closed_at)
           select * from unnest($1::uuid[], $2::uuid[], $3::boolean[], $4::date[], $5::text[],
                                $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
                                $10::bigint[], $11::bigint[], $12::date[], $13::text[],
                                $14::timestamptz[])
           order by 1
           on conflict (id) do nothing`,
    values: [
      closed.map((data) => data.settlementId),
      closed.map((data) => data.merchantId),
      closed.map((data) => data.livemode),
      closed.map((data) => data.date),
      closed.map((data) => data.currency),
      closed.map((data) => data.count),
      closed.map((data) => data.gross),
      closed.map((data) => data.fee),
      closed.map((data) => data.vat),
      closed.map((data) => data.net),
      closed.map(carriedInto),
      closed.map((data) => data.payoutDate),
      closed.map((data) => data.itemsHash),
      closed.map((data) => data.closedAt),
    ],
  });
  await assertStored(client, closed);
}

/** Older events do not tell it: nothing was carried then. */
function carriedInto({ carryIn = 0 }: DataOf<'settlement.closed'>): number {
  return carryIn;
}

/** A row that was there before must be this statement: a closed one never changes. */
async function assertStored(
  client: PostgresClient,
  closed: readonly DataOf<'settlement.closed'>[],
): Promise<void> {
  const { rows } = await client.query<{ id: string }>({
    name: 'differing_settlements',
    text: `select s.id from settlement s
           join unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[])
             as c (id, items_hash, count, net, carry_in) on c.id = s.id
           where (s.items_hash, s.count, s.net, s.carry_in)
             <> (c.items_hash, c.count, c.net, c.carry_in)`,
    values: [
      closed.map((data) => data.settlementId),
      closed.map((data) => data.itemsHash),
      closed.map((data) => data.count),
      closed.map((data) => data.net),
      closed.map(carriedInto),
    ],
  });
  if (rows[0] === undefined) return;
  throw new PoisonError(`settlement ${rows[0].id} was closed before with other lines`);
}

async function insertItems(
  client: PostgresClient,
  parts: readonly DataOf<'settlement.items'>[],
): Promise<void> {
  const lines = parts.flatMap((part) =>
    part.items.map((item) => ({ settlementId: part.settlementId, ...item })),
  );
  if (lines.length === 0) return;
  await client.query({
    name: 'insert_settlement_items',
    text: `insert into settlement_item (settlement_id, id, kind, payment_id, order_id, sale_date,
                                        amount, fee, vat, net)
           select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[],
                                $6::date[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[])
           order by 1, 2
           on conflict (settlement_id, id) do nothing`,
    values: [
      lines.map((line) => line.settlementId),
      lines.map((line) => line.id),
      lines.map((line) => line.kind),
      lines.map((line) => line.paymentId),
      lines.map((line) => line.orderId),
      lines.map((line) => line.saleDate),
      lines.map((line) => line.amount),
      lines.map((line) => line.fee),
      lines.map((line) => line.vat),
      lines.map((line) => line.net),
    ],
  });
}

/** Marks a statement complete when count and hash of its items are those that were closed. */
async function completeStatement(
  deps: SettlementProjectionDeps,
  mismatches: Counter,
  id: string,
): Promise<void> {
  const open = await readOpen(deps.pool, id);
  if (open === null || open.received < open.count) return;
  if (open.received > open.count || (await hashStored(deps.pool, id)) !== open.items_hash) {
    mismatches.inc();
    deps.logger.error({ settlementId: id }, 'the items of a settlement are not those closed');
    return;
  }
  failpoint('payment-api.settlements.before-complete');
  await deps.pool.query(
    'update settlement set complete_at = now() where id = $1 and complete_at is null',
    [id],
  );
  failpoint('payment-api.settlements.after-complete');
}

interface OpenStatement {
  readonly count: bigint;
  readonly items_hash: string;
  readonly received: bigint;
}

async function readOpen(pool: PostgresPool, id: string): Promise<OpenStatement | null> {
  const { rows } = await pool.query<OpenStatement>({
    name: 'read_open_settlement',
    text: `select s.count, s.items_hash,
                  (select count(*) from settlement_item i where i.settlement_id = s.id) as received
           from settlement s where s.id = $1 and s.complete_at is null`,
    values: [id],
  });
  return rows[0] ?? null;
}

async function hashStored(pool: PostgresPool, id: string): Promise<string> {
  const hash = createItemsHash();
  for await (const page of readItems(pool, id)) {
    for (const item of page) hash.add(item);
  }
  return hash.digest();
}
