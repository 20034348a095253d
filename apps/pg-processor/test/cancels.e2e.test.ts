import { waitFor } from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Instances, startInstances } from './instances.ts';
import { cancelOf, cancelsOf, type Requested, type RequestedCancel } from './rig.ts';

const ENDS_WITHIN_MS = 100_000;

/** What two cancels, of 6,000 and of the rest, come to under the simulator's scenarios. */
const SCENARIOS: readonly (readonly [scenario: string, states: readonly string[]])[] = [
  ['approve', ['DONE', 'DONE']],
  ['reset-after-capture', ['DONE', 'DONE']],
  ['cancel-slow:1000', ['DONE', 'DONE']],
  ['cancel-late:2000', ['DONE', 'DONE']],
  ['cancel-reset-before', ['DONE', 'DONE']],
  ['cancel-reset-after', ['DONE', 'DONE']],
  ['cancel-500-after', ['DONE', 'DONE']],
  ['cancel-garbage', ['DONE', 'DONE']],
  ['cancel-partial-after', ['DONE', 'DONE']],
  ['cancel-decline-once:CARD_PROCESSING_ERROR', ['DONE', 'DONE']],
  ['cancel-decline-once:NOT_CANCELABLE_PAYMENT', ['FAILED', 'DONE']],
  ['cancel-decline:NOT_CANCELABLE_PAYMENT', ['FAILED', 'FAILED']],
  ['decline:REJECT_CARD_COMPANY', ['FAILED', 'FAILED']],
];

let instances: Instances;
beforeAll(async () => {
  instances = await startInstances(['instance-0', 'instance-1']);
});
afterAll(() => instances.stop());

/** A part and the rest. */
function twoOf(request: Requested): RequestedCancel[] {
  const later = new Date(Date.now() + 1_000).toISOString();
  return [cancelOf(request, { amount: 6_000 }), cancelOf(request, { requestedAt: later })];
}

const approvedOf = (paymentId: string) => async () => {
  const { rowCount } = await instances.pool.query('select from outcome where payment_id = $1', [
    paymentId,
  ]);
  return (rowCount ?? 0) > 0;
};

const endOf = async ({ paymentId }: Requested, what: string) =>
  waitFor(
    async () => {
      const cancels = await cancelsOf(instances.pool, paymentId);
      const isOver = cancels.every(({ state }) => state === 'DONE' || state === 'FAILED');
      return cancels.length === 2 && isOver && cancels;
    },
    { what, timeoutMs: ENDS_WITHIN_MS, intervalMs: 250 },
  );

/** The money that went back, by the simulator's own books. */
const refundsOf = async (orderId: string) =>
  (await instances.ledger())
    .filter((row) => row.orderId === orderId && row.kind === 'CANCEL')
    .map(({ amount }) => amount);

describe('two cancels of a payment before the simulator', () => {
  it.concurrent.each(SCENARIOS)(
    'under %s end %s, and the PG gave back what is recorded',
    { timeout: ENDS_WITHIN_MS },
    async (scenario, states) => {
      const [request] = (await instances.openWindows([scenario])) as [Requested];
      await instances.publish([request]);
      await waitFor(approvedOf(request.paymentId), {
        what: `the outcome under ${scenario}`,
        timeoutMs: ENDS_WITHIN_MS,
      });
      await instances.publishCancels(twoOf(request));
      const cancels = await endOf(request, `the cancels under ${scenario}`);
      expect(cancels.map(({ state }) => state)).toEqual(states);
      const done = cancels.filter(({ state }) => state === 'DONE');
      expect(await refundsOf(request.orderId)).toEqual(done.map(({ amount }) => Number(amount)));
    },
  );
});

const PAYMENTS = 90;
const KILLS = 3;
const KILLED_SCENARIOS = ['cancel-slow:150', 'cancel-slow:300', 'cancel-reset-after'];

describe('instances that are killed while they cancel', () => {
  /** The instance that has a cancel open. */
  const caller = async (): Promise<string | undefined> => {
    const { rows } = await instances.pool.query<{ owner: string }>(
      `select lease_owner as owner from attempt
       where state = 'CALLING' and operation = 'CANCEL' and lease_until > now()
       order by called_at desc limit 1`,
    );
    return rows[0]?.owner.split(':')[0];
  };

  it('give back every cancel once and lose none', { timeout: ENDS_WITHIN_MS }, async () => {
    const scenarios = Array.from({ length: PAYMENTS }, (_, index) => {
      return KILLED_SCENARIOS[index % KILLED_SCENARIOS.length] as string;
    });
    const requests = await instances.openWindows(scenarios);
    await instances.publish(requests);
    for (const { paymentId } of requests)
      await waitFor(approvedOf(paymentId), { what: 'outcomes' });
    const share = PAYMENTS / KILLS;
    for (let kill = 0; kill < KILLS; kill += 1) {
      const some = requests.slice(kill * share, (kill + 1) * share);
      await instances.publishCancels(some.flatMap(twoOf));
      const victim = await waitFor(caller, { what: 'one that cancels', intervalMs: 5 });
      await instances.programs.get(victim)?.stop('SIGKILL');
      await instances.startInstance(`instance-${kill + 2}`);
    }
    for (const request of requests) {
      const cancels = await endOf(request, 'every cancel');
      expect(cancels.map(({ state }) => state)).toEqual(['DONE', 'DONE']);
    }
    const refunds = (await instances.ledger()).filter(({ kind }) => kind === 'CANCEL');
    for (const { orderId } of requests) {
      const own = refunds.filter((row) => row.orderId === orderId);
      expect(own.map(({ amount }) => amount)).toEqual([6_000, 9_000]);
    }
  });
});
