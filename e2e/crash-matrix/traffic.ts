import { setTimeout as sleep } from 'node:timers/promises';
import { constantArrivals } from '@mini-pg/bench';
import type { System } from '@mini-pg/local-stack';
import { z } from 'zod';
import { type Merchant, openWindow, paymentOf } from '../support/merchant.ts';

/** What a merchant's server wants once, and everything that it heard about it. */
export interface Order {
  readonly orderId: string;
  readonly key: string;
  readonly kind: string;
  readonly merchant: Merchant;
  /** The order number that the gateway's window was opened with. */
  readonly windowOrderId: string;
  readonly sentAtMs: number;
  /** An open exception is an end for it. */
  readonly mayNeedPerson: boolean;
  /** Every payment that it was told of: more than one is a payment made twice. */
  readonly ids: Set<string>;
  readonly statuses: number[];
  /** Every cancel that it was told of. */
  readonly cancelIds: Set<string>;
  /** Whether nothing more is sent about it. */
  isOver: boolean;
  /** When it was seen that its payments and cancels had come to their end. */
  endedAtMs: number | undefined;
  /** Why it has no payment though nobody may refuse it. */
  fault: string | undefined;
  /** It was refused by an answer, and not by silence. */
  wasRefusedAnswer: boolean;
}

export interface Traffic {
  readonly orders: readonly Order[];
  /** Sends nothing new; resolves when every order is answered or given up. */
  stop(): Promise<void>;
  /** Sends nothing at all any more. */
  abort(): void;
}

export interface TrafficOptions {
  readonly name: string;
  readonly ratePerSecond: number;
}

interface Kind {
  readonly name: string;
  readonly scenario: string;
  readonly waitSeconds?: number;
  /** Requests with the same key at the same moment. */
  readonly copies?: number;
  /** Another order for the same source. */
  readonly hasRival?: boolean;
  /** Refused before anything is written. */
  readonly isRefused?: boolean;
  /** When its payment expires unless it was called by then. */
  readonly livesMs?: number;
  /**
   * What the gateway says of it may leave the outcome open until its window is over, which takes
   * longer than any row: then a person was told, and that is its end here.
   */
  readonly mayNeedPerson?: boolean;
  /** All of it once it is approved, or at once; or three times the most of it at the same moment. */
  readonly cancel?: 'WHOLE' | 'AT_ONCE' | 'TOO_MUCH';
}

/** Each key charges: so nothing but our own care keeps a payment single. */
const charging = (terms: string): string => `${terms},charges-each-key`;

/** What is sent, in turn. Half of it goes wrong on its way. */
const KINDS: readonly Kind[] = [
  { name: 'plain', scenario: charging('slow:40') },
  { name: 'answer lost', scenario: charging('reset-after-capture') },
  { name: 'waits', scenario: charging('slow:40'), waitSeconds: 3 },
  { name: 'cut before', scenario: charging('reset-before') },
  { name: 'twice', scenario: charging('slow:40'), copies: 2 },
  { name: 'declined', scenario: 'decline:REJECT_CARD_PAYMENT' },
  { name: 'rivals', scenario: charging('reset-before'), hasRival: true },
  { name: 'refused', scenario: 'approve', isRefused: true },
  { name: 'declined late', scenario: 'reset-before,decline:REJECT_CARD_PAYMENT' },
  {
    name: 'passing refusal',
    scenario: charging('decline-once:MAINTAINED_METHOD'),
    mayNeedPerson: true,
  },
  { name: 'captured late', scenario: charging('late:800') },
  { name: 'short-lived', scenario: charging('slow:300'), livesMs: 2_500 },
  { name: 'found late', scenario: charging('not-found-for:400') },
  { name: 'plain', scenario: charging('slow:200') },
  { name: 'cancelled', scenario: charging('slow:40'), cancel: 'WHOLE' },
  { name: 'cancelled in parts', scenario: charging('slow:40'), cancel: 'TOO_MUCH' },
  { name: 'cancelled at once', scenario: charging('slow:200'), cancel: 'AT_ONCE' },
  { name: 'fault after', scenario: charging('500-after-capture') },
  { name: 'deposit', scenario: 'waiting-for-deposit' },
];

const TRAFFIC_MAX_MS = 3_600_000;
const TICK_MS = 5;
const RETRY_MS = 100;
/** A request that was killed blocks its key for half a minute. */
const TRIES_MAX = 900;
const REQUEST_TIMEOUT_MS = 8_000;
const OPEN_MAX = 5_000;
const AMOUNT_MIN = 1_000;
/** Two such parts are more than the whole. */
const MOST_OF_IT = 0.6;
const APPROVAL_TRIES_MAX = 300;

/** Open loop: orders come at a constant rate, whatever becomes of those before. */
export function startTraffic(
  system: System,
  merchants: readonly Merchant[],
  { name, ratePerSecond }: TrafficOptions,
): Traffic {
  const orders: Order[] = [];
  const open = new Set<Promise<void>>();
  const arrivals = constantArrivals(ratePerSecond, TRAFFIC_MAX_MS);
  const startedAt = performance.now();
  let index = 0;
  const arrive = (): void => {
    const kind = KINDS[index % KINDS.length];
    const merchant = merchants[index % merchants.length];
    if (kind === undefined || merchant === undefined || open.size >= OPEN_MAX) return;
    const made = makeOrders(kind, merchant, `${name}-${String(index).padStart(6, '0')}`);
    index += 1;
    orders.push(...made);
    const work = send(system, kind, made).finally(() => open.delete(work));
    open.add(work);
  };
  const ticks = setInterval(() => {
    const due = arrivals.dueAt(performance.now() - startedAt);
    while (index < due && open.size < OPEN_MAX) arrive();
  }, TICK_MS);
  return {
    orders,
    async stop() {
      clearInterval(ticks);
      await Promise.all(open);
    },
    abort() {
      clearInterval(ticks);
      for (const order of orders) order.isOver = true;
    },
  };
}

function makeOrders(kind: Kind, merchant: Merchant, windowOrderId: string): Order[] {
  const orderIds = kind.hasRival ? [windowOrderId, `${windowOrderId}-rival`] : [windowOrderId];
  return orderIds.map((orderId) => ({
    orderId,
    key: `key-${orderId}`,
    kind: kind.name,
    merchant: merchant.within(REQUEST_TIMEOUT_MS),
    windowOrderId,
    sentAtMs: performance.now(),
    mayNeedPerson: kind.mayNeedPerson ?? false,
    ids: new Set<string>(),
    statuses: [],
    cancelIds: new Set<string>(),
    isOver: false,
    endedAtMs: undefined,
    fault: undefined,
    wasRefusedAnswer: false,
  }));
}

async function send(system: System, kind: Kind, orders: readonly Order[]): Promise<void> {
  const [first] = orders;
  if (first === undefined) return;
  const window = {
    orderId: first.windowOrderId,
    amount: AMOUNT_MIN + orders.length,
    scenario: kind.scenario,
  };
  try {
    const { source, amount } = await openWindow(system, window);
    const pgOrderId = first.windowOrderId;
    const copies = orders.flatMap((order) => Array.from({ length: kind.copies ?? 1 }, () => order));
    await Promise.all(
      copies.map((order) =>
        takeOnce(order, kind, {
          orderId: order.orderId,
          amount,
          source: { ...source, pgOrderId, ...(kind.isRefused && { pg: 'kakaopay' }) },
          ...(kind.livesMs && { expiresAt: new Date(Date.now() + kind.livesMs).toISOString() }),
        }),
      ),
    );
    if (kind.cancel) await cancel(first, kind.cancel, amount);
  } catch (error) {
    for (const order of orders) order.fault ??= error instanceof Error ? error.message : `${error}`;
  } finally {
    for (const order of orders) order.isOver = true;
  }
}

/** As a merchant's server does it: the same request with the same key until there is an answer. */
async function takeOnce(order: Order, kind: Kind, body: object): Promise<void> {
  for (let tries = 0; tries < TRIES_MAX && !order.isOver; tries += 1) {
    const answer = await order.merchant
      .pay(body, order.key, kind.waitSeconds)
      .catch(() => undefined);
    order.statuses.push(answer?.status ?? 0);
    if (answer?.status === 202 || answer?.status === 201) {
      const { id } = paymentOf(answer);
      order.ids.add(id);
      // As a shop does that shows its customer how it stands; what it shows is judged elsewhere.
      await order.merchant.payment(id).catch(() => undefined);
      return;
    }
    if (kind.isRefused && answer?.status === 422) return;
    // By a clock that is ahead its life is over already.
    if (kind.livesMs && answer?.status === 400) return;
    if (answer && !mayRepeat(answer.status, answer.text)) {
      order.fault = `${answer.status} ${answer.text}`;
      order.wasRefusedAnswer = true;
      return;
    }
    await sleep(RETRY_MS);
  }
  order.fault = `not taken: ${order.statuses.slice(-5)}`;
}

/** Cancels a payment as its merchant does; of parts that are too much together one is taken. */
async function cancel(
  order: Order,
  how: NonNullable<Kind['cancel']>,
  amount: number,
): Promise<void> {
  const [id] = order.ids;
  if (id === undefined) return;
  if (how !== 'AT_ONCE' && !(await isApproved(order, id))) return;
  const part = how === 'TOO_MUCH' ? Math.ceil(amount * MOST_OF_IT) : undefined;
  const copies = how === 'TOO_MUCH' ? 3 : 1;
  await Promise.all(
    Array.from({ length: copies }, (_, copy) => cancelOnce(order, id, `cancel-${copy}`, part)),
  );
  if (order.cancelIds.size <= 1) return;
  order.fault = `${order.cancelIds.size} cancels of most of it were taken`;
  order.wasRefusedAnswer = true;
}

async function isApproved(order: Order, id: string): Promise<boolean> {
  for (let tries = 0; tries < APPROVAL_TRIES_MAX && !order.isOver; tries += 1) {
    const payment = await order.merchant.payment(id).catch(() => undefined);
    if (payment && payment.status !== 'REQUESTED') return payment.status === 'APPROVED';
    await sleep(RETRY_MS);
  }
  return false;
}

/** The same request with the same key until there is an answer. */
async function cancelOnce(
  order: Order,
  paymentId: string,
  name: string,
  amount: number | undefined,
): Promise<void> {
  const key = `${order.key}-${name}`;
  const body = { reason: 'the customer asked for it', ...(amount !== undefined && { amount }) };
  for (let tries = 0; tries < TRIES_MAX && !order.isOver; tries += 1) {
    const answer = await order.merchant.cancel(paymentId, body, key).catch(() => undefined);
    if (answer?.status === 202 || answer?.status === 201) {
      order.cancelIds.add(z.object({ id: z.uuid() }).parse(JSON.parse(answer.text)).id);
      return;
    }
    if (answer && REFUSED_CANCEL.test(answer.text)) return;
    if (answer && !mayRepeat(answer.status, answer.text)) {
      order.fault = `${answer.status} ${answer.text}`;
      order.wasRefusedAnswer = true;
      return;
    }
    await sleep(RETRY_MS);
  }
  order.fault = 'not taken: a cancel';
}

/** What is left is less, or there is nothing to cancel. */
const REFUSED_CANCEL = /AMOUNT_EXCEEDS_BALANCE|PAYMENT_NOT_CANCELABLE/;

function mayRepeat(status: number, text: string): boolean {
  return (
    status === 429 || status >= 500 || (status === 409 && text.includes('IDEMPOTENCY_KEY_IN_USE'))
  );
}
