import { failpoint, type Logger, type Loop, startLoop } from '@mini-pg/runtime';
import type { StoredPayment } from '../payments/repository.ts';
import type { FastRedis } from '../redis/fast-redis.ts';

/** Requests that wait for a payment's outcome, on whichever instance it is projected. */
export interface OutcomeWaiters {
  /** Registers before the payment is stored, so that no outcome can pass unseen. */
  register(paymentId: string): OutcomeWaiter;
  /**
   * Wakes the waiters of payments that have an outcome, here and on the other instances. Those here
   * get what was read of their payment with it.
   */
  announce(paymentIds: readonly string[], read?: readonly StoredPayment[]): Promise<void>;
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

interface Waiting {
  decided: boolean;
  payment: StoredPayment | null;
  wake: () => void;
}

export function createOutcomeWaiters(options: {
  readonly redis: FastRedis;
  readonly channel: string;
  readonly readDecided: (paymentIds: readonly string[]) => Promise<readonly string[]>;
  readonly logger: Logger;
}): OutcomeWaiters {
  const waiting = new Map<string, Waiting>();
  let stopping = false;

  const wake = (paymentIds: readonly string[], read: readonly StoredPayment[] = []) => {
    const payments = new Map(read.map((payment) => [payment.id, payment]));
    for (const id of paymentIds) {
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
    register(paymentId) {
      const entry: Waiting = { decided: false, payment: null, wake: () => undefined };
      waiting.set(paymentId, entry);
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
          waiting.delete(paymentId);
          return entry.payment;
        },
        cancel: () => waiting.delete(paymentId),
      };
    },
    async announce(paymentIds, read) {
      if (paymentIds.length === 0) return;
      wake(paymentIds, read);
      failpoint('payment-api.wake.before-publish');
      await options.redis.run((client) => client.publish(options.channel, paymentIds.join(',')));
      failpoint('payment-api.wake.after-publish');
    },
    async stop() {
      stopping = true;
      for (const entry of waiting.values()) entry.wake();
      await poll.stop();
    },
  };
}
