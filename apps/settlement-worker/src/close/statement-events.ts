import { createEvent, currencySchema, toJsonInteger } from '@mini-pg/domain';
import { type OutboxRow, toOutboxRow } from '@mini-pg/messaging';
import { eventIdOf } from './event-id.ts';
import type { Part } from './parts.ts';
import type { Run } from './run.ts';

/** `settlement.items`: one part of a statement's lines. */
export function itemsEvent({ statement, part, parts, items }: Part, time: string): OutboxRow {
  const { id: settlementId, merchantId, livemode, date } = statement;
  const event = createEvent('settlement.items', {
    id: eventIdOf('settlement.items', settlementId, part),
    source: 'settlement-worker',
    time,
    subject: merchantId,
    data: { merchantId, livemode, settlementId, date, part, parts, items: [...items] },
  });
  return toOutboxRow(event, { key: merchantId });
}

/** `settlement.closed`: a statement as a whole, with the hash over its lines. */
export function closedEvent(
  statement: Part['statement'],
  itemsHash: string,
  run: Run,
  time: string,
): OutboxRow {
  const { id: settlementId, merchantId, livemode, date, payoutDate } = statement;
  const event = createEvent('settlement.closed', {
    id: eventIdOf('settlement.closed', settlementId),
    source: 'settlement-worker',
    time,
    subject: merchantId,
    data: {
      merchantId,
      livemode,
      settlementId,
      runId: run.id,
      date,
      currency: currencySchema.parse(statement.currency),
      count: toJsonInteger(statement.count),
      gross: toJsonInteger(statement.gross),
      fee: toJsonInteger(statement.fee),
      vat: toJsonInteger(statement.vat),
      net: toJsonInteger(statement.net),
      carryIn: toJsonInteger(statement.carryIn),
      payout: toJsonInteger(statement.payout),
      carryOut: toJsonInteger(statement.carryOut),
      payoutDate,
      itemsHash,
      closedAt: time,
    },
  });
  return toOutboxRow(event, { key: merchantId });
}
