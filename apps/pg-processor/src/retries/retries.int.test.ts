import type { PgProfile } from '@mini-pg/runtime';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  attemptsOf,
  cancelOf,
  cancelsOf,
  createRig,
  exceptionsOf,
  failureCodeOf,
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

const FIRST_CALLS = 60;
const ROUNDS_MAX = 100;
const UNAVAILABLE = { refuse: 'MAINTAINED_METHOD', httpStatus: 503 };

/** No token comes but with first calls, so that a test knows how many there are. */
const scarce = (burst: number, shareOfFirstCalls = 0): Partial<PgProfile> => ({
  retries: { perSecond: 0, burst, shareOfFirstCalls },
});

let rig: Rig;
beforeAll(async () => {
  rig = await createRig();
});
beforeEach(() => {
  rig.toss.calls.length = 0;
  rig.toss.down = null;
  return rig.clear();
});
afterAll(() => rig.close());

const twoWorkers = (settings: Partial<PgProfile>): [Deps, Deps] => [
  rig.processor(settings),
  rig.processor(settings),
];

async function receiveMany(processor: Deps, count: number): Promise<Requested[]> {
  const requests = Array.from({ length: count }, () => requested());
  for (const request of requests) rig.toss.window({ ...request, script: [UNAVAILABLE] });
  await receive(processor, ...requests);
  return requests;
}

/** Both work at once until no attempt is open. */
async function comeToRest(workers: readonly Deps[]): Promise<void> {
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    await makeDue(rig.pool);
    await Promise.all(workers.map(({ dispatcher }) => dispatcher.runOnce()));
    await Promise.all(workers.map(({ inquirer }) => inquirer.runOnce()));
    const { rowCount } = await rig.pool.query(
      "select from attempt where state in ('READY', 'CALLING', 'UNKNOWN')",
    );
    if (rowCount === 0) return;
  }
  throw new Error(`attempts are open after ${ROUNDS_MAX} rounds`);
}

describe('an outage of a PG', () => {
  it.each([
    ['answers nothing but that it is unavailable', UNAVAILABLE],
    ['refuses to approve, and still answers inquiries', null],
  ])('that %s is not amplified', async (_name, down) => {
    const burst = 8;
    const workers = twoWorkers(scarce(burst, 0.1));
    rig.toss.down = down;
    const requests = await receiveMany(workers[0], FIRST_CALLS);
    await comeToRest(workers);

    const calls = rig.toss.calls.length;
    expect(calls).toBeGreaterThan(FIRST_CALLS);
    expect(calls).toBeLessThanOrEqual(FIRST_CALLS * 1.1 + burst);
    for (const { paymentId, paymentKey } of requests) {
      expect(rig.toss.confirms(paymentKey).length).toBeGreaterThan(0);
      expect(await failureCodeOf(rig.pool, paymentId)).toBe('PROVIDER_UNAVAILABLE');
      expect(await exceptionsOf(rig.pool, paymentId)).toEqual([]);
    }
  });

  it('delays no first call', async () => {
    const [processor] = twoWorkers(scarce(0));
    await receiveMany(processor, 10);
    await processor.dispatcher.runOnce();
    const request = requested();
    rig.toss.window(request);
    await receive(processor, request);
    await processor.dispatcher.runOnce();
    expect(await outcomesOf(rig.pool, request.paymentId)).toMatchObject([{ kind: 'APPROVED' }]);
  });

  it('holds up no cancel, though approvals want all that there is', async () => {
    const [processor, other] = twoWorkers(scarce(6));
    const paid = requested();
    rig.toss.window({ ...paid, cancelScript: [UNAVAILABLE, 'done'] });
    await receive(processor, paid);
    await processor.dispatcher.runOnce();
    await receiveMany(processor, 20);
    await comeToRest([processor, other]);
    await receiveCancels(processor, cancelOf(paid));
    await settle(processor);
    expect(rig.toss.cancels(paid.paymentKey)).toHaveLength(2);
    expect(await cancelsOf(rig.pool, paid.paymentId)).toMatchObject([{ state: 'DONE' }]);
  });
});

describe('a retry over the budget', () => {
  it('is one of exactly those that there are tokens for, whoever admits them', async () => {
    const workers = twoWorkers(scarce(12));
    await receiveMany(workers[0], 10);
    await workers[0].dispatcher.runOnce();
    rig.toss.calls.length = 0;
    await makeDue(rig.pool);
    await Promise.all(workers.map(({ inquirer }) => inquirer.runOnce()));
    expect(rig.toss.calls).toHaveLength(3);
    const { rows } = await rig.pool.query('select tokens from retry_budget where kind = $1', [
      'TOTAL',
    ]);
    expect(rows).toEqual([{ tokens: 6 }]);
  });

  it('is made of what first calls have earned, and no sooner', async () => {
    const [processor] = twoWorkers(scarce(4, 0.1));
    const inquiriesAfter = async (firstCalls: number): Promise<number> => {
      await receiveMany(processor, firstCalls);
      await processor.dispatcher.runOnce();
      rig.toss.calls.length = 0;
      await makeDue(rig.pool);
      await processor.inquirer.runOnce();
      return rig.toss.calls.length;
    };
    // The first takes what is above the reserve of half the burst.
    expect(await inquiriesAfter(1)).toBe(1);
    await rig.pool.query("update retry_budget set tokens = 0 where kind = 'TOTAL'");
    expect(await inquiriesAfter(20)).toBe(0);
    expect(await inquiriesAfter(20)).toBe(1);
  });

  it('waits, and is made once there is budget again', async () => {
    const [poor] = twoWorkers(scarce(0));
    const [request] = await receiveMany(poor, 1);
    if (!request) throw new Error('nothing was requested');
    rig.toss.window({ ...request, script: [UNAVAILABLE, 'approve'] });
    await poor.dispatcher.runOnce();
    for (let round = 0; round < 3; round += 1) {
      await makeDue(rig.pool);
      await poor.inquirer.runOnce();
    }
    expect(rig.toss.calls).toHaveLength(1);
    const [attempt] = await attemptsOf(rig.pool, request.paymentId);
    expect(attempt).toMatchObject({ state: 'UNKNOWN', denials: 3, inquiry_count: 0 });

    await rig.pool.query('truncate retry_budget');
    await settle(rig.processor());
    expect(await outcomesOf(rig.pool, request.paymentId)).toMatchObject([{ kind: 'APPROVED' }]);
  });

  it('is not made once the payment has expired: it fails of its last call', async () => {
    const [poor] = twoWorkers(scarce(100));
    const [request] = await receiveMany(poor, 1);
    if (!request) throw new Error('nothing was requested');
    await poor.dispatcher.runOnce();
    await rig.pool.query('update attempt set expires_at = now()');
    await makeDue(rig.pool);
    await poor.inquirer.runOnce();
    expect(rig.toss.calls).toHaveLength(1);
    expect(await failureCodeOf(rig.pool, request.paymentId)).toBe('PROVIDER_UNAVAILABLE');
    const [attempt] = await attemptsOf(rig.pool, request.paymentId);
    // The call had reached the PG, so a capture that should not be there would still be seen.
    expect(attempt).toMatchObject({ state: 'NOT_SENT', next_follow_up_at: expect.any(Date) });
  });
});
