import { type System, startSystem } from '@mini-pg/local-stack';
import { waitFor } from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectCleanAtRest } from '../support/at-rest.ts';
import { awaitOutcomes, startLoad, type Taken } from '../support/load.ts';
import { Merchant, paymentOf } from '../support/merchant.ts';
import { publishedIn, type Waiting, waitingIn } from '../support/published.ts';

const OUTAGE_MS = 10_000;
const OUTAGE_TIMEOUT_MS = 60_000;
/** Longer than any request may take: whoever waits no longer has got no answer at all. */
const ANSWER_TIMEOUT_MS = 20_000;

const SERVICES = ['payment-api', 'pg-processor', 'settlement-worker'] as const;

const pidsOf = (system: System) => SERVICES.map((name) => system.service(name).pid);

async function expectAllApproved(merchant: Merchant, payments: readonly Taken[]): Promise<void> {
  const ids = payments.map(({ paymentId }) => paymentId);
  expect(new Set(ids).size).toBe(payments.length);
  const outcomes = await awaitOutcomes(merchant, ids);
  expect(outcomes.filter(({ status }) => status !== 'APPROVED')).toEqual([]);
}

describe('a system whose broker is down', () => {
  let system: System;
  let merchant: Merchant;

  beforeAll(async () => {
    system = await startSystem({ isolate: true, own: ['kafka'] });
    merchant = await Merchant.register(system);
  });
  afterAll(() => system?.stop());

  it('takes every payment, and afterwards publishes all that waited, in order', async () => {
    const broker = system.stack.server('kafka');
    // Their answers are lost, so that pg-processor tells of inquiries and resends meanwhile.
    const scenarioOf = () => 'reset-before,slow:500';
    const before = await startLoad(system, merchant, { name: 'before', count: 40, scenarioOf })
      .done;
    await broker.kill('SIGKILL');
    const during = await startLoad(system, merchant, { name: 'during', count: 300 }).done;
    const waiting = await waitFor(() => waitedThrough(), {
      what: 'an outage',
      timeoutMs: OUTAGE_TIMEOUT_MS,
    });
    const late = await startLoad(system, merchant, { name: 'late', count: 50 }).done;
    const payments = [...during, ...late];
    expect(payments.flatMap(({ statuses }) => statuses)).toEqual(payments.map(() => 202));

    await broker.start();
    await expectAllApproved(merchant, [...before, ...payments]);
    await expectCleanAtRest(system);
    await expectInOrder(waiting.payment, ['payment.requested']);
    await expectInOrder(waiting.processor, ['payment.completed', 'payment.progressed']);
  });

  /** What waits once it has waited for long enough. */
  async function waitedThrough(): Promise<Record<'payment' | 'processor', Waiting> | false> {
    const payment = await waitingIn(system, 'payment');
    const processor = await waitingIn(system, 'processor');
    const isLong = Math.min(payment.oldestMs, processor.oldestMs) > OUTAGE_MS;
    return isLong && { payment, processor };
  }

  /** Events of one payment have one partition, so the order of partitions is what they promise. */
  async function expectInOrder(waiting: Waiting, topics: readonly string[]): Promise<void> {
    const place = new Map(waiting.ids.map((id, index) => [id, index]));
    const logs = await publishedIn(system, topics);
    const places = logs.map((log) => log.flatMap((id) => place.get(id) ?? []));
    expect(places.flat().length).toBe(waiting.ids.length);
    for (const log of places) expect(log).toEqual([...log].sort((a, b) => a - b));
  }
});

describe('a system whose database is down', () => {
  let system: System;
  let merchant: Merchant;

  beforeAll(async () => {
    system = await startSystem({ isolate: true, own: ['postgres'] });
    merchant = (await Merchant.register(system)).within(ANSWER_TIMEOUT_MS);
  });
  afterAll(() => system?.stop());

  it('says so to every request, and recovers without a restart', async () => {
    const postgres = system.stack.server('postgres');
    const pids = pidsOf(system);
    const load = startLoad(system, merchant, { name: 'postgres', count: 400 });
    const failed = load.done.then(() => true as const);
    const reaching = (what: string, isReached: () => boolean) =>
      Promise.race([waitFor(isReached, { what, timeoutMs: OUTAGE_TIMEOUT_MS }), failed]);
    await reaching('payments before', () => load.taken >= 100);
    await postgres.kill('SIGINT');
    // Eight at once, each again after a tenth of a second: about as long as the broker is away.
    await reaching('an outage', () => load.refused >= 600);
    await postgres.start();

    const payments = await load.done;
    expect(load.refused).toBeGreaterThanOrEqual(600);
    // Zero is where no answer came within the time of a request.
    expect(payments.flatMap(({ statuses }) => statuses)).not.toContain(0);
    const refusals = payments.flatMap((payment) => payment.refusals.map(inShort));
    const allowed = ['503 OVERLOADED, Retry-After', '504 RESULT_UNKNOWN'];
    expect([...new Set(refusals)].filter((refusal) => !allowed.includes(refusal))).toEqual([]);

    await expectAllApproved(merchant, payments);
    for (const { body, key, paymentId } of payments.slice(0, 40)) {
      expect(paymentOf(await merchant.pay(body, key)).id).toBe(paymentId);
    }
    expect(pidsOf(system)).toEqual(pids);
    await expectCleanAtRest(system);
  });

  function inShort({ status, headers, text }: Taken['refusals'][number]): string {
    const { code } = JSON.parse(text) as { code: string };
    const mayWait = headers.has('retry-after') ? ', Retry-After' : '';
    return status === 504 ? `${status} ${code}` : `${status} ${code}${mayWait}`;
  }
});
