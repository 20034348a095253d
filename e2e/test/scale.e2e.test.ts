import { createPool, type PostgresPool } from '@mini-pg/database';
import { addDays, businessDateOf } from '@mini-pg/domain';
import { type ScalableService, type Service, type System, startSystem } from '@mini-pg/local-stack';
import { waitFor } from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkedBy, expectCleanAtRest } from '../support/at-rest.ts';
import { awaitOutcomes, startLoad, type Taken } from '../support/load.ts';
import { Merchant } from '../support/merchant.ts';
import { metricOf, type Partition, partitionsOf } from '../support/metrics.ts';

/*
 * Two instances of each service on the same servers. The tests follow one system: work is spread,
 * one relay leads a schema, another takes over, days are closed once.
 */
const COUNT = 120;
const LEADING = 'outbox_relay_leading';
/** The server ends a silent session after 5 s; a closed one it sees at once. */
const TAKE_OVER_TIMEOUT_MS = 20_000;
/** Two rounds of the schedule, which looks every 15 s. */
const SCHEDULE_TIMEOUT_MS = 45_000;

/** A day is closed on schedule at ten past midnight. */
const CLOSE_AFTER_MIDNIGHT_MS = 10 * 60 * 1000;

const RELAYING = ['payment-api', 'pg-processor', 'settlement-worker'] as const;

describe('two instances of each service', () => {
  let system: System;
  let merchants: Merchant[];
  let database: PostgresPool;
  const all: Taken[] = [];

  beforeAll(async () => {
    const scale = { 'payment-api': 2, 'pg-processor': 2, 'settlement-worker': 2 };
    system = await startSystem({ isolate: true, scale });
    const merchant = await Merchant.register(system);
    merchants = instances('payment-api').map(({ url }) => merchant.through(url));
    database = createPool({ connectionString: system.postgres, applicationName: 'e2e-scale' });
  });

  afterAll(async () => {
    await database?.end();
    await system?.stop();
  });

  it('share the partitions of every topic that they consume', async () => {
    for (const name of RELAYING) {
      await waitFor(() => partitionsAreShared(name), { what: `shares of ${name}` });
    }
  });

  it('take, send and project payments, each its part', async () => {
    await pay('spread');
    for (const [name, metric] of [
      ['pg-processor', 'payment_requests_total'],
      ['pg-processor', 'pg_calls_total'],
      ['settlement-worker', 'facts_stored_total'],
      ['payment-api', 'kafka_consumer_events_total'],
    ] as const) {
      const shares = await Promise.all(instances(name).map(({ url }) => metricOf(url, metric)));
      expect({ metric, idle: shares.filter((share) => share === 0) }).toEqual({ metric, idle: [] });
    }
  });

  it.each(RELAYING)('of %s have one relay, and another when that one is killed', async (name) => {
    const leader = await leaderOf(name);
    const other = instances(name).find((instance) => instance !== leader);
    await leader.kill('SIGKILL');
    await waitFor(async () => (await metricOf(other?.url ?? '', LEADING)) === 1, {
      what: `the other relay of ${name} leads`,
      timeoutMs: TAKE_OVER_TIMEOUT_MS,
    });
    await leader.start();
    await pay(`after-${name}`);
    expect(await leaderOf(name)).toBe(other);
  });

  it('close a day once when both are asked for it at the same moment', async () => {
    const date = addDays(dueDate(), -1);
    const closes = await Promise.all(
      [1, 2].map(() => system.run('settlement-worker', 'close', ['--date', date])),
    );
    expect(closes.map(({ code }) => code)).toEqual([0, 0]);
    expect(closes.map(({ output }) => output.trim().split('\n').at(-1)).sort()).toEqual([
      `${date} closed: 0 statements`,
      `${date} is already closed; nothing changed`,
    ]);
    expect(await runsOf(date)).toEqual([{ requested_by: 'command', status: 'CLOSED' }]);
  });

  it('close a day once when the schedule of both has it due', async () => {
    const date = dueDate();
    await waitFor(async () => (await runsOf(date))[0]?.status === 'CLOSED', {
      what: `${date} closed on schedule`,
      timeoutMs: SCHEDULE_TIMEOUT_MS,
    });
    expect(await runsOf(date)).toEqual([{ requested_by: 'schedule', status: 'CLOSED' }]);
  });

  it('settle every payment once', async () => {
    const date = businessDateOf(new Date());
    const closes = await Promise.all(
      [1, 2].map(() => system.run('settlement-worker', 'close', ['--date', date])),
    );
    expect(closes.map(({ code }) => code)).toEqual([0, 0]);
    expect(await runsOf(date)).toEqual([{ requested_by: 'command', status: 'CLOSED' }]);
    const { rows } = await database.query<{ count: number }>(
      'select count(*)::int as count from settlement.settlement_item',
    );
    expect(rows[0]?.count).toBe(all.length);
  });

  it('are clean', async () => {
    const report = await expectCleanAtRest(system);
    expect(checkedBy(report, 'capture-has-attempt')).toBe(all.length);
    expect(checkedBy(report, 'item-fee')).toBe(all.length);
  });

  function instances(name: ScalableService): Service[] {
    return system.services.filter(({ service }) => service === name);
  }

  /** Half of the payments through each API; reads go through the other one. */
  async function pay(name: string): Promise<void> {
    const scenarioOf = (): string => 'approve';
    const halves = await Promise.all(
      merchants.map(
        (merchant, index) =>
          startLoad(system, merchant, { name: `${name}-${index}`, count: COUNT / 2, scenarioOf })
            .done,
      ),
    );
    for (const [index, taken] of halves.entries()) {
      const reader = merchants[1 - index];
      if (!reader) throw new Error('There are two APIs.');
      const ids = taken.map(({ paymentId }) => paymentId);
      const outcomes = await awaitOutcomes(reader, ids);
      expect(outcomes.filter(({ status }) => status !== 'APPROVED')).toEqual([]);
    }
    all.push(...halves.flat());
  }

  /** The one instance that leads; more than one at any time is a failure, none is waited for. */
  function leaderOf(name: ScalableService): Promise<Service> {
    return waitFor(
      async () => {
        const found = await Promise.all(
          instances(name).map(async (one) => ((await metricOf(one.url, LEADING)) === 1 ? one : [])),
        );
        const leaders = found.flat();
        expect(leaders.length).toBeLessThanOrEqual(1);
        return leaders[0];
      },
      { what: `a relay of ${name} leads`, timeoutMs: TAKE_OVER_TIMEOUT_MS },
    );
  }

  /** Every partition belongs to exactly one instance, and each instance has some of each topic. */
  async function partitionsAreShared(name: ScalableService): Promise<boolean> {
    const shares = await Promise.all(instances(name).map(({ url }) => partitionsOf(url)));
    const held = shares.flat();
    const topics = [...new Set(held.map(({ topic }) => topic))];
    const keys = held.map(({ group, topic, partition }) => `${group} ${topic} ${partition}`);
    const hasSome = (share: Partition[]): boolean =>
      topics.every((topic) => share.some((partition) => partition.topic === topic));
    return topics.length > 0 && shares.every(hasSome) && new Set(keys).size === keys.length;
  }

  /** The day that the schedule has to have closed by now. */
  function dueDate(): string {
    return addDays(businessDateOf(new Date(Date.now() - CLOSE_AFTER_MIDNIGHT_MS)), -1);
  }

  async function runsOf(date: string): Promise<{ requested_by: string; status: string }[]> {
    const { rows } = await database.query<{ requested_by: string; status: string }>(
      'select requested_by, status from settlement.settlement_run where date = $1',
      [date],
    );
    return rows;
  }
});
