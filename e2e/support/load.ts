import { setTimeout as sleep } from 'node:timers/promises';
import type { System } from '@mini-pg/local-stack';
import type { Answer } from './http.ts';
import {
  type Merchant,
  openWindow,
  type Payment,
  type PaymentBody,
  paymentOf,
} from './merchant.ts';

const AT_ONCE = 8;
const RETRY_MS = 100;
/** A minute: a request that was killed blocks its key for half of it. */
const RETRIES_MAX = 600;

/** A payment that was taken, and every status on the way there; 0 where no answer came. */
export interface Taken {
  readonly body: PaymentBody;
  readonly key: string;
  readonly paymentId: string;
  readonly statuses: readonly number[];
  /** Answers that were no payment. */
  readonly refusals: readonly Answer[];
}

export interface Load {
  /** How many payments have been taken. */
  readonly taken: number;
  /** How many answers were no payment. */
  readonly refused: number;
  readonly done: Promise<Taken[]>;
}

/** Makes payments one after the other, several at once, each again with its key until it is taken. */
export function startLoad(
  system: System,
  merchant: Merchant,
  options: { name: string; count: number; scenarioOf?: (index: number) => string },
): Load {
  const { name, count, scenarioOf = () => 'slow:50' } = options;
  const state = { taken: 0, refused: 0 };
  const onRefused = () => {
    state.refused += 1;
  };
  const indexes = Array.from({ length: count }, (_, index) => index);
  const done = eachAtOnce(indexes, AT_ONCE, async (index) => {
    const orderId = `${name}-${String(index).padStart(5, '0')}`;
    const window = { orderId, amount: 1_000 + index, scenario: scenarioOf(index) };
    const body = await openWindow(system, window);
    const taken = await payUntilTaken(merchant, body, { key: `key-${orderId}`, onRefused });
    state.taken += 1;
    return taken;
  });
  // Whoever awaits it sees the failure; until then it is nobody's unhandled one.
  done.catch(() => {});
  return {
    get taken() {
      return state.taken;
    },
    get refused() {
      return state.refused;
    },
    done,
  };
}

async function payUntilTaken(
  merchant: Merchant,
  body: PaymentBody,
  { key, onRefused }: { readonly key: string; readonly onRefused: () => void },
): Promise<Taken> {
  const statuses: number[] = [];
  const refusals: Answer[] = [];
  while (statuses.length < RETRIES_MAX) {
    const answer = await merchant.pay(body, key).catch(() => undefined);
    statuses.push(answer?.status ?? 0);
    if (answer?.status === 202 || answer?.status === 201) {
      return { body, key, paymentId: paymentOf(answer).id, statuses, refusals };
    }
    if (answer && !mayRepeat(answer.status)) {
      throw new Error(`${body.orderId}: ${answer.status} ${answer.text}`);
    }
    if (answer) refusals.push(answer);
    onRefused();
    await sleep(RETRY_MS);
  }
  throw new Error(`${body.orderId} was not taken in ${RETRIES_MAX} tries: ${statuses.slice(-5)}`);
}

/** What a merchant's server repeats with the same key: nothing is known of it, or it is running. */
function mayRepeat(status: number): boolean {
  return status === 409 || status === 429 || status >= 500;
}

const OUTCOME_TIMEOUT_MS = 60_000;

/** Waits until every payment has its outcome; in the order of the ids. */
export function awaitOutcomes(
  merchant: Merchant,
  ids: readonly string[],
  timeoutMs: number = OUTCOME_TIMEOUT_MS,
): Promise<Payment[]> {
  const deadline = performance.now() + timeoutMs;
  return eachAtOnce(ids, AT_ONCE, async (id) => {
    for (;;) {
      const payment = await merchant.payment(id);
      if (payment.status !== 'REQUESTED') return payment;
      if (performance.now() > deadline) throw new Error(`${payment.orderId} has no outcome`);
      await sleep(RETRY_MS);
    }
  });
}

/** Does the work for each item, several at once; results in the order of the items. */
export async function eachAtOnce<T, R>(
  items: readonly T[],
  atOnce: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  const waiting = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of waiting) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
