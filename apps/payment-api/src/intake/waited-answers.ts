import type { PostgresPool } from '@mini-pg/database';
import { createCoalescer, QueueFullError } from '@mini-pg/runtime';
import { firstOutcome } from '../payments/facts.ts';
import { readPayments, type StoredPayment } from '../payments/repository.ts';
import { ResultUnknownError } from './intake-store.ts';
import { fixAnswers, type KeyName } from './key-row.ts';

/** A request whose wait is over. */
export interface WaitedRequest {
  readonly name: KeyName;
  readonly paymentId: string;
  /** What woke it, if it was handed on; else the payment is read. */
  readonly payment: StoredPayment | null;
}

export interface WaitedAnswer {
  readonly status: 201 | 202;
  readonly payment: StoredPayment;
}

/** Fixes the answers of requests that waited: those whose wait ends together by one statement. */
export interface WaitedAnswers {
  /** @throws ResultUnknownError when too many are being fixed already */
  fix(request: WaitedRequest): Promise<WaitedAnswer>;
  /** Fixes what is queued. */
  drain(): Promise<void>;
}

const BATCH_MAX = 500;
/** Requests whose wait is over and whose answer is not fixed yet. */
const QUEUE_MAX = 50_000;

export function createWaitedAnswers(pool: PostgresPool): WaitedAnswers {
  const coalescer = createCoalescer<WaitedRequest, WaitedAnswer>({
    flush: (requests) => fixAll(pool, requests),
    batchMax: BATCH_MAX,
    queueMax: QUEUE_MAX,
  });
  return {
    async fix(request) {
      try {
        return await coalescer.submit(request);
      } catch (error) {
        if (!(error instanceof QueueFullError)) throw error;
        throw new ResultUnknownError('the answer cannot be fixed', { cause: error });
      }
    },
    drain: () => coalescer.drain(),
  };
}

async function fixAll(
  pool: PostgresPool,
  requests: readonly WaitedRequest[],
): Promise<WaitedAnswer[]> {
  const unread = requests.flatMap(({ payment, paymentId }) => (payment ? [] : [paymentId]));
  const rows = unread.length === 0 ? [] : await readPayments(pool, unread);
  const read = new Map(rows.map((row) => [row.id, row]));
  const payments = requests.map(({ payment, paymentId }) => {
    const found = payment ?? read.get(paymentId);
    if (found === undefined) throw new Error('a stored key must have its payment');
    return found;
  });
  // Others only ever fix 202, so a 201 is this one's own: the outcome is among the facts at hand.
  const wanted = requests.map(
    ({ name }, index) =>
      ({
        name,
        answer: firstOutcome(payments[index]?.facts ?? []) === undefined ? 202 : 201,
      }) as const,
  );
  const fixed = await fixAnswers(pool, wanted);
  return payments.map((payment, index) => ({ payment, status: fixed[index] ?? 202 }));
}
