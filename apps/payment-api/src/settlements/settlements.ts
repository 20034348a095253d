import type { PostgresPool } from '@mini-pg/database';
import type { SettlementItem } from '@mini-pg/domain';
import { ProblemError } from '@mini-pg/runtime';
import { z } from 'zod';
import { createCursorCodec } from '../http/cursor.ts';
import { dateSchema } from '../http/schemas.ts';
import type { Principal } from '../principal.ts';
import { findItems, findSettlement, findSettlements } from './settlement-repository.ts';
import type { ListSettlements, SettlementView } from './settlement-schemas.ts';

export interface Page<Row> {
  readonly data: Row[];
  readonly nextCursor: string | null;
}

export interface SettlementDeps {
  readonly pool: PostgresPool;
}

/** Lines follow within seconds of the close. */
const INCOMPLETE_RETRY_AFTER_SECONDS = 5;

const settlementCursors = createCursorCodec('settlements', z.tuple([dateSchema, z.uuid()]));
const itemCursors = createCursorCodec('settlement-items', z.uuid());

/**
 * The settlements of a merchant in one mode, the newest date first.
 *
 * @throws ProblemError VALIDATION_FAILED, INVALID_CURSOR
 */
export async function listSettlements(
  deps: SettlementDeps,
  principal: Principal,
  query: ListSettlements,
): Promise<Page<SettlementView>> {
  const { from = null, to = null, limit, cursor } = query;
  if (from !== null && to !== null && from > to) {
    throw new ProblemError('VALIDATION_FAILED', {
      errors: [{ pointer: 'from', message: 'must not be after to' }],
    });
  }
  const after = cursor === undefined ? null : settlementCursors.decode(cursor);
  const range = { from, to, after, limit: limit + 1 };
  const found = await findSettlements(deps.pool, principal, range);
  return pageOf(found, limit, (last) => settlementCursors.encode([last.date, last.id]));
}

/** @throws ProblemError NOT_FOUND for an unknown settlement and for another merchant's or mode's. */
export async function readSettlement(
  deps: SettlementDeps,
  principal: Principal,
  id: string,
): Promise<SettlementView> {
  const settlement = await findSettlement(deps.pool, principal, id);
  if (settlement === null) throw new ProblemError('NOT_FOUND');
  return settlement;
}

/** A settlement whose lines are all here. @throws ProblemError NOT_FOUND, SETTLEMENT_INCOMPLETE */
export async function readComplete(
  deps: SettlementDeps,
  principal: Principal,
  id: string,
): Promise<SettlementView> {
  const settlement = await readSettlement(deps, principal, id);
  if (settlement.status === 'CLOSED') return settlement;
  throw new ProblemError('SETTLEMENT_INCOMPLETE', {
    retryAfterSeconds: INCOMPLETE_RETRY_AFTER_SECONDS,
  });
}

/** Items in the order of their ids. @throws ProblemError INVALID_CURSOR */
export async function listItems(
  deps: SettlementDeps,
  settlementId: string,
  query: { readonly cursor?: string | undefined; readonly limit: number },
): Promise<Page<SettlementItem>> {
  const after = query.cursor === undefined ? null : itemCursors.decode(query.cursor);
  const found = await findItems(deps.pool, settlementId, after, query.limit + 1);
  return pageOf(found, query.limit, (last) => itemCursors.encode(last.id));
}

function pageOf<Row>(found: Row[], limit: number, cursorOf: (last: Row) => string): Page<Row> {
  const data = found.slice(0, limit);
  const last = data.at(-1);
  const more = found.length > limit && last !== undefined;
  return { data, nextCursor: more ? cursorOf(last) : null };
}
