import {
  createEvent,
  currencySchema,
  type DataOf,
  type EventOf,
  type Topic,
  toJsonInteger,
} from '@mini-pg/domain';
import { type OutboxRow, toOutboxRow } from '@mini-pg/messaging';
import { v5 } from 'uuid';
import type { Part } from './parts.ts';
import type { Run } from './run.ts';

/** Event ids are derived in this name space, so that a second try names its events the same. */
const EVENT_NAMESPACE = '6f1c2b1e-6d8a-4c1b-9f2e-0c5d8a7b4e31';

/** What a part of a statement tells the world: its lines, each payment, and at last the whole. */
export function eventsOf(part: Part, run: Run): OutboxRow[] {
  if (run.closedAt === null) throw new Error(`the totals of ${run.date} did not agree yet`);
  const time = run.closedAt.toISOString();
  const rows = [linesOf(part, time), ...settledOf(part, time)];
  if (part.itemsHash !== null) rows.push(closedOf(part, part.itemsHash, run.id, time));
  return rows;
}

function linesOf({ statement, part, parts, items }: Part, time: string): OutboxRow {
  const data: DataOf<'settlement.items'> = {
    merchantId: statement.merchantId,
    livemode: statement.livemode,
    settlementId: statement.id,
    date: statement.date,
    part,
    parts,
    items: [...items],
  };
  const event = eventOf('settlement.items', [statement.id, part], statement.merchantId, time, data);
  return toOutboxRow(event, { key: statement.merchantId });
}

/** A payment is settled by its own line; a cancel's line says nothing new about it. */
function settledOf({ statement, items }: Part, time: string): OutboxRow[] {
  const payments = items.filter((item) => item.kind === 'PAYMENT');
  return payments.map(({ id: itemId, paymentId }) => {
    const data: DataOf<'payment.settled'> = {
      merchantId: statement.merchantId,
      livemode: statement.livemode,
      paymentId,
      settlementId: statement.id,
      itemId,
      date: statement.date,
      settledAt: time,
    };
    const event = eventOf('payment.settled', [itemId], paymentId, time, data);
    return toOutboxRow(event, { key: paymentId });
  });
}

function closedOf({ statement }: Part, itemsHash: string, runId: string, time: string): OutboxRow {
  const { merchantId, count, gross, fee, vat, net } = statement;
  const data: DataOf<'settlement.closed'> = {
    merchantId,
    livemode: statement.livemode,
    settlementId: statement.id,
    runId,
    date: statement.date,
    currency: currencySchema.parse(statement.currency),
    count: toJsonInteger(count),
    gross: toJsonInteger(gross),
    fee: toJsonInteger(fee),
    vat: toJsonInteger(vat),
    net: toJsonInteger(net),
    payoutDate: statement.payoutDate,
    itemsHash,
    closedAt: time,
  };
  const event = eventOf('settlement.closed', [statement.id], merchantId, time, data);
  return toOutboxRow(event, { key: merchantId });
}

function eventOf<T extends Topic>(
  topic: T,
  name: readonly (string | number)[],
  subject: string,
  time: string,
  data: DataOf<T>,
): EventOf<T> {
  const id = v5([topic, ...name].join('/'), EVENT_NAMESPACE);
  return createEvent(topic, { id, source: 'settlement-worker', time, subject, data });
}
