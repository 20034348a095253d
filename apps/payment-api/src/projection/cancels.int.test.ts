import { Counter, Gauge, newId } from '@mini-pg/runtime';
import { createTestDatabase, type TestDatabase, waitFor } from '@mini-pg/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  bodyOf,
  cancel,
  merchant,
  pay,
  startInstance,
  type TestInstance,
  testLogger,
  uniquePrefix,
} from '../../test/support/intake-fixture.ts';
import {
  cancelFailed,
  cancelled,
  completed,
  failed,
  settled,
} from '../../test/support/outcomes.ts';
import { renderCancels } from '../cancels/cancel-view.ts';
import { migrations } from '../db/migrations/index.ts';
import { readPayment } from '../payments/repository.ts';
import { type PaymentView, renderPayment } from '../payments/view.ts';
import type { Principal } from '../principal.ts';
import type { Delivered } from './delivered.ts';
import { projectDelivered } from './outcomes.ts';
import { retryParked } from './parked-events.ts';

let database: TestDatabase;
let instance: TestInstance;
const prefix = uniquePrefix();
const parkedTotal = new Counter({ name: 'parked_total', help: 'test', registers: [] });
const gauge = new Gauge({ name: 'parked', help: 'test', registers: [] });

beforeAll(async () => {
  database = await createTestDatabase({ payment: migrations });
  instance = startInstance({ database, prefix });
  await waitFor(async () => (await instance.redis.run((c) => c.ping())) === 'PONG', {
    what: 'Redis',
  });
});

afterAll(async () => {
  await instance.stop();
  await database.drop();
});

const project = (...delivered: Delivered[]) => {
  const { pool, cache, waiters } = instance;
  return projectDelivered({ pool, cache, waiters, parkedTotal }, delivered);
};

interface Paid {
  readonly payment: PaymentView;
  readonly author: Principal;
}

async function newPayment(): Promise<Paid> {
  const author = merchant();
  const answer = await pay(instance, { principal: author });
  return { payment: JSON.parse(answer.body), author };
}

async function approvedPayment(): Promise<Paid> {
  const paid = await newPayment();
  await project(completed(paid.payment));
  return paid;
}

async function ask({ payment, author }: Paid, amount?: number): Promise<string> {
  const body = { ...(amount !== undefined && { amount }) };
  return (await cancel(instance, { author, paymentId: payment.id, body })).resource;
}

async function read(id: string): Promise<PaymentView> {
  const payment = await readPayment(instance.pool, id);
  if (payment === null) throw new Error('no such payment');
  return renderPayment(payment, payment.facts);
}

async function rowsOf(paymentId: string) {
  const { rows } = await instance.pool.query<{
    reserved: number | null;
    live: string | null;
    open: number;
  }>(
    `select (select reserved::int from payment_reserve where payment_id = $1) as reserved,
            (select live_order_id from idempotency_key where resource = $1) as live,
            (select count(*)::int from cancel_open where payment_id = $1) as open`,
    [paymentId],
  );
  return rows[0];
}

describe('the projection of cancels', () => {
  it('makes a payment PARTIALLY_CANCELLED and its cancel DONE, and keeps the reserve', async () => {
    const paid = await approvedPayment();
    const { id, orderId } = paid.payment;
    const cancelId = await ask(paid, 4_000);
    await project(cancelled(paid.payment, { cancelId, cancelAmount: 4_000 }));
    expect(await read(id)).toMatchObject({
      status: 'PARTIALLY_CANCELLED',
      version: 4,
      balanceAmount: 6_000,
      cancelledAmount: 4_000,
      cancelledAt: null,
      cancels: [{ id: cancelId, status: 'DONE', origin: 'MERCHANT', amount: 4_000 }],
    });
    expect(await rowsOf(id)).toEqual({ reserved: 4_000, live: orderId, open: 0 });
  });

  it('gives the reserve of a failed cancel back, once, however often it is told', async () => {
    const paid = await approvedPayment();
    const [first, second] = [await ask(paid, 4_000), await ask(paid, 3_000)];
    const refusal = cancelFailed(paid.payment, first);
    for (const _ of [1, 2, 3]) await project(refusal, cancelFailed(paid.payment, first));
    expect(await rowsOf(paid.payment.id)).toMatchObject({ reserved: 3_000, open: 1 });
    expect((await read(paid.payment.id)).cancels).toMatchObject([
      { id: first, status: 'FAILED', failure: { code: 'NOT_CANCELABLE' } },
      { id: second, status: 'REQUESTED' },
    ]);
    expect(await ask(paid, 7_000)).toBeDefined();
  });

  it('frees the order once nothing is left, also when the rest is heard of first', async () => {
    const paid = await newPayment();
    const { payment } = paid;
    await project(cancelled(payment, { cancelAmount: 6_000, remainingBefore: 6_000 }));
    expect(await rowsOf(payment.id)).toMatchObject({ live: null });
    await project(
      cancelled(payment, { cancelAmount: 4_000, cancelledAt: '2026-04-02T00:00:00.000Z' }),
    );
    await project(completed(payment));
    expect(await read(payment.id)).toMatchObject({
      status: 'CANCELLED',
      balanceAmount: 0,
      // Of the cancel that left nothing, not of the one that was stored last.
      cancelledAt: '2026-04-01T00:00:00.000Z',
    });
    const body = bodyOf(payment.orderId);
    expect(await pay(instance, { principal: paid.author, body })).toMatchObject({ status: 202 });
  });

  it('shows a cancel that was made at the PG, with what the PG said of it', async () => {
    const paid = await approvedPayment();
    const cancelId = newId();
    await project(
      cancelled(paid.payment, { cancelId, cancelAmount: 2_500, cancelTaxFreeAmount: 100 }),
    );
    expect((await read(paid.payment.id)).cancels).toEqual([
      {
        id: cancelId,
        paymentId: paid.payment.id,
        status: 'DONE',
        origin: 'PG',
        amount: 2_500,
        taxFreeAmount: 100,
        reason: null,
        failure: null,
        requestedAt: null,
        cancelledAt: '2026-04-01T00:00:00.000Z',
        failedAt: null,
      },
    ]);
    expect(await rowsOf(paid.payment.id)).toMatchObject({ reserved: 2_500 });
    await expect(ask(paid, 7_501)).rejects.toMatchObject({ code: 'AMOUNT_EXCEEDS_BALANCE' });
  });

  it('holds no more than was paid when the PG gave back what was being cancelled here', async () => {
    const paid = await approvedPayment();
    const cancelId = await ask(paid, 6_000);
    await project(cancelled(paid.payment, { cancelAmount: 8_000 }));
    expect(await rowsOf(paid.payment.id)).toMatchObject({ reserved: 10_000 });
    await project(cancelFailed(paid.payment, cancelId));
    expect(await rowsOf(paid.payment.id)).toMatchObject({ reserved: 8_000 });
  });

  it('ends every cancel of a payment that was cancelled before its first call', async () => {
    const paid = await newPayment();
    const cancelId = await ask(paid);
    await project(failed(paid.payment, 'CANCELLED_BEFORE_APPROVAL'));
    expect(await read(paid.payment.id)).toMatchObject({
      status: 'FAILED',
      failure: { code: 'CANCELLED_BEFORE_APPROVAL' },
      cancels: [{ id: cancelId, status: 'DONE', cancelledAt: '2026-03-31T05:00:00.000Z' }],
    });
    expect(await rowsOf(paid.payment.id)).toEqual({ reserved: 10_000, live: null, open: 0 });
  });

  it('keeps a cancel open when its payment failed otherwise, until that is told of the cancel', async () => {
    const paid = await newPayment();
    const cancelId = await ask(paid);
    await project(failed(paid.payment));
    expect(await read(paid.payment.id)).toMatchObject({
      status: 'FAILED',
      cancels: [{ status: 'REQUESTED' }],
    });
    expect(await rowsOf(paid.payment.id)).toMatchObject({ reserved: 10_000, open: 1 });
    const lifetimeMs = await instance.redis.run((c) =>
      c.pTTL(`${prefix}payment:${paid.payment.id}`),
    );
    expect(lifetimeMs).toBeLessThanOrEqual(5_000);
    await project(cancelFailed(paid.payment, cancelId, 'PAYMENT_FAILED'));
    expect((await read(paid.payment.id)).cancels).toMatchObject([
      { status: 'FAILED', failure: { code: 'PAYMENT_FAILED' } },
    ]);
    expect(await rowsOf(paid.payment.id)).toMatchObject({ reserved: 0, open: 0 });
  });

  it.each<[string, Parameters<typeof cancelled>[1]]>([
    ['another amount than was reserved', { cancelAmount: 3_999 }],
    ['sums that do not add up', { cancelAmount: 4_000, remainingAfter: 7_000 }],
    ['an approval of another amount', { cancelAmount: 4_000, amount: 10_001 }],
  ])('refuses %s as poison and stores nothing of it', async (_what, change) => {
    const paid = await approvedPayment();
    const cancelId = await ask(paid, 4_000);
    await expect(project(cancelled(paid.payment, { cancelId, ...change }))).rejects.toMatchObject({
      name: 'PoisonError',
    });
    expect((await read(paid.payment.id)).version).toBe(3);
  });

  it('puts the new view into the cache', async () => {
    const paid = await approvedPayment();
    const cancelId = await ask(paid, 4_000);
    await project(cancelled(paid.payment, { cancelId, cancelAmount: 4_000 }));
    const cached = await instance.cache.read(paid.payment.id);
    expect(JSON.parse(cached?.body ?? '')).toEqual(await read(paid.payment.id));
  });
});

describe('a failed cancel that nobody here asked for', () => {
  const retry = () =>
    retryParked({ pool: instance.pool, gauge, logger: testLogger, project: (d) => project(...d) });
  const parked = async (eventId: string) => {
    const { rows } = await instance.pool.query<{ tries: number }>(
      'select tries from parked_event where event_id = $1',
      [eventId],
    );
    return rows[0]?.tries;
  };

  it('is parked, and stays parked when it is tried again in vain', async () => {
    const paid = await approvedPayment();
    const event = cancelFailed(paid.payment, newId());
    const before = (await parkedTotal.get()).values[0]?.value ?? 0;
    expect(await project(event)).toEqual(new Set([event.event.id]));
    await retry();
    expect(await parked(event.event.id)).toBe(1);
    await instance.pool.query('update parked_event set next_try_at = now()');
    await retry();
    expect(await parked(event.event.id)).toBe(2);
    expect((await parkedTotal.get()).values[0]?.value).toBe(before + 1);
    expect((await read(paid.payment.id)).version).toBe(2);
  });

  it('is projected once the cancel is known', async () => {
    const paid = await approvedPayment();
    const cancelId = await ask(paid, 4_000);
    const { pool } = instance;
    await pool.query('create table hidden as select * from payment_fact where fact_key = $1', [
      cancelId,
    ]);
    await pool.query('delete from payment_fact where fact_key = $1', [cancelId]);
    const event = cancelFailed(paid.payment, cancelId);
    await project(event);
    await pool.query(
      `insert into payment_fact
         (payment_id, kind, fact_key, event_id, data, trace_id, occurred_at)
       select payment_id, kind, fact_key, event_id, data, trace_id, occurred_at from hidden`,
    );
    await pool.query('drop table hidden');
    await retry();
    expect(await parked(event.event.id)).toBeUndefined();
    expect((await read(paid.payment.id)).cancels).toMatchObject([{ status: 'FAILED' }]);
    expect(await rowsOf(paid.payment.id)).toMatchObject({ reserved: 0 });
  });
});

/** What becomes of each cancel that is asked for; null: its outcome is not known. */
const histories = fc.record({
  cancels: fc.array(
    fc.record({
      amount: fc.integer({ min: 1, max: 5_000 }),
      end: fc.constantFrom('DONE' as const, 'FAILED' as const, null),
    }),
    { minLength: 1, maxLength: 6 },
  ),
  settled: fc.boolean(),
  order: fc.infiniteStream(fc.nat()),
});

describe('facts of cancels', () => {
  it('come to the same, in whatever order and however often they are told', async () => {
    await fc.assert(
      fc.asyncProperty(histories, async ({ cancels, settled: isSettled, order }) => {
        const paid = await newPayment();
        const approval = completed(paid.payment);
        await project(approval);
        const taken = await takeAll(paid, cancels);
        const told = outcomesOf(paid.payment, taken);
        if (isSettled) told.push(settled(paid.payment));
        const again = shuffled([...told, ...told, approval], order);
        for (const delivered of again) {
          await project(delivered);
          const now = await rowsOf(paid.payment.id);
          expect(now?.reserved ?? 0).toBeGreaterThanOrEqual(0);
          expect(now?.reserved ?? 0).toBeLessThanOrEqual(10_000);
        }
        await expectFolded(paid.payment, taken, 2 + taken.length + told.length);
      }),
      { numRuns: 25 },
    );
  });
});

interface Taken {
  readonly cancelId: string;
  readonly amount: number;
  readonly end: 'DONE' | 'FAILED' | null;
}

/** Asks for each in turn; those that exceed what is left are refused and left out. */
async function takeAll(paid: Paid, cancels: readonly Omit<Taken, 'cancelId'>[]): Promise<Taken[]> {
  const taken: Taken[] = [];
  for (const one of cancels) {
    const cancelId = await ask(paid, one.amount).catch(() => null);
    if (cancelId !== null) taken.push({ ...one, cancelId });
  }
  return taken;
}

/** What pg-processor tells: one cancel after the other, each out of what the one before left. */
function outcomesOf(payment: PaymentView, taken: readonly Taken[]): Delivered[] {
  let remainingBefore = payment.amount;
  return taken.flatMap(({ cancelId, amount, end }) => {
    if (end === null) return [];
    if (end === 'FAILED') return [cancelFailed(payment, cancelId)];
    const event = cancelled(payment, { cancelId, cancelAmount: amount, remainingBefore });
    remainingBefore -= amount;
    return [event];
  });
}

function shuffled<T>(items: readonly T[], order: Iterable<number>): T[] {
  const left = [...items];
  const result: T[] = [];
  for (const number of order) {
    if (left.length === 0) break;
    result.push(...left.splice(number % left.length, 1));
  }
  return result;
}

/** Held to the history itself: the reserve, the count of facts, the view. */
async function expectFolded(payment: PaymentView, taken: readonly Taken[], facts: number) {
  const sum = (ends: readonly Taken['end'][]) =>
    taken.filter(({ end }) => ends.includes(end)).reduce((all, { amount }) => all + amount, 0);
  const view = await read(payment.id);
  expect((await rowsOf(payment.id))?.reserved).toBe(sum(['DONE', null]));
  expect(view.balanceAmount).toBe(10_000 - sum(['DONE']));
  expect(view.cancelledAmount).toBe(sum(['DONE']));
  expect(view.version).toBe(facts);
  const statuses = { DONE: 'DONE', FAILED: 'FAILED', null: 'REQUESTED' } as const;
  expect(view.cancels.map(({ id, status }) => [id, status])).toEqual(
    taken.map(({ cancelId, end }) => [cancelId, statuses[`${end}`]]),
  );
  const stored = await readPayment(instance.pool, payment.id);
  if (stored === null) throw new Error('no such payment');
  const reversed = [...stored.facts].reverse();
  expect(renderPayment(stored, reversed)).toEqual(view);
  expect(renderCancels(reversed)).toEqual(view.cancels);
}
