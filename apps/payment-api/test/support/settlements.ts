import { createEvent, type DataOf, hashItems, type SettlementItem } from '@mini-pg/domain';
import type { ReceivedEvent } from '@mini-pg/messaging';
import { newId } from '@mini-pg/runtime';

type Received = ReceivedEvent<'settlement.closed' | 'settlement.items'>;

const CLOSED_AT = '2026-03-31T15:10:00.000Z';

/** A closed statement and the events that tell of it, as settlement-worker sends them. */
export interface Statement {
  readonly id: string;
  readonly items: SettlementItem[];
  readonly closed: Received;
  readonly parts: Received[];
}

export function statement(options: {
  readonly merchantId: string;
  readonly livemode?: boolean;
  readonly date?: string;
  readonly count?: number;
  readonly perPart?: number;
  readonly items?: SettlementItem[];
  /** What earlier statements were short of; left out of the event unless given. */
  readonly carryIn?: number;
}): Statement {
  const { merchantId, livemode = true, date = '2026-03-31', count = 3, perPart = 2 } = options;
  const id = newId();
  const items = options.items ?? Array.from({ length: count }, (_, index) => item(index, date));
  const about = { merchantId, livemode, settlementId: id, date };
  const sum = (field: 'amount' | 'fee' | 'vat' | 'net') =>
    items.reduce((total, line) => total + line[field], 0);
  const closed: DataOf<'settlement.closed'> = {
    ...about,
    runId: newId(),
    currency: 'KRW',
    count: items.length,
    gross: sum('amount'),
    fee: sum('fee'),
    vat: sum('vat'),
    net: sum('net'),
    ...(options.carryIn !== undefined && { carryIn: options.carryIn }),
    payoutDate: '2026-04-03',
    itemsHash: hashItems(items),
    closedAt: CLOSED_AT,
  };
  const parts = Math.ceil(items.length / perPart);
  return {
    id,
    items: [...items].sort((a, b) => (a.id < b.id ? -1 : 1)),
    closed: received('settlement.closed', merchantId, closed),
    parts: Array.from({ length: parts }, (_, index) =>
      received('settlement.items', merchantId, {
        ...about,
        part: index + 1,
        parts,
        items: items.slice(index * perPart, (index + 1) * perPart),
      }),
    ),
  };
}

/** Every third line is a cancel. */
export function item(index: number, saleDate = '2026-03-31'): SettlementItem {
  const sign = index % 3 === 2 ? -1 : 1;
  const amount = sign * (10_000 + index);
  const fee = sign * 290;
  const vat = sign * 29;
  return {
    id: newId(),
    kind: sign === 1 ? 'PAYMENT' : 'CANCEL',
    paymentId: newId(),
    orderId: `order-${String(index).padStart(6, '0')}`,
    saleDate,
    amount,
    fee,
    vat,
    net: amount - fee - vat,
  };
}

function received<T extends 'settlement.closed' | 'settlement.items'>(
  topic: T,
  merchantId: string,
  data: DataOf<T>,
): Received {
  const event = createEvent(topic, {
    id: newId(),
    source: 'settlement-worker',
    time: CLOSED_AT,
    subject: merchantId,
    data,
  });
  return {
    topic,
    event,
    key: merchantId,
    partition: 0,
    offset: 0n,
    traceparent: undefined,
    traceId: null,
  } as unknown as Received;
}
