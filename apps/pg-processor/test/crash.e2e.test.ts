import { waitFor } from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Instances, startInstances } from './instances.ts';

const PAYMENTS = 300;
const KILLS = 3;
const ENDS_WITHIN_MS = 100_000;
const SCENARIOS = ['slow:150', 'slow:150', 'slow:400', 'reset-after-capture', 'reset-before'];

describe('instances that are killed while they call', () => {
  let instances: Instances;
  beforeAll(async () => {
    instances = await startInstances(['instance-0', 'instance-1']);
  });
  afterAll(() => instances.stop());

  const countOf = async (what: string): Promise<number> => {
    const { rows } = await instances.pool.query<{ count: number }>(
      `select count(*)::int as count from ${what}`,
    );
    return rows[0]?.count ?? 0;
  };

  /** The instance that has a call open. */
  const caller = async (): Promise<string | undefined> => {
    const { rows } = await instances.pool.query<{ owner: string }>(
      `select lease_owner as owner from attempt
       where state = 'CALLING' and lease_until > now() order by called_at desc limit 1`,
    );
    return rows[0]?.owner.split(':')[0];
  };

  it('charge every payment once and lose none', { timeout: ENDS_WITHIN_MS }, async () => {
    const scenarios = Array.from({ length: PAYMENTS }, (_, index) => {
      return SCENARIOS[index % SCENARIOS.length] as string;
    });
    const requests = await instances.openWindows(scenarios);
    const share = PAYMENTS / KILLS;
    for (let kill = 0; kill < KILLS; kill += 1) {
      await instances.publish(requests.slice(kill * share, (kill + 1) * share));
      const victim = await waitFor(caller, { what: 'one that calls', intervalMs: 5 });
      await instances.programs.get(victim)?.stop('SIGKILL');
      await instances.startInstance(`instance-${kill + 2}`);
    }
    await waitFor(async () => (await countOf('outcome')) === PAYMENTS, {
      what: 'every outcome',
      timeoutMs: ENDS_WITHIN_MS,
      intervalMs: 250,
    });

    expect(await countOf(`outcome where kind = 'APPROVED'`)).toBe(PAYMENTS);
    expect(await countOf('exception')).toBe(0);
    const ledger = await instances.ledger();
    expect(new Set(ledger.map(({ orderId }) => orderId)).size).toBe(PAYMENTS);
    const { rows } = await instances.pool.query<{ id: string }>(
      `select pg_transaction_id as id from attempt where state = 'APPROVED'`,
    );
    const captured = ledger.map(({ pgTransactionId }) => pgTransactionId);
    expect(rows.map(({ id }) => id).sort()).toEqual(captured.sort());
  });
});
