import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  attemptsOf,
  createRig,
  eventsOf,
  outcomesOf,
  type Rig,
  receive,
  requested,
} from '../../test/rig.ts';

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
});
