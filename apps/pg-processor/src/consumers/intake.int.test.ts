import { PoisonError } from '@mini-pg/messaging';
import { newId } from '@mini-pg/runtime';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  attemptsOf,
  createRig,
  eventOf,
  eventsOf,
  failureCodeOf,
  outcomesOf,
  type Rig,
  receive,
  requested,
} from '../../test/rig.ts';
import type { Deps } from '../deps.ts';
import { handleIntake } from './intake.ts';

let rig: Rig;
let processor: Deps;
beforeAll(async () => {
  rig = await createRig();
  processor = rig.processor();
});
beforeEach(() => rig.clear());
afterAll(() => rig.close());

describe('payment.requested', () => {
  it('delivered again, in one batch and in others, is one attempt', async () => {
    const request = requested();
    await receive(processor, request, request);
    await receive(processor, request);
    expect(await attemptsOf(rig.pool, request.paymentId)).toHaveLength(1);
    expect(await eventsOf(rig.pool, request.paymentId)).toEqual([]);
  });

  it('delivered to two instances at the same moment is one attempt', async () => {
    const other = rig.processor();
    const requests = Array.from({ length: 50 }, () => requested());
    await Promise.all([receive(processor, ...requests), receive(other, ...requests.toReversed())]);
    const { rows } = await rig.pool.query('select payment_id from attempt');
    expect(rows).toHaveLength(50);
  });

  it('delivered again while it is called starts no second call', async () => {
    const gate = Promise.withResolvers<void>();
    const slow = rig.processor({ readTimeoutMs: 5_000 });
    const request = requested();
    rig.toss.window({ ...request, script: [{ after: gate.promise, step: 'approve' }] });
    await receive(slow, request);
    const calling = slow.dispatcher.runOnce();
    await rig.toss.confirmed(request.paymentKey);
    await receive(processor, request);
    expect(await processor.dispatcher.runOnce()).toBe(0);
    gate.resolve();
    await calling;
    expect(rig.toss.confirms(request.paymentKey)).toHaveLength(1);
  });

  it.each(['approve', { refuse: 'REJECT_CARD_COMPANY', httpStatus: 403 }] as const)(
    'delivered after the outcome (%o) has it told again, byte by byte, under its event id',
    async (step) => {
      const request = requested();
      rig.toss.window({ ...request, script: [step] });
      await receive(processor, request);
      await processor.dispatcher.runOnce();
      const [outcome] = await outcomesOf(rig.pool, request.paymentId);
      await receive(processor, request);

      const { rows } = await rig.pool.query<{ event_id: string; topic: string; payload: string }>(
        'select event_id, topic, payload, headers, key from outbox order by seq',
      );
      const [first, again, ...others] = rows;
      expect(others).toEqual([]);
      expect(again).toEqual(first);
      expect(again?.event_id).toBe(outcome?.event_id);
      expect(rig.toss.confirms(request.paymentKey)).toHaveLength(1);
    },
  );

  it('for a PG that is off here fails at once, and is told again when it is delivered again', async () => {
    const request = requested({ pg: 'kakaopay' });
    await receive(processor, request);
    expect(await attemptsOf(rig.pool, request.paymentId)).toMatchObject([
      { state: 'NOT_SENT', pg_account_id: null },
    ]);
    expect(await failureCodeOf(rig.pool, request.paymentId)).toBe('CONFIG_ERROR');
    await receive(processor, request);
    const events = await eventsOf(rig.pool, request.paymentId);
    expect(events.map(({ type }) => type)).toEqual(['payment.failed', 'payment.failed']);
    expect(new Set(events.map(({ id }) => id)).size).toBe(1);
    expect(events[0]?.data).toMatchObject({ sequence: 1, pgAccountId: null });
  });

  it('with a source that was sealed for another payment is poison', async () => {
    const event = eventOf(requested());
    const moved = { ...event.event, data: { ...event.event.data, paymentId: newId() } };
    await expect(
      handleIntake(processor.intake, [{ ...event, event: moved }]),
    ).rejects.toBeInstanceOf(PoisonError);
    const { rows } = await rig.pool.query('select from attempt');
    expect(rows).toEqual([]);
  });

  it('keeps neither the paymentKey nor the customer in the clear', async () => {
    const request = requested();
    await receive(processor, request);
    const { rows } = await rig.pool.query('select attempt::text as text from attempt');
    expect(JSON.stringify(rows)).not.toContain(request.paymentKey);
  });
});

describe('merchant.updated', () => {
  const merchantId = newId();
  const update = (version: number, status: 'ACTIVE' | 'SUSPENDED') => ({
    ...eventOf(requested()),
    topic: 'merchant.updated' as const,
    event: {
      specversion: '1.0' as const,
      id: newId(),
      source: '/mini-pg/payment-api',
      type: 'merchant.updated' as const,
      time: new Date().toISOString(),
      subject: merchantId,
      dataschema: '/mini-pg/schemas/merchant.updated/1',
      data: {
        merchantId,
        name: 'A shop',
        status,
        terms: [
          {
            feePpm: 29_000,
            fixedFee: 0,
            vatMode: 'EXCLUSIVE' as const,
            payoutDays: 2,
            from: '2026-01-01',
          },
        ],
        version,
        updatedAt: new Date().toISOString(),
      },
    },
  });

  it('keeps the newest version, in whatever order they come', async () => {
    await handleIntake(processor.intake, [update(2, 'SUSPENDED'), update(1, 'ACTIVE')]);
    await handleIntake(processor.intake, [update(1, 'ACTIVE')]);
    const { rows } = await rig.pool.query('select status, version from merchant');
    expect(rows).toEqual([{ status: 'SUSPENDED', version: 2 }]);
  });
});
