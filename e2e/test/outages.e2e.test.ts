import { businessDateOf } from '@mini-pg/domain';
import { type ServiceName, type System, startSystem } from '@mini-pg/local-stack';
import { waitFor } from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkedBy, expectCleanAtRest } from '../support/at-rest.ts';
import { awaitOutcomes, type Load, startLoad, type Taken } from '../support/load.ts';
import { Merchant, paymentOf } from '../support/merchant.ts';

const COUNT = 300;
const FIRST_THIRD = COUNT / 3;
const SECOND_THIRD = (2 * COUNT) / 3;

describe('a system under load', () => {
  let system: System;
  let merchant: Merchant;
  const all: Taken[] = [];

  beforeAll(async () => {
    system = await startSystem({ isolate: true, own: ['redis'] });
    merchant = await Merchant.register(system);
  });

  afterAll(() => system?.stop());

  it('answers every request while Redis is killed and comes back', async () => {
    const redis = system.stack.server('redis');
    const load = startLoad(system, merchant, { name: 'redis', count: COUNT });
    await taken(load, FIRST_THIRD);
    await redis.kill('SIGKILL');
    await taken(load, SECOND_THIRD);
    await redis.start();
    const payments = await load.done;
    expect(payments.flatMap(({ statuses }) => statuses)).toEqual(Array(COUNT).fill(202));
    await expectAllApproved(payments);
    await expectReplays(payments);
  });

  it.each<[ServiceName, NodeJS.Signals]>([
    ['payment-api', 'SIGTERM'],
    ['pg-processor', 'SIGTERM'],
    ['settlement-worker', 'SIGTERM'],
    ['payment-api', 'SIGKILL'],
    ['pg-processor', 'SIGKILL'],
    ['settlement-worker', 'SIGKILL'],
  ])('loses nothing when %s gets %s and is started again', async (name, signal) => {
    const load = startLoad(system, merchant, { name: `${signal}-${name}`, count: COUNT });
    await taken(load, FIRST_THIRD);
    await system.service(name).kill(signal);
    await system.service(name).start();
    const payments = await load.done;
    // Whoever asked in the meantime got no answer or a refusal, and asked again.
    const repeats = payments.filter(({ statuses }) => statuses.length > 1);
    if (name === 'payment-api') expect(repeats.length).toBeGreaterThan(0);
    else expect(repeats).toEqual([]);
    await expectAllApproved(payments);
    await expectReplays(payments);
  });

  it('settles all of it', async () => {
    const date = businessDateOf(new Date());
    const close = await system.run('settlement-worker', 'close', ['--date', date]);
    expect([close.code, close.output]).toEqual([0, expect.stringContaining(`${date} closed`)]);
    const statements = await waitFor(
      async () => {
        const found = await merchant.settlements();
        const stated = found.reduce((sum, { count }) => sum + count, 0);
        const isClosed = found.every(({ status }) => status === 'CLOSED');
        return isClosed && stated === all.length && found;
      },
      { what: `statements over ${all.length} payments` },
    );
    const gross = statements.reduce((sum, statement) => sum + BigInt(statement.gross), 0n);
    expect(gross).toBe(all.reduce((sum, { body }) => sum + BigInt(body.amount), 0n));
  });

  it('is clean', async () => {
    const report = await expectCleanAtRest(system);
    expect(checkedBy(report, 'capture-has-attempt')).toBe(all.length);
    expect(checkedBy(report, 'item-fee')).toBe(all.length);
  });

  function taken(load: Load, count: number): Promise<true> {
    const loadFailed = load.done.then(() => {});
    return Promise.race([
      waitFor(() => load.taken >= count && (true as const), { what: `${count} payments taken` }),
      loadFailed.then(() => true as const),
    ]);
  }

  async function expectAllApproved(payments: readonly Taken[]): Promise<void> {
    all.push(...payments);
    const ids = payments.map(({ paymentId }) => paymentId);
    expect(new Set(ids).size).toBe(COUNT);
    const outcomes = await awaitOutcomes(merchant, ids);
    expect(outcomes.filter(({ status }) => status !== 'APPROVED')).toEqual([]);
  }

  /** Every key still leads to its payment, however often it was sent and whoever has answered. */
  async function expectReplays(payments: readonly Taken[]): Promise<void> {
    for (const { body, key, paymentId } of payments.slice(0, COUNT / 10)) {
      const again = await merchant.pay(body, key);
      expect(again.status).toBe(202);
      expect(again.headers.get('idempotent-replayed')).toBe('true');
      expect(paymentOf(again).id).toBe(paymentId);
    }
  }
});
