import { setTimeout as sleep } from 'node:timers/promises';
import type { Service } from '@mini-pg/local-stack';
import { waitFor } from '@mini-pg/testing';
import { eachAtOnce } from '../support/load.ts';
import type { Fault } from './faults.ts';
import type { Order } from './traffic.ts';
import { openPayments } from './verdict.ts';

const READS_AT_ONCE = 8;
/** How often what is shown is looked at again, while an old entry could stand. */
const LOOKS = 10;
const LOOK_EVERY_MS = 200;
/** By then the other instance has the partitions of the one that stands still, and caught up. */
const CATCH_UP_TIMEOUT_MS = 20_000;

/** What a slow instance has read must not replace what a quicker one wrote since. */
export function staleReader(): Fault {
  return {
    name: 'payment-api is stopped between its read and its write to the cache',
    what: 'another instance shows newer versions meanwhile; then the old one arrives',
    strike: async (living, orders) => {
      const [slow, quick] = [0, 1].map((index) => living.system.service('payment-api', index));
      if (!slow || !quick) throw new Error('There are two instances.');
      await quick.start();
      const armed = await living.arm(slow, 'payment-api.status-cache.before-fill:2:pause');
      await armed.paused();
      await waitFor(async () => (await openPayments(living, orders)).length === 0, {
        what: 'the other instance to show every end',
        timeoutMs: CATCH_UP_TIMEOUT_MS,
      }).catch(() => undefined);
      // Read now, so that what is newer stands in the cache when what is older arrives.
      const ended = await shownAs(orders, quick, (status) => status !== 'REQUESTED');
      await slow.kill('SIGCONT');
      return { at: performance.now(), faults: await lookForStale(ended, quick) };
    },
    tidy: async ({ system }) => {
      await system.service('payment-api', 1).stop();
      await system.service('payment-api').start();
    },
  };
}

/** The orders of which an instance shows a payment in a status that is asked for. */
async function shownAs(
  orders: readonly Order[],
  { url }: Service,
  isAsked: (status: string) => boolean,
): Promise<Order[]> {
  const known = orders.filter(({ ids }) => ids.size > 0);
  const shown = await eachAtOnce(known, READS_AT_ONCE, async (order) => {
    const [id = ''] = order.ids;
    const { status } = await order.merchant.through(url).payment(id);
    return isAsked(status) ? [order] : [];
  });
  return shown.flat();
}

/** Whoever was shown the end of a payment must not be shown that it has none. */
async function lookForStale(ended: readonly Order[], quick: Service): Promise<string[]> {
  const stale = new Set<Order>();
  for (let look = 0; look < LOOKS; look += 1) {
    for (const order of await shownAs(ended, quick, (status) => status === 'REQUESTED')) {
      stale.add(order);
    }
    await sleep(LOOK_EVERY_MS);
  }
  return [...stale].map(({ orderId }) => `${orderId} was shown its end, and then as it was before`);
}
