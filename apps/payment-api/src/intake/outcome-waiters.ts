import { failpoint, type Logger, type Loop, startLoop } from '@mini-pg/runtime';
import type { StoredPayment } from '../payments/repository.ts';
import type { FastRedis } from '../redis/fast-redis.ts';

/**
 * Requests that wait for the outcome of a payment, by its id, or of a cancel, by its wait id, on
 * whichever instance it is projected.
 */
export interface OutcomeWaiters {
  /** Whether no more may wait. */
  readonly isFull: boolean;
  /** A request as it may wait now: who finds no place is answered at once. */
  fitting<Request extends { readonly waitSeconds: number }>(request: Request): Request;
  /** Registers before it is stored, so that no outcome can pass unseen. */
  register(waitId: string): OutcomeWaiter;
  /**
   * Wakes the waiters of what has an outcome, here and on the other instances. Those here that wait
   * for a payment get what was read of it with it.
   */
  announce(waitIds: readonly string[], read?: readonly StoredPayment[]): Promise<void>;
  /** Ends every wait at once: the process is stopping. */
  stop(): Promise<void>;
}

export interface OutcomeWaiter {
  /** Resolves with the outcome or when the time is over; null when the payment is to be read. */
  wait(untilMs: number): Promise<StoredPayment | null>;
  cancel(): void;
}

/** The net below the channel: how often the rows of all who wait are looked at. */
const POLL_MS = 500;
const WAITING_MAX = 10_000;

interface Waiting {
  decided: boolean;
  payment: StoredPayment | null;
  wake: () => void;
}

export function createOutcomeWaiters(options: {
  readonly redis: FastRedis;
  readonly channel: string;
  readonly readDecided: (waitIds: readonly string[]) => Promise<readonly string[]>;
  readonly logger: Logger;
  /** How many may wait at once. */
  readonly waitingMax?: number | undefined;
}): OutcomeWaiters {
  const { waitingMax = WAITING_MAX } = options;
  const waiting = new Map<string, Waiting>();
  let stopping = false;
  const isFull = (): boolean => waiting.size >= waitingMax;

  const wake = (waitIds: readonly string[], read: readonly StoredPayment[] = []) => {
    const payments = new Map(read.map((payment) => [payment.id, payment]));
    for (const id of waitIds) {
      const waiter = waiting.get(id);
      if (waiter === undefined) continue;
      waiter.decided = true;
      waiter.payment ??= payments.get(id) ?? null;
      waiter.wake();
    }
  };

  const poll: Loop = startLoop({
    name: 'outcome-waiters',
    idleMs: POLL_MS,
    logger: options.logger,
    runOnce: async () => {
      if (waiting.size > 0) wake(await options.readDecided([...waiting.keys()]));
      return 0;
    },
  });
  void options.redis.subscribe(options.channel, (message) => wake(message.split(',')));

  return {
    get isFull() {
      return isFull();
    },
    fitting: (request) => (isFull() ? { ...request, waitSeconds: 0 } : request),
    register(waitId) {
      const entry: Waiting = { decided: false, payment: null, wake: () => undefined };
      waiting.set(waitId, entry);
      return {
        async wait(untilMs) {
          const leftMs = untilMs - performance.now();
          if (!entry.decided && !stopping && leftMs > 0) {
            await new Promise<void>((resolve) => {
              const timer = setTimeout(resolve, leftMs);
              entry.wake = () => {
                clearTimeout(timer);
                resolve();
              };
            });
          }
          waiting.delete(waitId);
          return entry.payment;
        },
        cancel: () => waiting.delete(waitId),
      };
    },
    async announce(waitIds, read) {
      if (waitIds.length === 0) return;
      wake(waitIds, read);
      failpoint('payment-api.wake.before-publish');
      await options.redis.run((client) => client.publish(options.channel, waitIds.join(',')));
      failpoint('payment-api.wake.after-publish');
    },
    async stop() {
      stopping = true;
      for (const entry of waiting.values()) entry.wake();
      await poll.stop();
    },
  };
}
