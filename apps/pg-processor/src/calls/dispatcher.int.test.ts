import { waitFor } from '@mini-pg/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  attemptsOf,
  createRig,
  eventsOf,
  exceptionsOf,
  failureCodeOf,
  outcomesOf,
  type Rig,
  receive,
  requested,
  settle,
} from '../../test/rig.ts';
import { sweepLeases } from '../repairs/sweeper.ts';

describe('a payment that was requested', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await createRig();
  });
  afterAll(() => rig.close());

  it('is approved by one call, and told once', async () => {
    const processor = rig.processor();
    const request = requested();
    rig.toss.window(request);

    await receive(processor, request);
    expect(await processor.dispatcher.runOnce()).toBe(1);

    expect(rig.toss.confirms(request.paymentKey)).toHaveLength(1);
    const [attempt] = await attemptsOf(rig.pool, request.paymentId);
    expect(attempt).toMatchObject({ state: 'APPROVED', number: 1, pg_account_id: 'tosslive01' });
    const [event, ...others] = await eventsOf(rig.pool, request.paymentId);
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      type: 'payment.completed',
      data: { sequence: 1, amount: 15_000, pgPaymentId: request.paymentKey },
    });
    expect(await outcomesOf(rig.pool, request.paymentId)).toMatchObject([
      { kind: 'APPROVED', event_id: event?.id },
    ]);
  });

  it('in test mode goes to the account for tests, with its key', async () => {
    const processor = rig.processor();
    const request = requested({ livemode: false });
    rig.toss.window(request);
    await receive(processor, request);
    await processor.dispatcher.runOnce();
    const [attempt] = await attemptsOf(rig.pool, request.paymentId);
    expect(attempt).toMatchObject({ state: 'APPROVED', pg_account_id: 'tosstest01' });
    const [call] = rig.toss.confirms(request.paymentKey);
    expect(call?.authorization).toBe(`Basic ${btoa('test_sk_of_a_test:')}`);
  });

  it('fails with the code of its decline, and frees its source', async () => {
    const processor = rig.processor();
    const request = requested();
    rig.toss.window({ ...request, script: [{ refuse: 'REJECT_CARD_PAYMENT', httpStatus: 403 }] });
    await receive(processor, request);
    await processor.dispatcher.runOnce();
    const [attempt] = await attemptsOf(rig.pool, request.paymentId);
    expect(attempt).toMatchObject({ state: 'DECLINED', next_follow_up_at: null });
    expect(await failureCodeOf(rig.pool, request.paymentId)).toBe('INSUFFICIENT_FUNDS_OR_LIMIT');

    const next = requested({ paymentKey: request.paymentKey });
    rig.toss.window(next);
    await receive(processor, next);
    await processor.dispatcher.runOnce();
    expect(await outcomesOf(rig.pool, next.paymentId)).toMatchObject([{ kind: 'APPROVED' }]);
  });

  it('that expired is failed without a call', async () => {
    const processor = rig.processor();
    const request = requested({ expiresInMs: -1 });
    rig.toss.window(request);
    await receive(processor, request);
    await settle(processor);
    expect(await failureCodeOf(rig.pool, request.paymentId)).toBe('EXPIRED');
    expect(rig.toss.confirms(request.paymentKey)).toEqual([]);
    const [attempt] = await attemptsOf(rig.pool, request.paymentId);
    expect(attempt).toMatchObject({ state: 'NOT_SENT', reached: false, next_follow_up_at: null });
  });

  it('in a currency that the PG is not told fails without a call', async () => {
    const processor = rig.processor();
    const request = requested({ currency: 'USD' });
    await receive(processor, request);
    await settle(processor);
    expect(await failureCodeOf(rig.pool, request.paymentId)).toBe('INVALID_REQUEST');
    expect(rig.toss.confirms(request.paymentKey)).toEqual([]);
  });
});

describe('two dispatchers', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await createRig();
  });
  afterAll(() => rig.close());

  it('leave to each other what the other one is claiming', async () => {
    const processor = rig.processor();
    const requests = [requested(), requested(), requested()];
    for (const request of requests) rig.toss.window(request);
    await receive(processor, ...requests);
    const other = await rig.pool.connect();
    await other.query('begin');
    await other.query('select from attempt limit 1 for update');
    expect(await processor.dispatcher.runOnce()).toBe(2);
    await other.query('commit');
    other.release();
    expect(await processor.dispatcher.runOnce()).toBe(1);
  });

  it('call each of many payments once', async () => {
    const instances = [rig.processor(), rig.processor()] as const;
    const requests = Array.from({ length: 100 }, () => requested());
    for (const request of requests) rig.toss.window(request);
    await receive(instances[0], ...requests);
    for (const instance of instances) instance.dispatcher.start(1);
    await waitFor(
      async () => {
        const { rows } = await rig.pool.query(`select from attempt where state = 'READY'`);
        return rows.length === 0;
      },
      { what: 'all to be claimed' },
    );
    await Promise.all(instances.map(({ dispatcher }) => dispatcher.stop()));
    for (const { paymentKey } of requests) {
      expect(rig.toss.confirms(paymentKey)).toHaveLength(1);
    }
  });
});

describe('two payments with one paymentKey', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await createRig();
  });
  afterAll(() => rig.close());

  it('at the same moment on two instances: one is called, the other fails without a call', async () => {
    const instances = [rig.processor(), rig.processor()] as const;
    for (let round = 0; round < 10; round += 1) {
      const first = requested();
      const second = requested({ paymentKey: first.paymentKey });
      rig.toss.window(first);
      rig.toss.window({ ...second, orderId: first.orderId });
      const twins = [first, { ...second, orderId: first.orderId }] as const;
      await Promise.all([receive(instances[0], twins[0]), receive(instances[1], twins[1])]);
      await Promise.all(instances.map(({ dispatcher }) => dispatcher.runOnce()));
      for (const instance of instances) await settle(instance);

      expect(rig.toss.confirms(first.paymentKey)).toHaveLength(1);
      const kinds = await Promise.all(twins.map((one) => outcomesOf(rig.pool, one.paymentId)));
      expect(
        kinds
          .flat()
          .map(({ kind }) => kind)
          .sort(),
      ).toEqual(['APPROVED', 'FAILED']);
      const loser = kinds.flat().find(({ kind }) => kind === 'FAILED');
      expect(loser?.payload).toContain('SOURCE_ALREADY_USED');
    }
  });

  it('in one batch: one is called, the other fails without a call', async () => {
    const processor = rig.processor();
    const twins = [requested(), requested()].map((one) => ({ ...one, paymentKey: 'key-twins' }));
    rig.toss.window({ ...requested(twins[0]), orderId: twins[0]?.orderId ?? '' });
    await receive(processor, ...twins);
    await settle(processor);
    expect(rig.toss.confirms('key-twins')).toHaveLength(1);
  });

  it('of which the first is still under way: the second fails, and the first goes on', async () => {
    const gate = Promise.withResolvers<void>();
    const processor = rig.processor({ readTimeoutMs: 5_000 });
    const other = rig.processor();
    const first = requested();
    rig.toss.window({ ...first, script: [{ after: gate.promise, step: 'approve' }] });
    await receive(processor, first);
    const calling = processor.dispatcher.runOnce();
    await rig.toss.confirmed(first.paymentKey);

    const second = requested({ paymentKey: first.paymentKey });
    await receive(other, second);
    await other.dispatcher.runOnce();
    expect(await failureCodeOf(rig.pool, second.paymentId)).toBe('SOURCE_ALREADY_USED');

    gate.resolve();
    await calling;
    expect(await outcomesOf(rig.pool, first.paymentId)).toMatchObject([{ kind: 'APPROVED' }]);
    expect(rig.toss.confirms(first.paymentKey)).toHaveLength(1);
  });
});

describe('a worker that is paused between its claim and its call', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await createRig();
  });
  afterAll(() => rig.close());

  it('calls nobody when it wakes after its lease, and the payment is charged once', async () => {
    const pause = Promise.withResolvers<void>();
    const claimed = Promise.withResolvers<void>();
    const paused = rig.processor(
      {},
      {
        onClaimed: () => {
          claimed.resolve();
          return pause.promise;
        },
      },
    );
    const other = rig.processor();
    const request = requested();
    rig.toss.window(request);
    await receive(paused, request);
    const calling = paused.dispatcher.runOnce();
    await claimed.promise;

    await rig.pool.query(`update attempt set lease_until = now() - interval '1 s'
      where payment_id = '${request.paymentId}'`);
    await settle(other);
    expect(await outcomesOf(rig.pool, request.paymentId)).toMatchObject([{ kind: 'APPROVED' }]);

    pause.resolve();
    await calling;
    expect(rig.toss.confirms(request.paymentKey)).toHaveLength(1);
    expect(await exceptionsOf(rig.pool, request.paymentId)).toEqual([]);
  });

  it('calls nobody when it wakes while another one has the attempt under a lease', async () => {
    const request = requested();
    const paused = rig.processor(
      {},
      {
        onClaimed: async ({ id }) => {
          await rig.pool.query(
            `update attempt set state = 'UNKNOWN', lease_owner = 'another',
               lease_until = now() + interval '1 hour' where id = $1`,
            [id],
          );
        },
      },
    );
    rig.toss.window(request);
    await receive(paused, request);
    await paused.dispatcher.runOnce();
    expect(rig.toss.confirms(request.paymentKey)).toEqual([]);
    expect(await attemptsOf(rig.pool, request.paymentId)).toMatchObject([{ state: 'UNKNOWN' }]);
  });

  it('sends nothing with too little of its lease left, and a later attempt is charged', async () => {
    const processor = rig.processor(
      {},
      {
        onClaimed: async ({ number, id }) => {
          if (number > 1) return;
          await rig.pool.query(
            `update attempt set lease_until = now() + interval '50 ms' where id = $1`,
            [id],
          );
        },
      },
    );
    const request = requested();
    rig.toss.window(request);
    await receive(processor, request);
    await processor.dispatcher.runOnce();
    expect(rig.toss.confirms(request.paymentKey)).toEqual([]);

    await settle(processor);
    const attempts = await attemptsOf(rig.pool, request.paymentId);
    expect(attempts.map(({ state, reached }) => [state, reached])).toEqual([
      ['NOT_SENT', false],
      ['APPROVED', true],
    ]);
  });

  it('is believed about a capture when its answer comes after its lease', async () => {
    const gate = Promise.withResolvers<void>();
    const late = rig.processor({ readTimeoutMs: 5_000 });
    const other = rig.processor();
    const request = requested();
    rig.toss.window({ ...request, script: [{ after: gate.promise, step: 'approve' }] });
    await receive(late, request);
    const calling = late.dispatcher.runOnce();
    await rig.toss.confirmed(request.paymentKey);
    await rig.pool.query(`update attempt set lease_until = now() - interval '1 s'
      where payment_id = '${request.paymentId}'`);
    expect(await sweepLeases(other.sweeper)).toBe(1);

    gate.resolve();
    await calling;
    expect(await attemptsOf(rig.pool, request.paymentId)).toMatchObject([{ state: 'APPROVED' }]);
    await settle(other);
    expect(rig.toss.confirms(request.paymentKey)).toHaveLength(1);
    const types = (await eventsOf(rig.pool, request.paymentId)).map(({ type }) => type);
    expect(types).toEqual(['payment.progressed', 'payment.completed']);
  });
});
