import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FakePayment } from '../../test/fake-toss.ts';
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
import { sweepLeases, sweepOverdue } from './sweeper.ts';

let rig: Rig;
beforeAll(async () => {
  rig = await createRig();
});
beforeEach(() => rig.clear());
afterAll(() => rig.close());

/** Requests a payment whose window behaves as told, and settles it. */
async function run(
  processor: Deps,
  window: Partial<FakePayment>,
  over: Partial<Requested> = {},
): Promise<Requested & { window: FakePayment }> {
  const request = requested(over);
  const opened = rig.toss.window({ ...request, ...window });
  await receive(processor, request);
  await settle(processor);
  return { ...request, window: opened };
}

const stepsOf = async ({ paymentId }: Requested): Promise<string[]> =>
  (await eventsOf(rig.pool, paymentId)).map(({ type, data }) =>
    'step' in data ? data.step : type,
  );

describe('a call that the PG puts off', () => {
  it('is made again no earlier than the PG asked for', async () => {
    const processor = rig.processor();
    const request = requested();
    const limited = { refuse: 'TOO_MANY_REQUESTS', httpStatus: 429, retryAfterS: 100 };
    rig.toss.window({ ...request, script: [limited, 'approve'] });
    await receive(processor, request);
    const before = Date.now();
    await processor.dispatcher.runOnce();
    const [attempt] = await attemptsOf(rig.pool, request.paymentId);
    expect(attempt).toMatchObject({ state: 'UNKNOWN', failure: { code: 'PROVIDER_UNAVAILABLE' } });
    expect(attempt?.next_inquiry_at?.getTime()).toBeGreaterThanOrEqual(before + 100_000);
    await settle(processor);
    expect(await outcomesOf(rig.pool, request.paymentId)).toMatchObject([{ kind: 'APPROVED' }]);
  });
});

describe('a lost answer', () => {
  it.each(['capture-then-reset', 'capture-then-500', 'capture-then-garbage'] as const)(
    'after %s is found by an inquiry',
    async (step) => {
      const request = await run(rig.processor(), { script: [step] });
      expect(await outcomesOf(rig.pool, request.paymentId)).toMatchObject([{ kind: 'APPROVED' }]);
      expect(rig.toss.confirms(request.paymentKey)).toHaveLength(1);
      expect(await stepsOf(request)).toEqual(['UNKNOWN', 'INQUIRED', 'payment.completed']);
    },
  );

  it('of a call that was cut before anything happened leads to the same bytes, same key', async () => {
    const request = await run(rig.processor(), { script: ['reset', 'approve'] });
    expect(await outcomesOf(rig.pool, request.paymentId)).toMatchObject([{ kind: 'APPROVED' }]);
    const [first, second, ...others] = rig.toss.confirms(request.paymentKey);
    expect(others).toEqual([]);
    expect(second).toEqual(first);
    expect(first?.key).toBe((await attemptsOf(rig.pool, request.paymentId))[0]?.idempotency_key);
    expect(await stepsOf(request)).toEqual(['UNKNOWN', 'RESENT', 'payment.completed']);
  });

  it('is never sent again once a byte of an answer came', async () => {
    const script = [{ refuse: 'UNKNOWN_ERROR', httpStatus: 500 }] as const;
    const request = await run(rig.processor(), { script: [...script] });
    expect(rig.toss.confirms(request.paymentKey)).toHaveLength(1);
    expect(await attemptsOf(rig.pool, request.paymentId)).toMatchObject([
      { state: 'UNKNOWN', answered: true, resend_count: 0 },
    ]);
    expect(await exceptionsOf(rig.pool, request.paymentId)).toMatchObject([
      { kind: 'OUTCOME_UNKNOWN', resolved_at: null },
    ]);
    expect(await outcomesOf(rig.pool, request.paymentId)).toEqual([]);
  });

  it('that never comes is sent again a bounded number of times, then goes to a person', async () => {
    const processor = rig.processor({ inquiryScheduleMs: [1, 1, 1, 1, 1, 1], readTimeoutMs: 30 });
    const request = await run(processor, { script: ['hang'] });
    const confirms = rig.toss.confirms(request.paymentKey);
    expect(confirms).toHaveLength(4);
    expect(new Set(confirms.map(({ key }) => key)).size).toBe(1);
    expect(await exceptionsOf(rig.pool, request.paymentId)).toMatchObject([
      { kind: 'OUTCOME_UNKNOWN' },
    ]);
    expect(await outcomesOf(rig.pool, request.paymentId)).toEqual([]);
  });

  it('of a payment that the PG ended is a decline', async () => {
    const request = await run(rig.processor(), {
      script: ['reset'],
      shown: (wire) => ({ ...wire, status: 'ABORTED', failure: { code: 'FDS_ERROR' } }),
    });
    expect(await failureCodeOf(rig.pool, request.paymentId)).toBe('CARD_DECLINED');
    expect(rig.toss.confirms(request.paymentKey)).toHaveLength(1);
  });
});

describe('what the PG shows for a lost answer', () => {
  it.each([
    ['amount', { totalAmount: 14_999 }],
    ['order number', { orderId: 'another-order' }],
    ['payment id', { paymentKey: 'another-key' }],
  ])('is not taken with another %s', async (_name, over) => {
    const request = await run(rig.processor(), {
      script: ['capture-then-reset'],
      shown: (wire) => ({ ...wire, ...over }),
    });
    expect(await attemptsOf(rig.pool, request.paymentId)).toMatchObject([{ state: 'UNKNOWN' }]);
    expect(await exceptionsOf(rig.pool, request.paymentId)).toMatchObject([
      { kind: 'MISMATCH', resolved_at: null },
    ]);
    expect(await outcomesOf(rig.pool, request.paymentId)).toEqual([]);
  });
});

describe('"not found" after a lost answer', () => {
  it('is not believed before the deadline and the longest execution time are over', async () => {
    const request = await run(rig.processor({ executionTimeMaxMs: 600_000 }), {
      script: ['capture-then-reset'],
      shown: () => null,
    });
    expect(await attemptsOf(rig.pool, request.paymentId)).toMatchObject([{ state: 'UNKNOWN' }]);
    expect(await exceptionsOf(rig.pool, request.paymentId)).toMatchObject([
      { kind: 'OUTCOME_UNKNOWN' },
    ]);
    expect(await outcomesOf(rig.pool, request.paymentId)).toEqual([]);
  });

  it('then fails the payment; a capture of another amount that shows up later goes to a person', async () => {
    const processor = rig.processor();
    const request = requested();
    let isHidden = true;
    const shown: FakePayment['shown'] = (wire) =>
      isHidden ? null : { ...wire, totalAmount: 14_999, balanceAmount: 14_999 };
    rig.toss.window({ ...request, script: ['capture-then-reset'], shown });
    await receive(processor, request);
    await processor.dispatcher.runOnce();
    await rig.pool.query(`update attempt set deadline_at = now() - interval '1 hour'
      where payment_id = '${request.paymentId}'`);
    await settle(processor);
    expect(await failureCodeOf(rig.pool, request.paymentId)).toBe('NOT_FOUND');
    expect(await attemptsOf(rig.pool, request.paymentId)).toMatchObject([{ state: 'NOT_SENT' }]);

    await makeDue(rig.pool);
    expect(await processor.followUp.runOnce()).toBe(1);
    expect(await exceptionsOf(rig.pool, request.paymentId)).toEqual([]);

    isHidden = false;
    await makeDue(rig.pool);
    expect(await processor.followUp.runOnce()).toBe(1);
    expect(await exceptionsOf(rig.pool, request.paymentId)).toMatchObject([
      { kind: 'LATE_CAPTURE', resolved_at: null },
    ]);
    // A third look opens it no second time, and is the last one.
    await makeDue(rig.pool);
    expect(await processor.followUp.runOnce()).toBe(1);
    await makeDue(rig.pool);
    expect(await processor.followUp.runOnce()).toBe(0);
    expect(await exceptionsOf(rig.pool, request.paymentId)).toHaveLength(1);
    expect(await outcomesOf(rig.pool, request.paymentId)).toMatchObject([{ kind: 'FAILED' }]);
  });

  it('then leaves the source to another payment, whose capture is no late one', async () => {
    const processor = rig.processor();
    const first = await run(processor, { script: ['reset'], shown: () => null });
    await rig.pool.query(`update attempt set deadline_at = now() - interval '1 hour',
      next_inquiry_at = now() where payment_id = '${first.paymentId}' and state = 'UNKNOWN'`);
    await settle(processor);
    expect(await failureCodeOf(rig.pool, first.paymentId)).toBe('NOT_FOUND');

    const second = await run(processor, {}, { paymentKey: first.paymentKey });
    expect(await outcomesOf(rig.pool, second.paymentId)).toMatchObject([{ kind: 'APPROVED' }]);
    await makeDue(rig.pool);
    await processor.followUp.runOnce();
    expect(await exceptionsOf(rig.pool, first.paymentId)).toMatchObject([
      { kind: 'OUTCOME_UNKNOWN' },
    ]);
  });
});

describe('a call that surely was not executed', () => {
  const UNAVAILABLE = { refuse: 'MAINTAINED_METHOD' } as const;

  it('is tried again as new attempts with new keys, each after an inquiry, up to a bound', async () => {
    const request = await run(rig.processor(), { script: [UNAVAILABLE] });
    expect(await failureCodeOf(rig.pool, request.paymentId)).toBe('PROVIDER_UNAVAILABLE');
    const attempts = await attemptsOf(rig.pool, request.paymentId);
    expect(attempts.map(({ number, state }) => `${number} ${state}`)).toEqual([
      '1 NOT_SENT',
      '2 NOT_SENT',
      '3 NOT_SENT',
      '4 NOT_SENT',
      '5 NOT_SENT',
    ]);
    const confirms = rig.toss.confirms(request.paymentKey);
    expect(new Set(confirms.map(({ key }) => key)).size).toBe(5);
    const paths = rig.toss.calls
      .filter(({ path, body }) => `${path}${body}`.includes(request.paymentKey))
      .map(({ method }) => method);
    expect(paths).toEqual(Array(5).fill(['POST', 'GET']).flat());
  });

  it('is approved by a later attempt, under one claim of its source', async () => {
    const request = await run(rig.processor(), { script: [UNAVAILABLE, 'approve'] });
    expect(await outcomesOf(rig.pool, request.paymentId)).toMatchObject([{ kind: 'APPROVED' }]);
    expect(await stepsOf(request)).toEqual(['UNKNOWN', 'INQUIRED', 'RETRIED', 'payment.completed']);
    const sequences = (await eventsOf(rig.pool, request.paymentId)).map(({ data }) =>
      'sequence' in data ? data.sequence : null,
    );
    expect(sequences).toEqual([1, 2, 3, 4]);
  });

  it('is not tried again after the payment expired', async () => {
    const processor = rig.processor();
    const request = requested();
    rig.toss.window({ ...request, script: [UNAVAILABLE] });
    await receive(processor, request);
    await processor.dispatcher.runOnce();
    await rig.pool.query(`update attempt set expires_at = now() - interval '1 s'
      where payment_id = '${request.paymentId}'`);
    await settle(processor);
    expect(await failureCodeOf(rig.pool, request.paymentId)).toBe('PROVIDER_UNAVAILABLE');
    expect(await attemptsOf(rig.pool, request.paymentId)).toHaveLength(1);
  });

  it('that an inquiry shows done is approved, not called again', async () => {
    const request = await run(rig.processor(), {
      script: [UNAVAILABLE],
      transactionKey: 'tx-executed-after-all',
      shown: (wire) => ({ ...wire, status: 'DONE', approvedAt: '2026-03-02T10:00:00+09:00' }),
    });
    expect(rig.toss.confirms(request.paymentKey)).toHaveLength(1);
    expect(await attemptsOf(rig.pool, request.paymentId)).toMatchObject([
      { state: 'APPROVED', pg_transaction_id: 'tx-executed-after-all' },
    ]);
  });

  it('for want of a connection ends after a bounded number of useless inquiries', async () => {
    const processor = rig.processor({ baseUrl: 'http://127.0.0.1:1' });
    const request = requested();
    await receive(processor, request);
    await settle(processor);
    expect(await failureCodeOf(rig.pool, request.paymentId)).toBe('PROVIDER_UNAVAILABLE');
    expect(await attemptsOf(rig.pool, request.paymentId)).toMatchObject([
      { state: 'NOT_SENT', reached: false, inquiry_count: 5, next_follow_up_at: null },
    ]);
  });
});

describe('"already processed"', () => {
  const ALREADY = { refuse: 'ALREADY_PROCESSED_PAYMENT' } as const;
  const paid: FakePayment['shown'] = (wire) => ({
    ...wire,
    status: 'DONE',
    approvedAt: '2026-03-02T10:00:00+09:00',
  });

  it('in answer to the first call is a failure: the capture is not ours', async () => {
    const request = await run(rig.processor(), {
      script: [ALREADY],
      transactionKey: 'tx-of-somebody',
      shown: paid,
    });
    expect(await failureCodeOf(rig.pool, request.paymentId)).toBe('ALREADY_PROCESSED');
  });

  it('in answer to the same bytes again is a success once an inquiry matches', async () => {
    let inquiries = 0;
    const request = await run(rig.processor(), {
      script: ['reset', ALREADY],
      transactionKey: 'tx-of-the-first-call',
      shown: (wire) => {
        inquiries += 1;
        return inquiries === 1 ? wire : paid(wire);
      },
    });
    expect(await attemptsOf(rig.pool, request.paymentId)).toMatchObject([
      { state: 'APPROVED', pg_transaction_id: 'tx-of-the-first-call' },
    ]);
  });
});

describe('a deposit account', () => {
  it('is cancelled at the PG before the payment fails', async () => {
    const request = await run(rig.processor(), { script: ['deposit'] });
    expect(request.window.status).toBe('CANCELED');
    expect(await failureCodeOf(rig.pool, request.paymentId)).toBe('METHOD_NOT_SUPPORTED');
    expect(await attemptsOf(rig.pool, request.paymentId)).toMatchObject([
      { operation: 'APPROVE', state: 'DECLINED' },
      { operation: 'CANCEL', state: 'APPROVED', number: 1 },
    ]);
  });

  it('whose cancel is cut is cancelled again', async () => {
    const request = await run(rig.processor(), {
      script: ['deposit'],
      cancelScript: ['reset', 'done'],
    });
    expect(await failureCodeOf(rig.pool, request.paymentId)).toBe('METHOD_NOT_SUPPORTED');
    expect(await attemptsOf(rig.pool, request.paymentId)).toMatchObject([
      { operation: 'APPROVE', state: 'DECLINED' },
      { operation: 'CANCEL', state: 'NOT_SENT', number: 1 },
      { operation: 'CANCEL', state: 'APPROVED', number: 2 },
    ]);
  });

  it('that the PG does not cancel goes to a person, and the payment keeps waiting', async () => {
    const processor = rig.processor();
    const request = await run(processor, {
      script: ['deposit'],
      cancelScript: [{ refuse: 'NOT_CANCELABLE_PAYMENT' }],
    });
    expect(await outcomesOf(rig.pool, request.paymentId)).toEqual([]);
    expect(await exceptionsOf(rig.pool, request.paymentId)).toMatchObject([
      { kind: 'DEPOSIT_NOT_CANCELLED', resolved_at: null },
    ]);
    // Somebody cancels it at the PG; the next look finds it and closes everything.
    request.window.status = 'CANCELED';
    await makeDue(rig.pool);
    await processor.followUp.runOnce();
    expect(await failureCodeOf(rig.pool, request.paymentId)).toBe('METHOD_NOT_SUPPORTED');
    expect(await exceptionsOf(rig.pool, request.paymentId)).toMatchObject([
      { resolved_at: expect.any(Date) },
    ]);
  });

  it('that is paid before its cancel goes to a person', async () => {
    const request = await run(rig.processor(), {
      script: ['deposit'],
      transactionKey: 'tx-deposit',
      cancelScript: ['reset'],
      shown: (wire) => ({ ...wire, status: 'DONE', approvedAt: '2026-03-02T10:00:00+09:00' }),
    });
    expect(await outcomesOf(rig.pool, request.paymentId)).toEqual([]);
    expect(await exceptionsOf(rig.pool, request.paymentId)).toMatchObject([
      { kind: 'DEPOSIT_PAID', resolved_at: null },
    ]);
  });
});

describe('an exception about an unknown outcome', () => {
  it('is resolved by itself when a later look finds the capture', async () => {
    const processor = rig.processor({ executionTimeMaxMs: 600_000 });
    let isHidden = true;
    const request = await run(processor, {
      script: ['capture-then-reset'],
      shown: (wire) => (isHidden ? null : wire),
    });
    expect(await exceptionsOf(rig.pool, request.paymentId)).toMatchObject([{ resolved_at: null }]);
    isHidden = false;
    await makeDue(rig.pool);
    await processor.followUp.runOnce();
    expect(await outcomesOf(rig.pool, request.paymentId)).toMatchObject([{ kind: 'APPROVED' }]);
    expect(await exceptionsOf(rig.pool, request.paymentId)).toMatchObject([
      { resolved_at: expect.any(Date) },
    ]);
  });
});

describe('a process that died in the middle of a call', () => {
  it('leaves an attempt that another one takes up by inquiry', async () => {
    const dead = rig.processor({}, { onClaimed: () => Promise.reject(new Error('killed')) });
    const other = rig.processor();
    const request = requested();
    rig.toss.window(request);
    await receive(dead, request);
    await dead.dispatcher.runOnce();
    expect(await attemptsOf(rig.pool, request.paymentId)).toMatchObject([{ state: 'CALLING' }]);
    expect(await sweepLeases(other.sweeper)).toBe(0);

    await rig.pool.query(`update attempt set lease_until = now() - interval '1 s'
      where payment_id = '${request.paymentId}'`);
    expect(await sweepLeases(other.sweeper)).toBe(1);
    expect(await attemptsOf(rig.pool, request.paymentId)).toMatchObject([
      { state: 'UNKNOWN', reached: true },
    ]);
    await settle(other);
    expect(await outcomesOf(rig.pool, request.paymentId)).toMatchObject([{ kind: 'APPROVED' }]);
    expect(rig.toss.confirms(request.paymentKey)).toHaveLength(1);
  });
});

describe('two inquirers', () => {
  it('leave to each other what the other one has taken', async () => {
    const processor = rig.processor();
    const requests = [requested(), requested(), requested()];
    for (const request of requests) rig.toss.window({ ...request, script: ['capture-then-reset'] });
    await receive(processor, ...requests);
    await processor.dispatcher.runOnce();
    await makeDue(rig.pool);
    const other = await rig.pool.connect();
    await other.query('begin');
    await other.query('select from attempt limit 1 for update');
    expect(await processor.inquirer.runOnce()).toBe(2);
    await other.query('commit');
    other.release();
    expect(await processor.inquirer.runOnce()).toBe(1);
  });

  it('never ask about one attempt at the same time', async () => {
    const instances = [rig.processor(), rig.processor()] as const;
    const requests = Array.from({ length: 20 }, () => requested());
    for (const request of requests) {
      rig.toss.window({ ...request, script: ['capture-then-reset'] });
    }
    await receive(instances[0], ...requests);
    await instances[0].dispatcher.runOnce();
    await makeDue(rig.pool);
    const [one, two] = await Promise.all([
      instances[0].inquirer.runOnce(),
      instances[1].inquirer.runOnce(),
    ]);
    expect(one + two).toBe(20);
    for (const { paymentId } of requests) {
      expect(await outcomesOf(rig.pool, paymentId)).toMatchObject([{ kind: 'APPROVED' }]);
      const types = (await eventsOf(rig.pool, paymentId)).map(({ type }) => type);
      expect(types.filter((type) => type === 'payment.completed')).toHaveLength(1);
    }
  });
});

describe('a PG that was switched off', () => {
  it('leaves its unknown outcomes to a person', async () => {
    const processor = rig.processor();
    const request = requested();
    rig.toss.window({ ...request, script: ['capture-then-reset'] });
    await receive(processor, request);
    await processor.dispatcher.runOnce();
    await makeDue(rig.pool);
    const sweeper = { ...processor.sweeper, gateways: { ...processor.gateways, pgs: [] } };
    expect(await sweepOverdue(sweeper)).toBe(1);
    expect(await exceptionsOf(rig.pool, request.paymentId)).toMatchObject([
      { kind: 'OUTCOME_UNKNOWN' },
    ]);
  });
});
