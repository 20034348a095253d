import { NetCancelPg } from '@mini-pg/pg-adapters/testing/net-cancel';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildAdminApp, readException, resolveAs } from '../../test/admin-calls.ts';
import type { CancelStep, FakePayment } from '../../test/fake-toss.ts';
import { netCancelGateways } from '../../test/net-cancel-gateways.ts';
import {
  attemptsOf,
  cancelOf,
  createRig,
  type Requested,
  type Rig,
  receive,
  receiveCancels,
  requested,
  settle,
} from '../../test/rig.ts';
import { EXCEPTION_KINDS, type ExceptionKind } from '../decisions/decision.ts';
import type { Deps } from '../deps.ts';
import { RESOLUTIONS, type Resolution } from './resolution.ts';

let rig: Rig;
let pg: NetCancelPg;
let processor: Deps;
let netCancelling: Deps;
const apps: FastifyInstance[] = [];
beforeAll(async () => {
  rig = await createRig();
  pg = await new NetCancelPg().start();
  processor = rig.processor();
  netCancelling = rig.processor({}, { gateways: netCancelGateways(pg) });
  apps.push(await buildAdminApp(processor), await buildAdminApp(netCancelling));
});
beforeEach(() => rig.clear());
afterAll(async () => {
  for (const app of apps) await app.close();
  await rig.close();
  await pg.close();
});

/** Every attempt that an exception can be of. */
const SUBJECTS = [
  'APPROVE UNKNOWN',
  'APPROVE NOT_SENT',
  'NET_CANCEL UNKNOWN',
  'REVERSAL UNKNOWN',
  'CANCEL UNKNOWN',
  'CANCEL DECLINED',
  'DEPOSIT_CANCEL UNKNOWN',
] as const;

type Subject = (typeof SUBJECTS)[number];

interface Stuck {
  readonly paymentId: string;
  /** The attempt that the exception is of. */
  readonly attemptId: string;
  readonly deps: Deps;
  readonly app: FastifyInstance;
}

const MAKE: Readonly<Record<Subject, () => Promise<Requested>>> = {
  'APPROVE UNKNOWN': async () => {
    const request = requested();
    const hidden: FakePayment['shown'] = (wire) => ({ ...wire, status: 'SOMETHING_NEW' });
    const window = rig.toss.window({ ...request, script: ['capture-then-500'], shown: hidden });
    await receive(processor, request);
    await settle(processor);
    window.shown = (wire) => wire;
    return request;
  },
  'APPROVE NOT_SENT': () =>
    lateCapture([{ refuse: 'NOT_CANCELABLE_PAYMENT', httpStatus: 403 }, 'done']),
  'REVERSAL UNKNOWN': () => lateCapture(['reset']),
  'NET_CANCEL UNKNOWN': async () => {
    const request = requested({ pg: 'inicis' });
    const { paymentKey: tid, orderId: oid, amount: price } = request;
    const lost = { approveScript: ['capture-then-reset' as const], isHidden: true };
    const window = pg.window({ tid, oid, price, ...lost, netCancelScript: ['reset'] });
    await receive(netCancelling, request);
    await settle(netCancelling);
    window.isHidden = false;
    return request;
  },
  'CANCEL UNKNOWN': () => cancelled(['reset']),
  'CANCEL DECLINED': () => cancelled([{ refuse: 'ALREADY_CANCELED_PAYMENT' }]),
  'DEPOSIT_CANCEL UNKNOWN': async () => {
    const request = requested();
    const window = rig.toss.window({
      ...{ ...request, script: ['deposit'] },
      cancelScript: [{ refuse: 'NOT_CANCELABLE_PAYMENT', httpStatus: 403 }],
    });
    await receive(processor, request);
    await settle(processor);
    window.cancelScript = ['done'];
    return request;
  },
};

async function lateCapture(cancelScript: CancelStep[]): Promise<Requested> {
  const request = requested();
  let isHidden = true;
  const window = rig.toss.window({
    ...{ ...request, script: ['capture-then-reset'], cancelScript },
    shown: (wire) => (isHidden ? null : wire),
  });
  await receive(processor, request);
  await processor.dispatcher.runOnce();
  await passDeadlines();
  await settle(processor);
  isHidden = false;
  await rig.pool.query('update attempt set next_follow_up_at = now()');
  await processor.followUp.runOnce();
  await settle(processor);
  window.cancelScript = ['done'];
  return request;
}

/** A payment whose one cancel goes by a script, which is well again afterwards. */
async function cancelled(cancelScript: CancelStep[]): Promise<Requested> {
  const request = requested();
  const window = rig.toss.window({ ...request, cancelScript });
  await receive(processor, request);
  await settle(processor);
  await receiveCancels(processor, cancelOf(request, { amount: 4_000 }));
  await settle(processor);
  window.cancelScript = ['done'];
  return request;
}

/** Every call must have ended long ago. */
async function passDeadlines(): Promise<void> {
  await rig.pool.query(
    `update attempt set deadline_at = now() - interval '1 hour' where deadline_at is not null`,
  );
}

/** An exception of one kind, and no other of the payment, on the attempt that is meant. */
async function make(
  subject: Subject,
  kind: ExceptionKind,
): Promise<Stuck & { exceptionId: string }> {
  const { paymentId } = await MAKE[subject]();
  await passDeadlines();
  const [role = '', state] = subject.split(' ');
  const operation = role === 'REVERSAL' || role === 'DEPOSIT_CANCEL' ? 'CANCEL' : role;
  const attempts = await attemptsOf(rig.pool, paymentId);
  const attempt = attempts.findLast((one) => one.operation === operation && one.state === state);
  if (!attempt) throw new Error(`${subject} did not come about: ${JSON.stringify(attempts)}`);
  await rig.pool.query('delete from exception where attempt_id <> $1', [attempt.id]);
  const { rows } = await rig.pool.query<{ id: string }>(
    'update exception set kind = $2 where attempt_id = $1 returning id',
    [attempt.id, kind],
  );
  expect(rows).toHaveLength(1);
  const isNetCancel = subject === 'NET_CANCEL UNKNOWN';
  return {
    ...{ paymentId, attemptId: attempt.id, exceptionId: rows[0]?.id ?? '' },
    deps: isNetCancel ? netCancelling : processor,
    app: apps[isNetCancel ? 1 : 0] as FastifyInstance,
  };
}

/** What a command comes to: a status and how attempts then end, or a refusal in words. */
type Expected = readonly [status: 200 | 202, ends: readonly string[]] | RegExp;

const HAS_OUTCOME = /has its outcome already/;
const UNDONE_LATER = /may have left and still undo it/;
/** The tries before the one that the exception is of. */
const TRIED = ['NET_CANCEL NOT_SENT'];

const EXPECTED: Readonly<Record<Subject, Readonly<Record<Resolution, Expected>>>> = {
  'APPROVE UNKNOWN': {
    cancel: [202, ['APPROVE REVERSED', 'CANCEL APPROVED']],
    'write-off': [200, ['APPROVE UNKNOWN']],
    approve: [200, ['APPROVE APPROVED']],
  },
  'APPROVE NOT_SENT': {
    cancel: [202, ['APPROVE REVERSED', 'CANCEL DECLINED', 'CANCEL APPROVED']],
    'write-off': [200, ['APPROVE NOT_SENT', 'CANCEL DECLINED']],
    approve: HAS_OUTCOME,
  },
  'NET_CANCEL UNKNOWN': {
    cancel: [202, ['APPROVE REVERSED', 'CANCEL APPROVED', ...TRIED, 'NET_CANCEL DECLINED']],
    'write-off': [200, ['APPROVE UNKNOWN', ...TRIED, 'NET_CANCEL UNKNOWN']],
    approve: UNDONE_LATER,
  },
  'REVERSAL UNKNOWN': {
    cancel: [200, ['APPROVE REVERSED', 'CANCEL NOT_SENT', 'CANCEL APPROVED']],
    'write-off': [200, ['APPROVE NOT_SENT', 'CANCEL UNKNOWN']],
    approve: HAS_OUTCOME,
  },
  'CANCEL UNKNOWN': {
    cancel: [200, ['APPROVE APPROVED', 'CANCEL NOT_SENT', 'CANCEL APPROVED']],
    'write-off': [200, ['APPROVE APPROVED', 'CANCEL NOT_SENT']],
    approve: HAS_OUTCOME,
  },
  'CANCEL DECLINED': {
    cancel: /is over: settle it with the PG, then write it off/,
    'write-off': [200, ['APPROVE APPROVED', 'CANCEL DECLINED']],
    approve: HAS_OUTCOME,
  },
  'DEPOSIT_CANCEL UNKNOWN': {
    cancel: [200, ['APPROVE DECLINED', 'CANCEL NOT_SENT', 'CANCEL APPROVED']],
    'write-off': [200, ['APPROVE UNKNOWN', 'CANCEL NOT_SENT', 'CANCEL UNKNOWN']],
    approve: UNDONE_LATER,
  },
};

const OF_TWO_RESULTS: readonly ExceptionKind[] = ['CONFLICTING_RESULT', 'DUPLICATE_TRANSACTION'];

/** What tells of two results says nothing of a capture that would be ours to give back. */
function expectedOf(subject: Subject, kind: ExceptionKind, resolution: Resolution): Expected {
  const isOfMoney = ['APPROVE UNKNOWN', 'APPROVE NOT_SENT', 'NET_CANCEL UNKNOWN'].includes(subject);
  return resolution === 'cancel' && isOfMoney && OF_TWO_RESULTS.includes(kind)
    ? /tells of no capture of ours/
    : EXPECTED[subject][resolution];
}

const COMMANDS = Object.keys(RESOLUTIONS) as Resolution[];

const GRID = SUBJECTS.flatMap((subject) =>
  EXCEPTION_KINDS.flatMap((kind) => COMMANDS.map((command) => ({ subject, kind, command }))),
);

/** All that a decision may change. */
async function snapshot(paymentId: string): Promise<unknown> {
  const tables = ['attempt', 'cancel', 'outcome', 'exception', 'payment_result'];
  const rows = await Promise.all([
    ...tables.map((table) =>
      rig.pool.query(`select * from ${table} where payment_id = $1 order by 1`, [paymentId]),
    ),
    rig.pool.query('select * from operator_action order by id'),
    rig.pool.query('select * from source_claim'),
    rig.pool.query('select * from outbox order by seq'),
  ]);
  return rows.map((result) => result.rows);
}

/** How the attempts of a payment end; of tries that end alike, one stands for all. */
async function endsOf(paymentId: string): Promise<string[]> {
  const attempts = await attemptsOf(rig.pool, paymentId);
  return [...new Set(attempts.map(({ operation, state }) => `${operation} ${state}`))];
}

describe('an exception of every kind, by every command', () => {
  it.each(GRID)('$subject, $kind: $command', async ({ subject, kind, command }) => {
    const { exceptionId, paymentId, app, deps } = await make(subject, kind);
    const expected = expectedOf(subject, kind, command);
    const before = await snapshot(paymentId);
    const answer = await resolveAs(app, exceptionId, { resolution: command, reason: 'T-1' });
    if (expected instanceof RegExp) {
      expect(answer.json()).toMatchObject({
        code: 'RESOLUTION_REFUSED',
        detail: expect.stringMatching(expected),
      });
      expect(await snapshot(paymentId)).toEqual(before);
      return;
    }
    const [status, ends] = expected;
    expect(answer.statusCode, answer.body).toBe(status);
    const actions = [{ operator: 'kim', action: RESOLUTIONS[command], detail: { reason: 'T-1' } }];
    expect(await readException(app, exceptionId)).toMatchObject({ actions });
    await onceOnly(exceptionId, paymentId, app, command);
    await settle(deps);
    expect(await endsOf(paymentId)).toEqual(ends);
    expect(await readException(app, exceptionId)).toMatchObject({
      ...{ resolvedBy: 'kim', resolvedAs: RESOLUTIONS[command], resolution: 'T-1', actions },
    });
    await onceOnly(exceptionId, paymentId, app, command);
  });
});

/** What is decided says so, and stays as it is, whichever command follows. */
async function onceOnly(id: string, paymentId: string, app: FastifyInstance, command: Resolution) {
  const before = await snapshot(paymentId);
  for (const resolution of [command, ...COMMANDS.filter((other) => other !== command)]) {
    const again = await resolveAs(app, id, { resolution, reason: 'T-2' }, { name: 'lee' });
    expect(again.statusCode).toBe(409);
    expect(again.json().detail).toMatch(/^resolved already: \w+ by kim|is being given back/);
  }
  expect(await snapshot(paymentId)).toEqual(before);
}
