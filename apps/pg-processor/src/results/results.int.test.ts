import { newId } from '@mini-pg/runtime';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { payment } from '../../test/answers.ts';
import {
  attemptsOf,
  createRig,
  eventsOf,
  exceptionsOf,
  outcomesOf,
  type Requested,
  type Rig,
  receive,
  requested,
} from '../../test/rig.ts';
import { claimAttempts } from '../calls/claim.ts';
import { type Decision, failureOf, wait } from '../decisions/decision.ts';
import type { Deps } from '../deps.ts';
import type { Verdict } from './verdict.ts';

const OWNER = 'test';
const DECLINED = failureOf('CARD_DECLINED', 'no');

let rig: Rig;
let processor: Deps;
beforeAll(async () => {
  rig = await createRig();
  processor = rig.processor();
});
beforeEach(() => rig.clear());
afterAll(() => rig.close());

function approve(pgTransactionId: string, over: object = {}): Decision {
  const approvedAt = '2026-03-02T01:00:00.000Z';
  return { kind: 'APPROVE', payment: { ...payment(over), pgTransactionId, approvedAt } };
}

interface Calling extends Requested {
  readonly attemptId: string;
}

/** Payments whose first attempt is in CALLING. */
async function calling(count: number): Promise<Calling[]> {
  const requests = Array.from({ length: count }, () => requested());
  await receive(processor, ...requests);
  const slots = [{ pg: 'toss' as const, free: count, leaseMs: 60_000 }];
  const { won } = await claimAttempts(processor.pool, slots, OWNER);
  return requests.map((request) => {
    const attempt = won.find(({ paymentId }) => paymentId === request.paymentId);
    return { ...request, attemptId: attempt?.id ?? '' };
  });
}

function verdict(of: Calling, decision: Decision, over: Partial<Verdict> = {}): Verdict {
  return {
    attemptId: of.attemptId,
    paymentId: of.paymentId,
    step: 'CALL',
    owner: OWNER,
    decision,
    reached: true,
    answered: true,
    evidence: { httpStatus: 200, pgTraceId: 'trace', pgStatus: 'DONE', pgCode: null },
    nextInquiryMs: 1_000,
    ...over,
  };
}

const typesOf = async ({ paymentId }: Requested): Promise<string[]> =>
  (await eventsOf(rig.pool, paymentId)).map(({ type }) => type);

describe('a result', () => {
  it('that is recorded twice changes and tells nothing the second time', async () => {
    const [one] = (await calling(1)) as [Calling];
    expect(await processor.results.record(verdict(one, approve('tx-1')))).toBe('APPLIED');
    expect(await processor.results.record(verdict(one, approve('tx-1')))).toBe('ALREADY_APPLIED');
    expect(await typesOf(one)).toEqual(['payment.completed']);
    expect(await exceptionsOf(rig.pool, one.paymentId)).toEqual([]);
  });

  it('that is recorded twice at the same moment is told once', async () => {
    const other = rig.processor();
    const payments = await calling(40);
    const twice = [processor, other].flatMap(({ results }) =>
      payments.map((one) => results.record(verdict(one, approve(`tx-${one.paymentId}`)))),
    );
    await Promise.all(twice);
    for (const one of payments) expect(await typesOf(one)).toEqual(['payment.completed']);
  });

  it('of one payment after the other in one batch is decided on what the one before left', async () => {
    const [one] = (await calling(1)) as [Calling];
    const recorded = await Promise.all([
      processor.results.record(verdict(one, wait('no answer'), { step: 'CALL' })),
      processor.results.record(verdict(one, approve('tx-1'), { step: 'INQUIRY', owner: 'else' })),
    ]);
    expect(recorded).toEqual(['APPLIED', 'APPLIED']);
    const events = await eventsOf(rig.pool, one.paymentId);
    expect(events.map(({ data }) => ('sequence' in data ? data.sequence : 0))).toEqual([1, 2, 3]);
  });

  it('of another owner than the one that called is not applied', async () => {
    const [one] = (await calling(1)) as [Calling];
    const foreign = verdict(one, approve('tx-1'), { owner: 'somebody' });
    expect(await processor.results.record(foreign)).toBe('SUPERSEDED');
    expect(await attemptsOf(rig.pool, one.paymentId)).toMatchObject([{ state: 'CALLING' }]);
  });
});

describe('a transaction of the PG that is seen twice', () => {
  it('approves one payment only; the other goes to a person', async () => {
    const [first, second] = (await calling(2)) as [Calling, Calling];
    await processor.results.record(verdict(first, approve('tx-same')));
    await processor.results.record(verdict(second, approve('tx-same')));
    expect(await attemptsOf(rig.pool, first.paymentId)).toMatchObject([{ state: 'APPROVED' }]);
    expect(await attemptsOf(rig.pool, second.paymentId)).toMatchObject([{ state: 'UNKNOWN' }]);
    expect(await exceptionsOf(rig.pool, second.paymentId)).toMatchObject([
      { kind: 'DUPLICATE_TRANSACTION' },
    ]);
    expect(await outcomesOf(rig.pool, second.paymentId)).toEqual([]);
  });

  it('in the middle of a batch leaves the others of the batch as they should be', async () => {
    const payments = await calling(9);
    const recorded = await Promise.all(
      payments.map((one, index) =>
        processor.results.record(verdict(one, approve(`tx-${index === 6 ? 2 : index}`))),
      ),
    );
    expect(recorded).toEqual(Array(9).fill('APPLIED'));
    const outcomes = await Promise.all(payments.map((one) => outcomesOf(rig.pool, one.paymentId)));
    expect(outcomes.map((rows) => rows.length)).toEqual([1, 1, 1, 1, 1, 1, 0, 1, 1]);
  });

  it('is another one in the other mode', async () => {
    const requests = [requested({ livemode: true }), requested({ livemode: false })];
    await receive(processor, ...requests);
    const slots = [{ pg: 'toss' as const, free: 2, leaseMs: 60_000 }];
    const { won } = await claimAttempts(processor.pool, slots, OWNER);
    for (const { id, paymentId } of won) {
      const of = { ...requested(), attemptId: id, paymentId };
      await processor.results.record(verdict(of, approve('tx-both')));
      expect(await outcomesOf(rig.pool, paymentId)).toMatchObject([{ kind: 'APPROVED' }]);
    }
  });
});

describe('a result that contradicts what is recorded', () => {
  it('as a capture after a decline is a late capture, and is given back', async () => {
    const [one] = (await calling(1)) as [Calling];
    await processor.results.record(verdict(one, { kind: 'DECLINE', failure: DECLINED }));
    await processor.results.record(verdict(one, approve('tx-1')));
    expect(await attemptsOf(rig.pool, one.paymentId)).toMatchObject([
      { operation: 'APPROVE', state: 'DECLINED' },
      { operation: 'CANCEL', state: 'READY' },
    ]);
    expect(await exceptionsOf(rig.pool, one.paymentId)).toMatchObject([{ kind: 'LATE_CAPTURE' }]);
    expect(await typesOf(one)).toEqual(['payment.failed', 'payment.progressed']);
  });

  it.each([
    ['a decline', { kind: 'DECLINE', failure: DECLINED }],
    ['another capture', approve('tx-2')],
  ] as const)('as %s after an approval goes to a person', async (_name, decision) => {
    const [one] = (await calling(1)) as [Calling];
    await processor.results.record(verdict(one, approve('tx-1')));
    await processor.results.record(verdict(one, decision));
    expect(await attemptsOf(rig.pool, one.paymentId)).toMatchObject([
      { state: 'APPROVED', pg_transaction_id: 'tx-1' },
    ]);
    expect(await exceptionsOf(rig.pool, one.paymentId)).toMatchObject([
      { kind: 'CONFLICTING_RESULT' },
    ]);
    expect(await outcomesOf(rig.pool, one.paymentId)).toHaveLength(1);
  });
});

describe('a verdict that cannot be recorded', () => {
  it('does not keep the others of its batch from being recorded', async () => {
    const [one, two] = (await calling(2)) as [Calling, Calling];
    const lost = { ...one, attemptId: newId(), paymentId: newId() };
    const recorded = await Promise.all([
      processor.results.record(verdict(one, approve('tx-1'))),
      processor.results.record(verdict(lost, approve('tx-2'))),
      processor.results.record(verdict(two, approve('tx-3'))),
    ]);
    expect(recorded).toEqual(['APPLIED', 'LOST', 'APPLIED']);
  });
});

describe('a connection that is lost while results are written', () => {
  it('leaves every result recorded once', async () => {
    const payments = await calling(60);
    const recording = Promise.all(
      payments.map((one) => processor.results.record(verdict(one, approve(`tx-${one.paymentId}`)))),
    );
    for (let kill = 0; kill < 5; kill += 1) {
      await rig.pool.query(`
        select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = 'pg-processor' and datname = current_database()`);
    }
    expect(new Set(await recording)).not.toContain('LOST');
    for (const one of payments) expect(await typesOf(one)).toEqual(['payment.completed']);
  });
});
