import { createPool, type PostgresPool } from '@mini-pg/database';
import { type System, startSystem } from '@mini-pg/local-stack';
import { waitFor } from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectCleanAtRest } from '../support/at-rest.ts';
import { Merchant, openWindow, type Payment, paymentOf } from '../support/merchant.ts';

/** How long a scenario may take to its end with the timeouts of the profile `local`. */
const END_TIMEOUT_MS = 120_000;

type End = 'APPROVED' | 'FAILED' | 'EXCEPTION';

const SCENARIOS: readonly (readonly [scenario: string, end: End])[] = [
  ['approve', 'APPROVED'],
  ['decline:REJECT_CARD_PAYMENT', 'FAILED'],
  ['decline:INVALID_STOPPED_CARD', 'FAILED'],
  ['slow:3000', 'APPROVED'],
  ['reset-before', 'APPROVED'],
  ['reset-after-capture', 'APPROVED'],
  ['500-after-capture', 'APPROVED'],
  ['garbage', 'APPROVED'],
  ['hang', 'EXCEPTION'],
  ['hang-after-capture', 'APPROVED'],
  ['late:3000', 'APPROVED'],
  ['late:600000', 'EXCEPTION'],
  ['not-found-for:4000', 'APPROVED'],
  ['not-found-for:600000', 'EXCEPTION'],
  ['slow:500,reset-after-capture', 'APPROVED'],
  ['reset-before,garbage', 'APPROVED'],
];

/** How many payments of each scenario are under way at once. */
const OF_EACH = 2;

describe('a payment at a gateway that misbehaves', () => {
  let system: System;
  let merchant: Merchant;
  let pool: PostgresPool;
  const paymentsOf = new Map<string, string[]>();

  beforeAll(async () => {
    system = await startSystem({ isolate: true });
    pool = createPool({ connectionString: system.postgres, applicationName: 'e2e' });
    merchant = await Merchant.register(system);
    await Promise.all(SCENARIOS.map(([scenario], index) => request(scenario, index)));
  });

  afterAll(async () => {
    await pool?.end();
    await system?.stop();
  });

  it.each(SCENARIOS)(
    '%s ends in %s',
    { timeout: END_TIMEOUT_MS + 5_000 },
    async (scenario, end) => {
      const ids = paymentsOf.get(scenario) ?? [];
      expect(ids).toHaveLength(OF_EACH);
      for (const id of ids) {
        const payment = await waitFor(() => atEnd(id, end), {
          what: `${scenario} to end in ${end}`,
          timeoutMs: END_TIMEOUT_MS,
        });
        expect(payment.status).toBe(end === 'EXCEPTION' ? 'REQUESTED' : end);
        if (end === 'FAILED') expect(`decline:${payment.failure?.pgCode}`).toBe(scenario);
      }
    },
  );

  it('leaves traces that the merchant can read', async () => {
    const [id = ''] = paymentsOf.get('reset-after-capture') ?? [];
    const steps = await merchant.timeline(id);
    expect(steps[0]).toBe('REQUESTED');
    expect(steps).toContain('UNKNOWN');
    expect(steps).toContain('APPROVED');
  });

  it('is clean', () => expectCleanAtRest(system));

  async function request(scenario: string, index: number): Promise<void> {
    const ids: string[] = [];
    for (let copy = 0; copy < OF_EACH; copy += 1) {
      const orderId = `scenario-${index}-${copy}`;
      const body = await openWindow(system, { orderId, amount: 10_000 + index, scenario });
      const answer = await merchant.pay(body, `key-${orderId}`);
      expect(answer.status).toBe(202);
      ids.push(paymentOf(answer).id);
    }
    paymentsOf.set(scenario, ids);
  }

  /** The payment once it has come to an end of any kind; undefined before. */
  async function atEnd(id: string, end: End): Promise<Payment | undefined> {
    const payment = await merchant.payment(id);
    if (payment.status !== 'REQUESTED') return payment;
    if (end !== 'EXCEPTION') return undefined;
    const { rowCount } = await pool.query(
      'select from processor.exception where payment_id = $1 and resolved_at is null',
      [id],
    );
    return rowCount ? payment : undefined;
  }
});
