import type { PgProfile } from '@mini-pg/runtime';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { attemptsOf, createRig, makeDue, type Rig, receive, requested } from '../../test/rig.ts';
import { createFirstCalls } from '../retries/first-calls.ts';
import { claimInquiries, startResend } from './claim-repairs.ts';

const TIMES = { leaseMs: 10_000, resendsMax: 3, pauseMs: 1_000 };

describe('the same bytes', () => {
  let rig: Rig;
  beforeAll(async () => {
    rig = await createRig();
  });
  beforeEach(() => rig.clear());
  afterAll(() => rig.close());

  /** An attempt whose call was cut, held for an inquiry. */
  const held = async (settings: Partial<PgProfile> = {}) => {
    const processor = rig.processor(settings);
    const request = requested();
    rig.toss.window({ ...request, script: ['reset'] });
    await receive(processor, request);
    await processor.dispatcher.runOnce();
    await makeDue(rig.pool);
    const { pool, gateways } = processor;
    const free = new Map([['toss', 1]] as const);
    const [attempt] = await claimInquiries({ pool, gateways, owner: 'me', free });
    if (!attempt) throw new Error('nothing was held');
    return { attempt, options: { ...TIMES, gateways, firstCalls: createFirstCalls() } };
  };

  it('may go again, which is noted before, with a new deadline', async () => {
    const { attempt, options } = await held();
    expect(await startResend(rig.pool, attempt, options)).toBeGreaterThan(9_000);
    expect(await attemptsOf(rig.pool, attempt.paymentId)).toMatchObject([
      { state: 'UNKNOWN', resend_count: 1, reached: true },
    ]);
  });

  it.each([
    ['an answer came in the meantime', 'answered = true'],
    ['another one holds the attempt', "lease_owner = 'another'"],
    ['the lease is over', "lease_until = now() - interval '1 s'"],
    ['they went as often as they may', 'resend_count = 3'],
    ['the call surely was not executed', 'not_executed = true'],
    ['the attempt is closed', "state = 'DECLINED', closed_at = now(), next_inquiry_at = null"],
  ])('may not go when %s', async (_name, what) => {
    const { attempt, options } = await held();
    await rig.pool.query(`update attempt set ${what}`);
    expect(await startResend(rig.pool, attempt, options)).toBeNull();
  });

  it('may not go beyond the budget of retries, and nothing is noted', async () => {
    const { attempt, options } = await held({
      retries: { shareOfFirstCalls: 0, perSecond: 0, burst: 0 },
    });
    expect(await startResend(rig.pool, attempt, options)).toBe('DENIED');
    expect(await attemptsOf(rig.pool, attempt.paymentId)).toMatchObject([{ resend_count: 0 }]);
  });
});
