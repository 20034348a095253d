import { EVENT_SCHEMAS } from '@mini-pg/domain';
import type { GatewayCapability } from '@mini-pg/pg-adapters';
import { NetCancelPg, type NetCancelPgPayment } from '@mini-pg/pg-adapters/testing/net-cancel';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { netCancelGateways } from '../../test/net-cancel-gateways.ts';
import {
  attemptsOf,
  createRig,
  eventsOf,
  exceptionsOf,
  failureCodeOf,
  makeDue,
  outcomesOf,
  type Requested,
  type Rig,
  receive,
  requested,
  settle,
} from '../../test/rig.ts';
import type { Deps } from '../deps.ts';
import { sweepLeases } from './sweeper.ts';

let rig: Rig;
let pg: NetCancelPg;
let processor: Deps;
beforeAll(async () => {
  rig = await createRig();
  pg = await new NetCancelPg().start();
  processor = processorWith();
});
beforeEach(() => rig.clear());
afterAll(async () => {
  await rig.close();
  await pg.close();
});

function processorWith(capability: Partial<GatewayCapability> = {}): Deps {
  return rig.processor({}, { gateways: netCancelGateways(pg, capability) });
}

interface Paid extends Requested {
  readonly window: NetCancelPgPayment;
}

/** A payment of the test PG, with its scripts. */
async function payment(
  scripts: Partial<NetCancelPgPayment> = {},
  deps: Deps = processor,
): Promise<Paid> {
  const request = requested({ pg: 'inicis' });
  const { paymentKey: tid, orderId: oid, amount: price } = request;
  const window = pg.window({ tid, oid, price, ...scripts });
  await receive(deps, request);
  return { ...request, window };
}

/** The call of the approval must have ended long ago. */
async function passDeadline({ paymentId }: Requested): Promise<void> {
  await rig.pool.query(
    `update attempt set deadline_at = now() - interval '1 hour'
     where payment_id = $1 and operation = 'APPROVE'`,
    [paymentId],
  );
}

const shapeOf = async ({ paymentId }: Requested) =>
  (await attemptsOf(rig.pool, paymentId)).map(({ operation, state }) => `${operation} ${state}`);

const reversedOf = async ({ paymentId }: Requested) =>
  (await eventsOf(rig.pool, paymentId)).filter(({ type }) => type === 'payment.reversed');

const openOf = async ({ paymentId }: Requested) =>
  (await exceptionsOf(rig.pool, paymentId))
    .filter(({ resolved_at }) => resolved_at === null)
    .map(({ kind }) => kind);

const claims = async () => (await rig.pool.query('select * from source_claim')).rows;

describe('an approval whose answer is lost, at a PG that is net-cancelled', () => {
  it('that is answered is approved, and nothing is undone', async () => {
    const paid = await payment();
    await settle(processor);
    expect(await shapeOf(paid)).toEqual(['APPROVE APPROVED']);
    expect(pg.callsTo('/netCancel', paid.paymentKey)).toEqual([]);
  });

  it.each(['capture-then-reset', 'capture-then-500'] as const)(
    'is undone, reversed and told (%s)',
    async (step) => {
      const paid = await payment({ approveScript: [step] });
      await settle(processor);
      expect(pg.movesOf(paid.window)).toEqual(['CAPTURE', 'CANCEL']);
      expect(pg.callsTo('/approve', paid.paymentKey)).toHaveLength(1);
      const attempts = await attemptsOf(rig.pool, paid.paymentId);
      expect(attempts).toMatchObject([
        { operation: 'APPROVE', state: 'REVERSED', pg_transaction_id: paid.window.approvalNo },
        { operation: 'NET_CANCEL', state: 'APPROVED', pg_transaction_id: paid.window.cancelNo },
      ]);
      expect(await failureCodeOf(rig.pool, paid.paymentId)).toBe('PROVIDER_UNAVAILABLE');
      const [event, ...more] = await reversedOf(paid);
      expect(more).toEqual([]);
      expect(EVENT_SCHEMAS['payment.reversed'].parse(event).data).toMatchObject({
        attemptId: attempts[0]?.id,
        amount: paid.amount,
        pgTransactionId: paid.window.approvalNo,
        reversalTransactionId: paid.window.cancelNo,
        approvedAt: '2026-03-02T01:00:00.000Z',
        reversedAt: '2026-03-02T02:00:00.000Z',
      });
      expect(await claims()).toEqual([]);
      expect(await openOf(paid)).toEqual([]);
    },
  );

  it('is undone with the bytes that it was asked with', async () => {
    const paid = await payment({ approveScript: ['capture-then-reset'] });
    await settle(processor);
    const [approve] = pg.callsTo('/approve', paid.paymentKey);
    expect(pg.callsTo('/netCancel', paid.paymentKey).map(({ body }) => body)).toEqual([
      approve?.body,
    ]);
  });

  it('numbers its events without a gap, and tells the failure once', async () => {
    const paid = await payment({ approveScript: ['capture-then-reset'] });
    await settle(processor);
    const events = await eventsOf(rig.pool, paid.paymentId);
    expect(events.map(({ data }) => ('sequence' in data ? data.sequence : null))).toEqual(
      events.map((_, index) => index + 1),
    );
    expect(events.filter(({ type }) => type === 'payment.failed')).toHaveLength(1);
    expect(events.filter(({ type }) => type === 'payment.completed')).toEqual([]);
  });

  it('is undone after a lease that ran out in the call', async () => {
    const paid = await payment();
    pg.capture(paid.window);
    await rig.pool.query(
      `update attempt set state = 'CALLING', lease_owner = 'gone', called_at = now(),
         lease_until = now() - interval '1 s', deadline_at = now() - interval '1 s'
       where payment_id = $1`,
      [paid.paymentId],
    );
    expect(await sweepLeases(processor.sweeper)).toBe(1);
    await settle(processor);
    expect(await shapeOf(paid)).toEqual(['APPROVE REVERSED', 'NET_CANCEL APPROVED']);
    expect(await reversedOf(paid)).toHaveLength(1);
  });

  it('keeps its source while it is being undone', async () => {
    const paid = await payment({ approveScript: ['capture-then-reset'] });
    await processor.dispatcher.runOnce();
    expect(await shapeOf(paid)).toEqual(['APPROVE UNKNOWN', 'NET_CANCEL READY']);
    const second = requested({ pg: 'inicis', paymentKey: paid.paymentKey });
    await receive(processor, second);
    await settle(processor);
    expect(await failureCodeOf(rig.pool, second.paymentId)).toBe('SOURCE_ALREADY_USED');
  });
});

describe('a net-cancel that finds nothing to undo', () => {
  it('is believed only when the approval cannot be executed any more', async () => {
    const paid = await payment({ approveScript: ['reset'], isHidden: true });
    await processor.dispatcher.runOnce();
    await processor.dispatcher.runOnce();
    expect(await shapeOf(paid)).toEqual(['APPROVE UNKNOWN', 'NET_CANCEL UNKNOWN']);
    expect(await outcomesOf(rig.pool, paid.paymentId)).toEqual([]);
    await passDeadline(paid);
    await settle(processor);
    expect(await shapeOf(paid)).toEqual(['APPROVE NOT_SENT', 'NET_CANCEL DECLINED']);
    expect(await failureCodeOf(rig.pool, paid.paymentId)).toBe('PROVIDER_UNAVAILABLE');
    expect(await reversedOf(paid)).toEqual([]);
    expect(await claims()).toEqual([]);
  });

  it('is repeated, and undoes an approval that was executed after it', async () => {
    const paid = await payment({ approveScript: ['reset'] });
    await processor.dispatcher.runOnce();
    await processor.dispatcher.runOnce();
    pg.capture(paid.window);
    await settle(processor);
    expect(pg.movesOf(paid.window)).toEqual(['CAPTURE', 'CANCEL']);
    expect(await shapeOf(paid)).toEqual([
      'APPROVE REVERSED',
      'NET_CANCEL NOT_SENT',
      'NET_CANCEL APPROVED',
    ]);
  });

  it('leaves a capture that comes still later to a follow-up', async () => {
    const paid = await payment({ approveScript: ['reset'], isHidden: true });
    await processor.dispatcher.runOnce();
    await passDeadline(paid);
    await settle(processor);
    expect(await failureCodeOf(rig.pool, paid.paymentId)).toBe('PROVIDER_UNAVAILABLE');
    paid.window.isHidden = false;
    pg.capture(paid.window);
    await makeDue(rig.pool);
    await processor.followUp.runOnce();
    await settle(processor);
    expect(pg.movesOf(paid.window)).toEqual(['CAPTURE', 'CANCEL']);
    expect(await reversedOf(paid)).toHaveLength(1);
    expect(await openOf(paid)).toEqual([]);
  });
});

describe('a net-cancel whose own answer is lost', () => {
  it.each(['done-then-reset', 'done-then-500'] as const)(
    'is found done by an inquiry, once (%s)',
    async (step) => {
      const paid = await payment({
        approveScript: ['capture-then-reset'],
        netCancelScript: [step],
      });
      await settle(processor);
      expect(pg.callsTo('/netCancel', paid.paymentKey)).toHaveLength(1);
      expect(pg.movesOf(paid.window)).toEqual(['CAPTURE', 'CANCEL']);
      expect(await shapeOf(paid)).toEqual(['APPROVE REVERSED', 'NET_CANCEL APPROVED']);
      expect(await reversedOf(paid)).toHaveLength(1);
    },
  );

  it('is made again where an inquiry does not show it done', async () => {
    const paid = await payment({
      approveScript: ['capture-then-reset'],
      netCancelScript: ['reset', 'done'],
    });
    await settle(processor);
    expect(pg.callsTo('/netCancel', paid.paymentKey)).toHaveLength(2);
    expect(pg.movesOf(paid.window)).toEqual(['CAPTURE', 'CANCEL']);
    expect(await reversedOf(paid)).toHaveLength(1);
  });

  it('is tried within a bound, then left to an ordinary cancel', async () => {
    const paid = await payment({
      approveScript: ['capture-then-reset'],
      netCancelScript: ['reset'],
    });
    await settle(processor);
    expect(pg.callsTo('/netCancel', paid.paymentKey)).toHaveLength(8);
    expect(pg.callsTo('/refund', paid.paymentKey)).toHaveLength(1);
    expect(pg.movesOf(paid.window)).toEqual(['CAPTURE', 'CANCEL']);
    expect(await failureCodeOf(rig.pool, paid.paymentId)).toBe('PROVIDER_UNAVAILABLE');
    expect(await reversedOf(paid)).toHaveLength(1);
  });

  it('may be confirmed without a word of what stood', async () => {
    const paid = await payment({
      approveScript: ['capture-then-reset'],
      netCancelScript: ['bare'],
    });
    await settle(processor);
    expect(await shapeOf(paid)).toEqual(['APPROVE NOT_SENT', 'NET_CANCEL APPROVED']);
    expect(await failureCodeOf(rig.pool, paid.paymentId)).toBe('PROVIDER_UNAVAILABLE');
    expect(await reversedOf(paid)).toEqual([]);
  });

  it('goes to a person where the ladder is over, and stays REQUESTED', async () => {
    const paid = await payment({
      approveScript: ['capture-then-reset'],
      netCancelScript: ['reset'],
      refundScript: [{ refuse: '500624' }],
    });
    await settle(processor);
    expect(await outcomesOf(rig.pool, paid.paymentId)).toEqual([]);
    expect(await openOf(paid)).toEqual(['OUTCOME_UNKNOWN']);
    expect(await claims()).toHaveLength(1);
    expect(pg.movesOf(paid.window)).toEqual(['CAPTURE']);
  });
});

describe('a net-cancel that nobody knows the end of', () => {
  it('goes to a person, is looked at again, and closes its exception', async () => {
    const paid = await payment({
      approveScript: ['capture-then-reset'],
      netCancelScript: ['reset'],
      isHidden: true,
    });
    await settle(processor);
    expect(await openOf(paid)).toEqual(['OUTCOME_UNKNOWN']);
    expect(await outcomesOf(rig.pool, paid.paymentId)).toEqual([]);
    pg.giveBack(paid.window);
    paid.window.isHidden = false;
    await makeDue(rig.pool);
    await processor.followUp.runOnce();
    expect(await failureCodeOf(rig.pool, paid.paymentId)).toBe('PROVIDER_UNAVAILABLE');
    expect(await reversedOf(paid)).toHaveLength(1);
    expect(await openOf(paid)).toEqual([]);
  });
});

describe('a net-cancel that comes too late', () => {
  it('is refused, and an ordinary cancel gives the capture back', async () => {
    const paid = await payment({ approveScript: ['capture-then-reset'], isTooLate: true });
    await settle(processor);
    expect(await shapeOf(paid)).toEqual([
      'APPROVE REVERSED',
      'CANCEL APPROVED',
      'NET_CANCEL DECLINED',
    ]);
    expect(pg.movesOf(paid.window)).toEqual(['CAPTURE', 'CANCEL']);
    expect(await failureCodeOf(rig.pool, paid.paymentId)).toBe('PROVIDER_UNAVAILABLE');
    expect(await reversedOf(paid)).toHaveLength(1);
    expect(await claims()).toEqual([]);
  });

  it('is not made where the window is over, and an inquiry decides', async () => {
    const late = processorWith({ netCancel: { windowMs: 0, idempotent: false } });
    const paid = await payment({ approveScript: ['capture-then-reset'] }, late);
    await settle(late);
    expect(pg.callsTo('/netCancel', paid.paymentKey)).toEqual([]);
    expect(await shapeOf(paid)).toEqual(['APPROVE APPROVED']);
  });
});

describe('a ladder', () => {
  const INQUIRE_FIRST: Partial<GatewayCapability> = {
    ladders: {
      APPROVE: ['INQUIRE', 'NET_CANCEL', 'CANCEL', 'EXCEPTION'],
      CANCEL: ['INQUIRE', 'EXCEPTION'],
      NET_CANCEL: ['INQUIRE', 'NET_CANCEL', 'CANCEL', 'EXCEPTION'],
    },
  };

  it('that inquires first approves what an inquiry shows', async () => {
    const careful = processorWith(INQUIRE_FIRST);
    const paid = await payment({ approveScript: ['capture-then-reset'] }, careful);
    await settle(careful);
    expect(await shapeOf(paid)).toEqual(['APPROVE APPROVED']);
    expect(pg.callsTo('/netCancel', paid.paymentKey)).toEqual([]);
  });

  it('that inquires first undoes what no inquiry has shown', async () => {
    const careful = processorWith(INQUIRE_FIRST);
    const scripts = { approveScript: ['capture-then-reset'], isHidden: true } as const;
    const paid = await payment({ ...scripts, approveScript: [...scripts.approveScript] }, careful);
    await settle(careful);
    expect(pg.movesOf(paid.window)).toEqual(['CAPTURE', 'CANCEL']);
    expect(await shapeOf(paid)).toEqual(['APPROVE REVERSED', 'NET_CANCEL APPROVED']);
  });
});

describe('an approval that turns out captured while it is undone', () => {
  it('is approved where the net-cancel was not called yet', async () => {
    const paid = await lateAnswer('READY');
    expect(await shapeOf(paid)).toEqual(['APPROVE APPROVED', 'NET_CANCEL NOT_SENT']);
    await settle(processor);
    expect(pg.callsTo('/netCancel', paid.paymentKey)).toEqual([]);
    expect(pg.movesOf(paid.window)).toEqual(['CAPTURE']);
  });

  it('is not reported any more where the net-cancel may have left', async () => {
    const paid = await lateAnswer('UNKNOWN');
    expect(await shapeOf(paid)).toEqual(['APPROVE UNKNOWN', 'NET_CANCEL UNKNOWN']);
    expect(await outcomesOf(rig.pool, paid.paymentId)).toEqual([]);
    await settle(processor);
    expect(pg.movesOf(paid.window)).toEqual(['CAPTURE', 'CANCEL']);
    expect(await failureCodeOf(rig.pool, paid.paymentId)).toBe('PROVIDER_UNAVAILABLE');
    expect(await reversedOf(paid)).toHaveLength(1);
  });
});

/** The answer of the approval, told by a call whose lease was over; its net-cancel is `state`. */
async function lateAnswer(state: 'READY' | 'UNKNOWN'): Promise<Paid> {
  const paid = await payment({
    approveScript: ['capture-then-reset'],
    netCancelScript: ['reset', 'done'],
  });
  await processor.dispatcher.runOnce();
  if (state === 'UNKNOWN') await processor.dispatcher.runOnce();
  const [approval] = await attemptsOf(rig.pool, paid.paymentId);
  await processor.results.record({
    attemptId: approval?.id ?? '',
    paymentId: paid.paymentId,
    step: 'CALL',
    owner: 'an earlier one',
    decision: {
      kind: 'APPROVE',
      payment: {
        pgPaymentId: paid.paymentKey,
        pgOrderId: paid.orderId,
        pgTransactionId: paid.window.approvalNo ?? '',
        amount: 15_000n,
        balanceAmount: 15_000n,
        currency: 'KRW',
        methodDetail: { type: 'CARD' } as never,
        approvedAt: '2026-03-02T01:00:00.000Z',
        failure: null,
        cancels: [],
      },
    },
    reached: true,
    answered: true,
    evidence: null,
    nextInquiryMs: 1,
  });
  return paid;
}
