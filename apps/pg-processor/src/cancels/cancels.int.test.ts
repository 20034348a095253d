import { EVENT_SCHEMAS } from '@mini-pg/domain';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FakePayment } from '../../test/fake-toss.ts';
import {
  attemptsOf,
  cancelOf,
  cancelsOf,
  createRig,
  eventsOf,
  exceptionsOf,
  makeDue,
  outcomesOf,
  type Requested,
  type Rig,
  receive,
  receiveCancels,
  requested,
  settle,
} from '../../test/rig.ts';
import type { Deps } from '../deps.ts';
import { sweepLeases } from '../repairs/sweeper.ts';
import { startCancels } from './start-cancels.ts';

let rig: Rig;
let processor: Deps;
beforeAll(async () => {
  rig = await createRig();
  processor = rig.processor();
});
beforeEach(() => rig.clear());
afterAll(() => rig.close());

interface Approved extends Requested {
  readonly window: FakePayment;
}

/** A payment whose approval is stored, and not yet called. */
async function ready(window: Partial<Omit<FakePayment, 'cancels'>> = {}): Promise<Approved> {
  const request = requested();
  const opened = rig.toss.window({ ...request, ...window });
  await receive(processor, request);
  return { ...request, window: opened };
}

async function approved(window: Partial<Omit<FakePayment, 'cancels'>> = {}): Promise<Approved> {
  const payment = await ready(window);
  await settle(processor);
  return payment;
}

/** The events about cancels, each as it was told. */
async function toldOf({ paymentId }: Requested) {
  const events = await eventsOf(rig.pool, paymentId);
  return events.filter(({ type }) => type.startsWith('payment.cancel'));
}

/** What was told of each cancel, in words. */
async function inWords(request: Requested): Promise<string[]> {
  return (await toldOf(request)).map((event) => {
    if (event.type === 'payment.cancel-failed') {
      const { data } = EVENT_SCHEMAS['payment.cancel-failed'].parse(event);
      return data.failure.code;
    }
    const { data } = EVENT_SCHEMAS['payment.cancelled'].parse(event);
    return `${data.remainingBefore} - ${data.cancelAmount} = ${data.remainingAfter}`;
  });
}

/** Cancels in the order of the amounts, a second apart. */
function inOrder(request: Requested, ...amounts: readonly number[]) {
  const now = Date.now();
  return amounts.map((amount, index) =>
    cancelOf(request, { amount, requestedAt: new Date(now + index * 1_000).toISOString() }),
  );
}

describe('a cancel of an approved payment', () => {
  it('in full gives everything back and tells all that there is to know', async () => {
    const payment = await approved();
    const cancel = cancelOf(payment, { amount: 15_000 });
    await receiveCancels(processor, cancel);
    await settle(processor);
    const [approval] = await attemptsOf(rig.pool, payment.paymentId);
    const [call] = rig.toss.cancels(payment.paymentKey);
    expect(JSON.parse(call?.body ?? '')).toEqual({
      cancelReason: 'the shopper asked for it',
      refundableAmount: 15_000,
    });
    expect(await toldOf(payment)).toMatchObject([
      {
        type: 'payment.cancelled',
        data: {
          paymentId: payment.paymentId,
          cancelId: cancel.cancelId,
          orderId: payment.orderId,
          pgPaymentId: payment.paymentKey,
          pgTransactionId: approval?.pg_transaction_id,
          amount: 15_000,
          approvedAt: '2026-03-02T01:00:00.000Z',
          cancelAmount: 15_000,
          cancelTransactionId: payment.window.cancels[0]?.transactionKey,
          remainingBefore: 15_000,
          remainingAfter: 0,
          cancelledAt: '2026-03-02T02:00:00.000Z',
          sequence: 2,
        },
      },
    ]);
    expect(await cancelsOf(rig.pool, payment.paymentId)).toMatchObject([
      { state: 'DONE', remaining_before: 15_000n, remaining_after: 0n },
    ]);
    expect(await attemptsOf(rig.pool, payment.paymentId)).toMatchObject([
      { operation: 'APPROVE', state: 'APPROVED' },
      { operation: 'CANCEL', state: 'APPROVED', cancel_id: cancel.cancelId, number: 1 },
    ]);
  });

  it('without an amount takes what is left', async () => {
    const payment = await approved();
    const [part] = inOrder(payment, 4_000);
    if (part) await receiveCancels(processor, part);
    await settle(processor);
    await receiveCancels(processor, cancelOf(payment));
    await settle(processor);
    expect(await inWords(payment)).toEqual(['15000 - 4000 = 11000', '11000 - 11000 = 0']);
  });

  it('in three parts runs them one by one, in the order in which they were asked for', async () => {
    const payment = await approved();
    const [first, second, third] = inOrder(payment, 5_000, 7_000, 3_000);
    if (!first || !second || !third) throw new Error('three cancels');
    await receiveCancels(processor, third, first, second);
    await startCancels(processor.startCancels);
    expect(await startCancels(processor.startCancels)).toBe(0);
    expect((await attemptsOf(rig.pool, payment.paymentId)).slice(1)).toMatchObject([
      { cancel_id: first.cancelId, state: 'READY' },
    ]);
    await settle(processor);
    expect(await inWords(payment)).toEqual([
      '15000 - 5000 = 10000',
      '10000 - 7000 = 3000',
      '3000 - 3000 = 0',
    ]);
    const bodies = rig.toss.cancels(payment.paymentKey).map(({ body }) => JSON.parse(body));
    expect(bodies.map(({ cancelAmount }) => cancelAmount)).toEqual([5_000, 7_000, 3_000]);
    expect(bodies.map(({ refundableAmount }) => refundableAmount)).toEqual([15_000, 10_000, 3_000]);
  });

  it('above what is left fails without a call, and the next one goes on', async () => {
    const payment = await approved();
    await receiveCancels(processor, ...inOrder(payment, 10_000, 5_001, 5_000));
    await settle(processor);
    expect(await inWords(payment)).toEqual([
      '15000 - 10000 = 5000',
      'AMOUNT_MISMATCH',
      '5000 - 5000 = 0',
    ]);
    expect(rig.toss.cancels(payment.paymentKey)).toHaveLength(2);
  });

  it('twice in full gives back once', async () => {
    const payment = await approved();
    await receiveCancels(processor, ...inOrder(payment, 15_000, 15_000));
    await settle(processor);
    expect(await inWords(payment)).toEqual(['15000 - 15000 = 0', 'AMOUNT_MISMATCH']);
    expect(payment.window.cancels).toHaveLength(1);
  });

  it('does not need the key that the source was sealed with', async () => {
    const payment = await approved();
    await rig.pool.query(`update attempt set source = jsonb_set(source, '{kid}', '"gone"')`);
    await receiveCancels(processor, cancelOf(payment));
    await settle(processor);
    expect(await inWords(payment)).toEqual(['15000 - 15000 = 0']);
  });

  it('delivered again after its outcome has it told again, as it was, under its event id', async () => {
    const payment = await approved();
    const cancels = inOrder(payment, 15_000, 1);
    await receiveCancels(processor, ...cancels);
    await settle(processor);
    const first = await toldOf(payment);
    await receiveCancels(processor, ...cancels);
    await settle(processor);
    const again = (await toldOf(payment)).slice(2);
    expect(again).toHaveLength(2);
    expect(again).toEqual(expect.arrayContaining(first));
    expect(rig.toss.cancels(payment.paymentKey)).toHaveLength(1);
  });
});

describe('a cancel that comes while the payment is called', () => {
  it('waits for the approval and then runs', async () => {
    const gate = Promise.withResolvers<void>();
    const payment = await ready({ script: [{ after: gate.promise, step: 'approve' }] });
    const calling = processor.dispatcher.runOnce();
    await rig.toss.confirmed(payment.paymentKey);
    await receiveCancels(processor, cancelOf(payment));
    expect(await startCancels(processor.startCancels)).toBe(0);
    gate.resolve();
    await calling;
    await settle(processor);
    expect(await outcomesOf(rig.pool, payment.paymentId)).toMatchObject([{ kind: 'APPROVED' }]);
    expect(await inWords(payment)).toEqual(['15000 - 15000 = 0']);
  });

  it.each([
    ['a decline', { refuse: 'REJECT_CARD_COMPANY', httpStatus: 403 }],
    ['a PG that is not there', { refuse: 'MAINTAINED_METHOD' }],
    ['a deposit account', 'deposit'],
  ] as const)('fails after %s, and no further approval is made', async (_name, step) => {
    const gate = Promise.withResolvers<void>();
    const payment = await ready({ script: [{ after: gate.promise, step }] });
    const calling = processor.dispatcher.runOnce();
    await rig.toss.confirmed(payment.paymentKey);
    await receiveCancels(processor, cancelOf(payment));
    gate.resolve();
    await calling;
    await settle(processor);
    expect(await outcomesOf(rig.pool, payment.paymentId)).toMatchObject([{ kind: 'FAILED' }]);
    expect(await inWords(payment)).toEqual(['PAYMENT_FAILED']);
    expect(rig.toss.confirms(payment.paymentKey)).toHaveLength(1);
  });

  it('waits for the inquiries while nobody knows the outcome', async () => {
    const payment = await ready({ script: ['capture-then-reset'] });
    await processor.dispatcher.runOnce();
    await receiveCancels(processor, cancelOf(payment));
    expect(await startCancels(processor.startCancels)).toBe(0);
    await settle(processor);
    expect(await inWords(payment)).toEqual(['15000 - 15000 = 0']);
  });
});

describe('a cancel that the PG refuses', () => {
  it('for a reason of its own fails, and the next one goes on', async () => {
    const payment = await approved({
      cancelScript: [{ refuse: 'NOT_CANCELABLE_PAYMENT', httpStatus: 403 }, 'done'],
    });
    await receiveCancels(processor, ...inOrder(payment, 15_000, 5_000));
    await settle(processor);
    expect(await inWords(payment)).toEqual(['NOT_CANCELABLE', '15000 - 5000 = 10000']);
    expect(await exceptionsOf(rig.pool, payment.paymentId)).toEqual([]);
  });

  it.each([
    ['in part', 14_000, 'AMOUNT_MISMATCH'],
    ['in full', 15_000, 'ALREADY_PROCESSED'],
  ])('since somebody cancelled %s there fails, and a person is told', async (_, byHand, code) => {
    const payment = await approved();
    rig.toss.cancelByHand(payment.window, byHand);
    await receiveCancels(processor, cancelOf(payment, { amount: 15_000 }));
    await settle(processor);
    expect(await inWords(payment)).toEqual([code]);
    expect(await exceptionsOf(rig.pool, payment.paymentId)).toMatchObject([
      { kind: 'CANCELLED_AT_PG', resolved_at: null },
    ]);
    expect(payment.window.cancels).toHaveLength(1);
  });

  it('since it is not there is tried again with a new key, and done once', async () => {
    const payment = await approved({ cancelScript: [{ refuse: 'MAINTAINED_METHOD' }, 'done'] });
    await receiveCancels(processor, cancelOf(payment));
    await settle(processor);
    expect(await inWords(payment)).toEqual(['15000 - 15000 = 0']);
    const calls = rig.toss.cancels(payment.paymentKey);
    expect(new Set(calls.map(({ key }) => key)).size).toBe(2);
    expect(await attemptsOf(rig.pool, payment.paymentId)).toMatchObject([
      { operation: 'APPROVE' },
      { operation: 'CANCEL', number: 1, state: 'NOT_SENT' },
      { operation: 'CANCEL', number: 2, state: 'APPROVED' },
    ]);
  });

  it('for as long as the bound of attempts lets it be tried fails of that', async () => {
    const payment = await approved({ cancelScript: [{ refuse: 'MAINTAINED_METHOD' }] });
    await receiveCancels(processor, cancelOf(payment));
    await settle(processor);
    expect(await inWords(payment)).toEqual(['PROVIDER_UNAVAILABLE']);
    expect(rig.toss.cancels(payment.paymentKey)).toHaveLength(10);
  });
});

describe('a cancel without a clear answer', () => {
  it.each(['done-then-reset', 'done-then-500'] as const)(
    'that was executed (%s) is found by an inquiry and not sent again',
    async (step) => {
      const payment = await approved({ cancelScript: [step] });
      await receiveCancels(processor, ...inOrder(payment, 6_000, 9_000));
      await settle(processor);
      expect(await inWords(payment)).toEqual(['15000 - 6000 = 9000', '9000 - 9000 = 0']);
      expect(payment.window.cancels).toHaveLength(2);
      expect(rig.toss.cancels(payment.paymentKey)).toHaveLength(2);
    },
  );

  it('that was not executed is sent again, byte by byte and with the same key', async () => {
    const payment = await approved({ cancelScript: ['reset', 'done'] });
    await receiveCancels(processor, cancelOf(payment, { amount: 6_000 }));
    await settle(processor);
    const [first, second, ...more] = rig.toss.cancels(payment.paymentKey);
    expect(second?.key).toBe(first?.key);
    expect(second?.body).toBe(first?.body);
    expect(more).toEqual([]);
    expect(await inWords(payment)).toEqual(['15000 - 6000 = 9000']);
  });

  it('that is lost twice, though it was executed, is done once', async () => {
    let isHidden = true;
    const payment = await approved({
      cancelScript: ['done-then-reset'],
      shown: (wire) =>
        isHidden ? { ...wire, cancels: [], balanceAmount: 15_000, status: 'DONE' } : wire,
    });
    await receiveCancels(processor, cancelOf(payment, { amount: 6_000 }));
    await settle(processor);
    isHidden = false;
    expect(payment.window.cancels).toHaveLength(1);
    expect(await inWords(payment)).toEqual(['15000 - 6000 = 9000']);
  });

  it('and an answer that was a 500 is never sent again', async () => {
    const payment = await approved({
      cancelScript: [{ refuse: 'FAILED_REFUND_PROCESS', httpStatus: 500 }],
    });
    await receiveCancels(processor, cancelOf(payment));
    await settle(processor);
    expect(rig.toss.cancels(payment.paymentKey)).toHaveLength(1);
    expect(await toldOf(payment)).toEqual([]);
    expect(await exceptionsOf(rig.pool, payment.paymentId)).toMatchObject([
      { kind: 'OUTCOME_UNKNOWN', resolved_at: null },
    ]);
  });

  it('to the end of the schedule keeps its reserve and goes to a person', async () => {
    const payment = await approved({ cancelScript: ['reset'] });
    await receiveCancels(processor, ...inOrder(payment, 6_000, 9_000));
    await settle(processor);
    expect(await toldOf(payment)).toEqual([]);
    expect(await cancelsOf(rig.pool, payment.paymentId)).toMatchObject([
      { state: 'STARTED' },
      { state: 'WAITING' },
    ]);
    expect(await exceptionsOf(rig.pool, payment.paymentId)).toMatchObject([
      { kind: 'OUTCOME_UNKNOWN', resolved_at: null },
    ]);
  });

  it('that a late look finds is done, and the exception closes itself', async () => {
    const payment = await approved({ cancelScript: ['reset'] });
    await receiveCancels(processor, cancelOf(payment, { amount: 6_000 }));
    await settle(processor);
    rig.toss.cancelByHand(payment.window, 6_000);
    await makeDue(rig.pool);
    await processor.followUp.runOnce();
    expect(await inWords(payment)).toEqual(['15000 - 6000 = 9000']);
    expect(await exceptionsOf(rig.pool, payment.paymentId)).toMatchObject([
      { kind: 'OUTCOME_UNKNOWN', resolved_at: expect.any(Date) },
    ]);
  });

  it('where the PG shows a cancel that is not ours goes to a person', async () => {
    const payment = await approved({ cancelScript: ['reset'] });
    await receiveCancels(processor, cancelOf(payment, { amount: 6_000 }));
    await startCancels(processor.startCancels);
    await processor.dispatcher.runOnce();
    rig.toss.cancelByHand(payment.window, 1_000);
    await settle(processor);
    expect(await toldOf(payment)).toEqual([]);
    expect(await exceptionsOf(rig.pool, payment.paymentId)).toMatchObject([
      { kind: 'OUTCOME_UNKNOWN' },
    ]);
  });
});

describe('a cancel that was given up', () => {
  it('and that the PG executed after all goes to a person', async () => {
    const payment = await approved({ cancelScript: [{ refuse: 'MAINTAINED_METHOD' }] });
    await receiveCancels(processor, cancelOf(payment));
    await settle(processor);
    rig.toss.cancelByHand(payment.window, 15_000);
    await makeDue(rig.pool);
    await processor.followUp.runOnce();
    const exceptions = await exceptionsOf(rig.pool, payment.paymentId);
    expect(new Set(exceptions.map(({ kind }) => kind))).toEqual(new Set(['CANCELLED_AT_PG']));
  });
});

describe('a process that died in a cancel', () => {
  it.each([
    ['before the call', 'done', 1],
    ['after the call', 'done', 0],
  ] as const)('%s leaves an attempt that another one takes up', async (when, step, resends) => {
    const payment = await approved({ cancelScript: [step] });
    const dead = rig.processor({}, { onClaimed: () => Promise.reject(new Error('killed')) });
    await receiveCancels(processor, cancelOf(payment));
    await startCancels(processor.startCancels);
    await dead.dispatcher.runOnce();
    if (when === 'after the call') rig.toss.cancelByHand(payment.window, 15_000);
    await rig.pool.query(`update attempt set lease_until = now() - interval '1 s'
      where state = 'CALLING'`);
    expect(await sweepLeases(processor.sweeper)).toBe(1);
    await settle(processor);
    expect(await inWords(payment)).toEqual(['15000 - 15000 = 0']);
    expect(payment.window.cancels).toHaveLength(1);
    expect(rig.toss.cancels(payment.paymentKey)).toHaveLength(resends);
  });
});

describe('two processors at once', () => {
  it('give back each cancel once', async () => {
    const other = rig.processor();
    const payments: Approved[] = [];
    for (let count = 0; count < 10; count += 1) payments.push(await ready());
    await settle(processor);
    const cancels = payments.flatMap((payment) => inOrder(payment, 5_000, 4_000, 6_000));
    await Promise.all([
      receiveCancels(processor, ...cancels),
      receiveCancels(other, ...cancels.toReversed()),
    ]);
    await Promise.all([settle(processor), settle(other)]);
    await settle(processor);
    for (const payment of payments) {
      expect(await inWords(payment)).toEqual([
        '15000 - 5000 = 10000',
        '10000 - 4000 = 6000',
        '6000 - 6000 = 0',
      ]);
      expect(rig.toss.cancels(payment.paymentKey)).toHaveLength(3);
    }
  });
});
