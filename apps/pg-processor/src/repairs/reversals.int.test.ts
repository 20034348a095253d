import { EVENT_SCHEMAS } from '@mini-pg/domain';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CancelStep, FakePayment } from '../../test/fake-toss.ts';
import {
  attemptsOf,
  createRig,
  eventsOf,
  exceptionsOf,
  failureCodeOf,
  makeDue,
  type Requested,
  type Rig,
  receive,
  requested,
  settle,
} from '../../test/rig.ts';
import type { Deps } from '../deps.ts';

let rig: Rig;
let processor: Deps;
beforeAll(async () => {
  rig = await createRig();
  processor = rig.processor();
});
beforeEach(() => rig.clear());
afterAll(() => rig.close());

interface GivenUp extends Requested {
  readonly window: FakePayment;
}

/** A payment that was captured, not found in time, and failed; from now on the PG shows it. */
async function givenUp(cancelScript: CancelStep[] = ['done']): Promise<GivenUp> {
  const request = requested();
  let isHidden = true;
  const window = rig.toss.window({
    ...request,
    script: ['capture-then-reset'],
    cancelScript,
    shown: (wire) => (isHidden ? null : wire),
  });
  await receive(processor, request);
  await processor.dispatcher.runOnce();
  await rig.pool.query(`update attempt set deadline_at = now() - interval '1 hour'
    where payment_id = '${request.paymentId}'`);
  await settle(processor);
  expect(await failureCodeOf(rig.pool, request.paymentId)).toBe('NOT_FOUND');
  isHidden = false;
  return { ...request, window };
}

async function lookAgain(): Promise<void> {
  await makeDue(rig.pool);
  await processor.followUp.runOnce();
}

const reversedOf = async ({ paymentId }: Requested) =>
  (await eventsOf(rig.pool, paymentId)).filter(({ type }) => type === 'payment.reversed');

const claims = async () => (await rig.pool.query('select * from source_claim')).rows;

describe('a capture of a payment that was given up', () => {
  it('is given back, told of, and closes its exception', async () => {
    const payment = await givenUp();
    await lookAgain();
    expect(await exceptionsOf(rig.pool, payment.paymentId)).toMatchObject([
      { kind: 'LATE_CAPTURE', resolved_at: null },
    ]);
    await settle(processor);
    const [refund] = payment.window.cancels;
    expect(refund?.cancelAmount).toBe(payment.amount);
    const attempts = await attemptsOf(rig.pool, payment.paymentId);
    expect(attempts).toMatchObject([
      { operation: 'APPROVE', state: 'REVERSED' },
      { operation: 'CANCEL', state: 'APPROVED', pg_transaction_id: refund?.transactionKey },
    ]);
    const [event, ...more] = await reversedOf(payment);
    expect(more).toEqual([]);
    expect(EVENT_SCHEMAS['payment.reversed'].parse(event).data).toMatchObject({
      attemptId: attempts[0]?.id,
      amount: payment.amount,
      pgTransactionId: attempts[0]?.pg_transaction_id,
      approvedAt: '2026-03-02T01:00:00.000Z',
      reversalTransactionId: refund?.transactionKey,
      reversedAt: '2026-03-02T02:00:00.000Z',
    });
    expect(await exceptionsOf(rig.pool, payment.paymentId)).toMatchObject([
      { kind: 'LATE_CAPTURE', resolved_at: expect.any(Date) },
    ]);
    expect(await claims()).toEqual([]);
    expect(await failureCodeOf(rig.pool, payment.paymentId)).toBe('NOT_FOUND');
  });

  it('is given back once, though it is seen again and again by two processors', async () => {
    const other = rig.processor();
    const payment = await givenUp();
    await lookAgain();
    await rig.pool.query(`update attempt set next_follow_up_at = now(), follow_up_count = 1
      where operation = 'APPROVE'`);
    await Promise.all([other.followUp.runOnce(), processor.dispatcher.runOnce()]);
    await Promise.all([settle(processor), settle(other)]);
    expect(payment.window.cancels).toHaveLength(1);
    expect(await reversedOf(payment)).toHaveLength(1);
  });

  it('is given back once where several attempts of its payment are shown it', async () => {
    const request = requested();
    const window = rig.toss.window({ ...request, script: [{ refuse: 'MAINTAINED_METHOD' }] });
    await receive(processor, request);
    await settle(processor);
    expect(await failureCodeOf(rig.pool, request.paymentId)).toBe('PROVIDER_UNAVAILABLE');
    Object.assign(window, { status: 'DONE', wasCaptured: true, transactionKey: 'tx-late' });
    await lookAgain();
    await settle(processor);
    expect(window.cancels).toHaveLength(1);
    const states = (await attemptsOf(rig.pool, request.paymentId)).map(({ state }) => state);
    expect(states.filter((state) => state === 'REVERSED')).toHaveLength(1);
    expect(await exceptionsOf(rig.pool, request.paymentId)).toMatchObject([
      { kind: 'LATE_CAPTURE', resolved_at: expect.any(Date) },
    ]);
  });

  it.each(['done-then-reset', 'done-then-500'] as const)(
    'is found given back where the answer was lost (%s)',
    async (step) => {
      const payment = await givenUp([step]);
      await lookAgain();
      await settle(processor);
      expect(await reversedOf(payment)).toHaveLength(1);
      expect(rig.toss.cancels(payment.paymentKey)).toHaveLength(1);
    },
  );

  it('that the PG does not give back stays with a person', async () => {
    const payment = await givenUp([{ refuse: 'NOT_CANCELABLE_PAYMENT', httpStatus: 403 }]);
    await lookAgain();
    await settle(processor);
    expect(await attemptsOf(rig.pool, payment.paymentId)).toMatchObject([
      { operation: 'APPROVE', state: 'NOT_SENT' },
      { operation: 'CANCEL', state: 'DECLINED' },
    ]);
    expect(await exceptionsOf(rig.pool, payment.paymentId)).toMatchObject([
      { kind: 'LATE_CAPTURE', resolved_at: null },
    ]);
    expect(await reversedOf(payment)).toEqual([]);
    expect(await claims()).toEqual([]);
  });

  it('keeps its source from another payment for as long as it is being given back', async () => {
    const payment = await givenUp();
    await lookAgain();
    const second = requested({ paymentKey: payment.paymentKey });
    await receive(processor, second);
    await settle(processor);
    expect(await failureCodeOf(rig.pool, second.paymentId)).toBe('SOURCE_ALREADY_USED');
    expect(await reversedOf(payment)).toHaveLength(1);
  });

  it('is not given back where another payment has its source by then', async () => {
    const payment = await givenUp();
    await rig.pool.query(
      `insert into source_claim (pg, pg_account_id, livemode, source_key, payment_id, attempt_id)
       select pg, pg_account_id, livemode, source_key, gen_random_uuid(), gen_random_uuid()
       from attempt`,
    );
    const [attempt] = await attemptsOf(rig.pool, payment.paymentId);
    await processor.results.record({
      attemptId: attempt?.id ?? '',
      paymentId: payment.paymentId,
      step: 'FOLLOW_UP',
      owner: null,
      decision: {
        kind: 'APPROVE',
        payment: {
          pgPaymentId: payment.paymentKey,
          pgOrderId: payment.orderId,
          pgTransactionId: 'tx-late',
          amount: 15_000n,
          balanceAmount: 15_000n,
          currency: 'KRW',
          methodDetail: { type: 'CARD' } as never,
          approvedAt: '2026-03-02T01:00:00.000Z',
          failure: null,
          cancels: [],
        },
      },
      reached: false,
      answered: false,
      evidence: null,
      nextInquiryMs: 0,
    });
    await settle(processor);
    expect(payment.window.cancels).toEqual([]);
    expect(await exceptionsOf(rig.pool, payment.paymentId)).toMatchObject([
      { kind: 'LATE_CAPTURE', resolved_at: null },
    ]);
  });
});
