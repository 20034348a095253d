import { newId } from '@mini-pg/runtime';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  attemptsOf,
  cancelEventOf,
  cancelOf,
  cancelsOf,
  createRig,
  eventOf,
  eventsOf,
  failureCodeOf,
  makeDue,
  type Requested,
  type Rig,
  receive,
  receiveCancels,
  requested,
  settle,
} from '../../test/rig.ts';
import { handleIntake } from '../consumers/intake.ts';
import type { Deps } from '../deps.ts';
import { startCancels } from './start-cancels.ts';

let rig: Rig;
let processor: Deps;
beforeAll(async () => {
  rig = await createRig();
  processor = rig.processor();
});
beforeEach(() => rig.clear());
afterAll(() => rig.close());

const typesOf = async ({ paymentId }: Requested): Promise<string[]> =>
  (await eventsOf(rig.pool, paymentId)).map(({ type }) => type);

/** A payment that is stored and not called. */
async function ready(): Promise<Requested> {
  const request = requested();
  rig.toss.window(request);
  await receive(processor, request);
  return request;
}

/** Failed without a call, and nothing but its failure told it. */
async function expectNeverCalled(request: Requested): Promise<void> {
  expect(rig.toss.confirms(request.paymentKey)).toEqual([]);
  expect(await attemptsOf(rig.pool, request.paymentId)).toMatchObject([
    { operation: 'APPROVE', state: 'NOT_SENT', reached: false },
  ]);
  expect(await failureCodeOf(rig.pool, request.paymentId)).toBe('CANCELLED_BEFORE_APPROVAL');
  expect(await typesOf(request)).toEqual(['payment.failed']);
  expect(await cancelsOf(rig.pool, request.paymentId)).toMatchObject([
    { state: 'DONE', remaining_before: null, remaining_after: null },
  ]);
}

describe('a cancel that comes before the PG is called', () => {
  it('keeps it from being called', async () => {
    const request = await ready();
    await receiveCancels(processor, cancelOf(request));
    expect(await processor.dispatcher.runOnce()).toBe(0);
    await settle(processor);
    await expectNeverCalled(request);
  });

  it('before the payment itself is stored, and the payment is never called', async () => {
    const request = requested();
    rig.toss.window(request);
    await receiveCancels(processor, cancelOf(request));
    expect(await startCancels(processor.startCancels)).toBe(0);
    await receive(processor, request);
    expect(await processor.dispatcher.runOnce()).toBe(0);
    await settle(processor);
    await expectNeverCalled(request);
  });

  it('in one batch with its payment is as good', async () => {
    const request = requested();
    rig.toss.window(request);
    await handleIntake(processor.intake, [eventOf(request), cancelEventOf(cancelOf(request))]);
    expect(await processor.dispatcher.runOnce()).toBe(0);
    await settle(processor);
    await expectNeverCalled(request);
  });

  it('gives back what the shopper authenticated', async () => {
    const request = await ready();
    await rig.pool.query(
      `insert into source_claim (pg, pg_account_id, livemode, source_key, payment_id, attempt_id)
       select pg, pg_account_id, livemode, source_key, payment_id, id from attempt`,
    );
    await receiveCancels(processor, cancelOf(request));
    await settle(processor);
    const { rows } = await rig.pool.query('select from source_claim');
    expect(rows).toEqual([]);
  });

  it('is the only one that is done; another one fails with the payment', async () => {
    const request = await ready();
    const [first, second] = [cancelOf(request), cancelOf(request)];
    await receiveCancels(processor, second, first);
    await settle(processor);
    expect(await typesOf(request)).toEqual(['payment.failed', 'payment.cancel-failed']);
    const states = (await cancelsOf(rig.pool, request.paymentId)).map(({ state }) => state);
    expect(states.toSorted()).toEqual(['DONE', 'FAILED']);
  });

  it('between two attempts ends the payment as the first one ended', async () => {
    const request = requested();
    rig.toss.window({ ...request, script: [{ refuse: 'MAINTAINED_METHOD' }] });
    await receive(processor, request);
    await processor.dispatcher.runOnce();
    await makeDue(rig.pool);
    await processor.inquirer.runOnce();
    await receiveCancels(processor, cancelOf(request));
    await settle(processor);
    expect(rig.toss.confirms(request.paymentKey)).toHaveLength(1);
    expect(await failureCodeOf(rig.pool, request.paymentId)).toBe('PROVIDER_UNAVAILABLE');
    expect(await cancelsOf(rig.pool, request.paymentId)).toMatchObject([{ state: 'FAILED' }]);
  });
});

describe('the claim of the dispatcher and a cancel at the same moment', () => {
  it('call the payment, or fail it, and never both', async () => {
    const other = rig.processor();
    const requests = await Promise.all(Array.from({ length: 40 }, ready));
    const [claimed] = await Promise.all([
      processor.dispatcher.runOnce(),
      ...requests.map(async (request) => {
        await receiveCancels(other, cancelOf(request));
        await startCancels(other.startCancels);
      }),
    ]);
    expect(claimed).toBeLessThanOrEqual(requests.length);
    await settle(processor);
    for (const request of requests) {
      const isCalled = rig.toss.confirms(request.paymentKey).length > 0;
      const types = (await typesOf(request)).filter((type) => type !== 'payment.progressed');
      expect(types).toEqual(
        isCalled ? ['payment.completed', 'payment.cancelled'] : ['payment.failed'],
      );
    }
  });

  it('are decided by the lock on the attempt: a claim that was first is waited for', async () => {
    const request = await ready();
    const claiming = await rig.pool.connect();
    await claiming.query('begin');
    await claiming.query(
      `update attempt set state = 'CALLING', lease_owner = 'x', called_at = now(),
         lease_until = now() + interval '1 min', deadline_at = now() where payment_id = $1`,
      [request.paymentId],
    );
    await receiveCancels(processor, cancelOf(request));
    const starting = startCancels(processor.startCancels);
    await claiming.query('commit');
    claiming.release();
    expect(await starting).toBe(0);
    expect(await cancelsOf(rig.pool, request.paymentId)).toMatchObject([{ state: 'WAITING' }]);
    expect(await attemptsOf(rig.pool, request.paymentId)).toMatchObject([{ state: 'CALLING' }]);
  });
});

describe('payment.cancel-requested', () => {
  it('delivered again, in one batch and in others, is one cancel', async () => {
    const request = await ready();
    const cancel = cancelOf(request);
    await receiveCancels(processor, cancel, cancel);
    await receiveCancels(processor, cancel);
    expect(await cancelsOf(rig.pool, request.paymentId)).toHaveLength(1);
    expect(await typesOf(request)).toEqual([]);
  });

  it('delivered to two instances at the same moment is one cancel', async () => {
    const other = rig.processor();
    const cancels = Array.from({ length: 50 }, () => cancelOf(requested()));
    await Promise.all([
      receiveCancels(processor, ...cancels),
      receiveCancels(other, ...cancels.toReversed()),
    ]);
    const { rows } = await rig.pool.query('select id from cancel');
    expect(rows).toHaveLength(50);
  });

  it('delivered after it was done without a call has the failure told again, as it was', async () => {
    const request = await ready();
    const cancel = cancelOf(request);
    await receiveCancels(processor, cancel);
    await settle(processor);
    await receiveCancels(processor, cancel);
    const [first, second, ...more] = await eventsOf(rig.pool, request.paymentId);
    expect(first?.type).toBe('payment.failed');
    expect(second).toEqual(first);
    expect(more).toEqual([]);
  });

  it('of a payment that nobody knows waits and tells nothing', async () => {
    const cancel = cancelOf({ ...requested(), paymentId: newId() });
    await receiveCancels(processor, cancel);
    await settle(processor);
    expect(await cancelsOf(rig.pool, cancel.paymentId)).toMatchObject([{ state: 'WAITING' }]);
  });
});
