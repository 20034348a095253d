import { createPool, type PostgresPool } from '@mini-pg/database';
import { businessDateOf } from '@mini-pg/domain';
import { type System, startSystem } from '@mini-pg/local-stack';
import { waitFor } from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkedBy, expectCleanAtRest } from '../support/at-rest.ts';
import { cancelOf, Merchant, openWindow, type Payment, paymentOf } from '../support/merchant.ts';

const AMOUNT = 30_000;
const REASON = 'The shopper sent it back';
/** Long enough for a payment or a cancel that meets no fault. */
const WAIT_SECONDS = 20;
/** With the timeouts of the profile `local`, to the end of a cancel whose answer is lost. */
const END_TIMEOUT_MS = 120_000;

/** Faults of a gateway that executes a cancel all the same, or at last. */
const LOST_ANSWERS = [
  'cancel-reset-before',
  'cancel-reset-after',
  'cancel-500-after',
  'cancel-garbage',
  'cancel-partial-after',
  'cancel-hang-after',
  'cancel-late:3000',
];

let system: System;
let pool: PostgresPool;
let merchant: Merchant;

beforeAll(async () => {
  system = await startSystem({ isolate: true });
  pool = createPool({ connectionString: system.postgres, applicationName: 'e2e' });
  merchant = await Merchant.register(system);
});

afterAll(async () => {
  await pool?.end();
  await system?.stop();
});

describe('a cancel of an approved payment', () => {
  it('gives all of it back, once, however often it is asked for', async () => {
    const { id } = await approved('whole');
    const first = await merchant.cancel(id, { reason: REASON }, 'cancel-whole', WAIT_SECONDS);
    expect(first.status).toBe(201);
    expect(cancelOf(first)).toMatchObject({ status: 'DONE', origin: 'MERCHANT', amount: AMOUNT });
    const again = await merchant.cancel(id, { reason: REASON }, 'cancel-whole');
    expect([again.status, JSON.parse(again.text)]).toEqual([201, JSON.parse(first.text)]);
    const further = await merchant.cancel(id, { reason: REASON }, 'cancel-whole-2');
    expect(problemOf(further)).toEqual([409, 'PAYMENT_NOT_CANCELABLE']);
    expect(await merchant.payment(id)).toMatchObject({ status: 'CANCELLED', balanceAmount: 0 });
    expect(await merchant.timeline(id)).toEqual(
      expect.arrayContaining(['APPROVED', 'CANCEL_REQUESTED', 'CANCELLED']),
    );
  });

  it('frees its order for another payment', async () => {
    const { id } = await approved('freed');
    await merchant.cancel(id, { reason: REASON }, 'cancel-freed', WAIT_SECONDS);
    expect((await approved('freed', 'again')).status).toBe('APPROVED');
  });

  it('gives parts of it back, one after the other, and never more than there is', async () => {
    const { id } = await approved('parts');
    const asked = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        merchant.cancel(id, { amount: 7_000, reason: REASON }, `cancel-part-${index}`),
      ),
    );
    const taken = asked.filter(({ status }) => status === 202);
    expect(taken).toHaveLength(4);
    for (const answer of asked.filter(({ status }) => status !== 202)) {
      expect(problemOf(answer)).toEqual([422, 'AMOUNT_EXCEEDS_BALANCE']);
    }
    const payment = await untilNoCancelIsOpen(id);
    expect(payment).toMatchObject({ status: 'PARTIALLY_CANCELLED', balanceAmount: 2_000 });
    expect(payment.cancels.map(({ status }) => status)).toEqual(Array(4).fill('DONE'));
  });

  it.each(LOST_ANSWERS)('comes to its end by %s', { timeout: END_TIMEOUT_MS }, async (scenario) => {
    const { id } = await approved(scenario.replace(':', '-'), 'first', scenario);
    const body = { amount: 10_000, reason: REASON };
    expect((await merchant.cancel(id, body, `key-${scenario}`)).status).toBe(202);
    expect(await untilNoCancelIsOpen(id)).toMatchObject({
      status: 'PARTIALLY_CANCELLED',
      balanceAmount: 20_000,
      cancels: [{ status: 'DONE', amount: 10_000 }],
    });
  });

  it('that the gateway refuses gives its reserve back', async () => {
    const { id } = await approved('refused', 'first', 'cancel-decline-once:NOT_CANCELABLE_AMOUNT');
    const body = { amount: 25_000, reason: REASON };
    const refused = await merchant.cancel(id, body, 'cancel-refused', WAIT_SECONDS);
    expect([refused.status, cancelOf(refused).status]).toEqual([201, 'FAILED']);
    const again = await merchant.cancel(id, body, 'cancel-refused-2', WAIT_SECONDS);
    expect(cancelOf(again).status).toBe('DONE');
  });
});

describe('a cancel of a payment whose gateway is being called', () => {
  it('waits for the approval, and then gives it back', async () => {
    const { id } = await called('slow', 'slow:3000');
    const partial = { amount: 1_000, reason: REASON };
    expect(problemOf(await merchant.cancel(id, partial, 'cancel-slow-part'))).toEqual([
      409,
      'PAYMENT_NOT_APPROVED',
    ]);
    const asked = await merchant.cancel(id, { reason: REASON }, 'cancel-slow');
    expect(asked.status).toBe(202);
    expect(await untilNoCancelIsOpen(id)).toMatchObject({
      status: 'CANCELLED',
      cancels: [{ status: 'DONE', amount: AMOUNT }],
    });
  });

  it('fails with its payment', async () => {
    const { id } = await called('declined', 'slow:3000,decline:REJECT_CARD_PAYMENT');
    const asked = await merchant.cancel(id, { reason: REASON }, 'cancel-declined');
    expect(asked.status).toBe(202);
    expect(await untilNoCancelIsOpen(id)).toMatchObject({
      status: 'FAILED',
      cancels: [{ status: 'FAILED', failure: { code: 'PAYMENT_FAILED' } }],
    });
  });
});

describe('the books of a day with cancels', () => {
  it('have a line for each, and the auditor finds nothing', async () => {
    await expectCleanAtRest(system);
    const today = businessDateOf(new Date());
    const close = await system.run('settlement-worker', 'close', ['--date', today]);
    expect([close.code, close.output]).toEqual([0, expect.stringContaining(`${today} closed`)]);
    const report = await expectCleanAtRest(system);
    expect(checkedBy(report, 'cancel-has-refund')).toBeGreaterThan(LOST_ANSWERS.length);
    const [settlement] = await merchant.settlements();
    const items = await merchant.items(settlement?.id ?? '');
    const cancels = items.filter(({ kind }) => kind === 'CANCEL');
    expect(cancels).toHaveLength(checkedBy(report, 'cancel-has-refund'));
    for (const { amount, fee, vat } of cancels) expect(Math.max(amount, fee, vat)).toBeLessThan(0);
  });
});

async function approved(name: string, attempt = 'first', scenario = 'approve'): Promise<Payment> {
  const orderId = `order-${name}`;
  const body = await openWindow(system, { orderId, amount: AMOUNT, scenario });
  const answer = await merchant.pay(body, `pay-${name}-${attempt}`, WAIT_SECONDS);
  expect(answer.status).toBe(201);
  return paymentOf(answer);
}

/** A payment whose gateway has been called and has not answered yet. */
async function called(name: string, scenario: string): Promise<Payment> {
  const body = await openWindow(system, { orderId: `order-${name}`, amount: AMOUNT, scenario });
  const answer = await merchant.pay(body, `pay-${name}`);
  expect(answer.status).toBe(202);
  const payment = paymentOf(answer);
  const isCalling = `select from processor.attempt where payment_id = $1 and state = 'CALLING'`;
  await waitFor(async () => (await pool.query(isCalling, [payment.id])).rowCount === 1, {
    what: 'the call of the gateway',
  });
  return payment;
}

function untilNoCancelIsOpen(paymentId: string): Promise<Payment> {
  return waitFor(
    async () => {
      const payment = await merchant.payment(paymentId);
      return payment.cancels.some(({ status }) => status === 'REQUESTED') ? undefined : payment;
    },
    { what: 'the end of every cancel', timeoutMs: END_TIMEOUT_MS },
  );
}

function problemOf({ status, text }: { status: number; text: string }): [number, string] {
  return [status, JSON.parse(text).code];
}
