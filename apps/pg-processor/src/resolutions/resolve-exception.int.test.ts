import { randomUUID } from 'node:crypto';
import type { OperatorRole } from '@mini-pg/runtime';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildAdminApp, readException, resolveAs } from '../../test/admin-calls.ts';
import type { CancelStep, FakePayment } from '../../test/fake-toss.ts';
import {
  attemptsOf,
  createRig,
  eventsOf,
  exceptionsOf,
  failureCodeOf,
  outcomesOf,
  type Requested,
  type Rig,
  receive,
  requested,
  settle,
} from '../../test/rig.ts';
import type { Deps } from '../deps.ts';

let rig: Rig;
let processor: Deps;
let app: FastifyInstance;
beforeAll(async () => {
  rig = await createRig();
  processor = rig.processor();
  app = await buildAdminApp(processor);
});
beforeEach(() => rig.clear());
afterAll(async () => {
  await app.close();
  await rig.close();
});

const resolve = (id: string, body: object, by: { name?: string; role?: OperatorRole } = {}) =>
  resolveAs(app, id, body, by);

const read = (id: string) => readException(app, id);

interface Stuck extends Requested {
  readonly window: FakePayment;
  readonly exceptionId: string;
}

async function exceptionIdOf({ paymentId }: Requested): Promise<string> {
  const { rows } = await rig.pool.query<{ id: string }>(
    'select id from exception where payment_id = $1 and resolved_at is null',
    [paymentId],
  );
  expect(rows).toHaveLength(1);
  return rows[0]?.id ?? '';
}

/** A payment that nobody knows the outcome of; the PG is silent until `show` says otherwise. */
async function unknown(
  over: Partial<FakePayment> = {},
): Promise<Stuck & { show: (wire: FakePayment['shown']) => void }> {
  const request = requested();
  const window = rig.toss.window({
    ...request,
    script: ['capture-then-500'],
    shown: (wire) => ({ ...wire, status: 'SOMETHING_NEW' }),
    ...over,
  });
  await receive(processor, request);
  await settle(processor);
  expect(await outcomesOf(rig.pool, request.paymentId)).toEqual([]);
  const exceptionId = await exceptionIdOf(request);
  const show = (shown: FakePayment['shown']) => Object.assign(window, { shown });
  return { ...request, window, exceptionId, show };
}

/** A payment that failed, whose capture was found late and not given back by the PG at first. */
async function lateCapture(cancelScript: CancelStep[]): Promise<Stuck> {
  const request = requested();
  let isHidden = true;
  const window = rig.toss.window({
    ...request,
    script: ['capture-then-reset'],
    cancelScript,
    shown: (wire) => (isHidden ? null : wire),
  });
  await receive(processor, request);
  await processor.dispatcher.runOnce();
  await rig.pool.query(`update attempt set deadline_at = now() - interval '1 hour'`);
  await settle(processor);
  expect(await failureCodeOf(rig.pool, request.paymentId)).toBe('NOT_FOUND');
  isHidden = false;
  await rig.pool.query('update attempt set next_follow_up_at = now()');
  await processor.followUp.runOnce();
  await settle(processor);
  return { ...request, window, exceptionId: await exceptionIdOf(request) };
}

const refusedOnce = (): CancelStep[] => [
  { refuse: 'NOT_CANCELABLE_PAYMENT', httpStatus: 403 },
  'done',
];

const nothingChanged = async ({ paymentId, exceptionId }: Stuck) => {
  expect(await read(exceptionId)).toMatchObject({ resolvedAt: null, actions: [] });
  expect(await outcomesOf(rig.pool, paymentId)).toEqual([]);
};

describe('write-off', () => {
  it('closes the exception with who, when and why, and leaves the money', async () => {
    const stuck = await lateCapture(refusedOnce());
    const before = rig.toss.calls.length;
    const answer = await resolve(stuck.exceptionId, { resolution: 'write-off', reason: ' T-1 ' });
    expect(answer.statusCode).toBe(200);
    expect(answer.json()).toMatchObject({
      resolvedAt: expect.any(String),
      resolvedBy: 'kim',
      resolvedAs: 'WRITE_OFF',
      resolution: 'T-1',
      actions: [{ operator: 'kim', action: 'WRITE_OFF', detail: { reason: 'T-1' } }],
    });
    expect(rig.toss.calls).toHaveLength(before);
    expect(stuck.window.cancels).toEqual([]);
  });

  it('makes a payment FAILED where the PG surely shows that nothing was captured', async () => {
    const stuck = await unknown();
    stuck.show((wire) => ({ ...wire, status: 'ABORTED', failure: { code: 'FDS_ERROR' } }));
    const body = { resolution: 'write-off', reason: 'T-2' };
    expect((await resolve(stuck.exceptionId, body)).statusCode).toBe(200);
    expect(await failureCodeOf(rig.pool, stuck.paymentId)).toBe('CARD_DECLINED');
    expect((await eventsOf(rig.pool, stuck.paymentId)).at(-1)?.type).toBe('payment.failed');
    expect(await read(stuck.exceptionId)).toMatchObject({ resolvedBy: 'kim', resolution: 'T-2' });
  });

  it('leaves a payment without an outcome where the PG does not say', async () => {
    const stuck = await unknown();
    const body = { resolution: 'write-off', reason: 'T-3' };
    expect((await resolve(stuck.exceptionId, body)).statusCode).toBe(200);
    expect(await outcomesOf(rig.pool, stuck.paymentId)).toEqual([]);
    expect(await attemptsOf(rig.pool, stuck.paymentId)).toMatchObject([{ state: 'UNKNOWN' }]);
  });
});

describe('approve', () => {
  it('makes the payment APPROVED by what the PG proves now', async () => {
    const stuck = await unknown();
    stuck.show((wire) => wire);
    const answer = await resolve(stuck.exceptionId, { resolution: 'approve', reason: 'T-4' });
    expect(answer.json()).toMatchObject({ resolvedBy: 'kim', resolvedAs: 'APPROVE' });
    expect(await outcomesOf(rig.pool, stuck.paymentId)).toMatchObject([{ kind: 'APPROVED' }]);
    const events = await eventsOf(rig.pool, stuck.paymentId);
    expect(events.filter(({ type }) => type === 'payment.completed')).toHaveLength(1);
    expect(rig.toss.confirms(stuck.paymentKey)).toHaveLength(1);
  });

  it.each([
    ['an unlisted status', (wire: object) => ({ ...wire, status: 'SOMETHING_NEW' })],
    ['another amount', (wire: object) => ({ ...wire, totalAmount: 14_999 })],
    ['no payment', () => null],
  ])('is refused with what the PG said for %s', async (_name, shown) => {
    const stuck = await unknown();
    stuck.show(shown);
    const answer = await resolve(stuck.exceptionId, { resolution: 'approve', reason: 'T-5' });
    expect(answer.statusCode).toBe(409);
    expect(answer.json()).toMatchObject({
      code: 'RESOLUTION_REFUSED',
      detail: expect.stringMatching(/proves no capture of ours: .*(SOMETHING_NEW|14999|NOT_FOUND)/),
    });
    await nothingChanged(stuck);
  });

  it('is refused where another transaction is meant', async () => {
    const stuck = await unknown();
    stuck.show((wire) => wire);
    const body = { resolution: 'approve', reason: 'T-6', pgTransactionId: 'tx-of-another' };
    const answer = await resolve(stuck.exceptionId, body);
    expect(answer.json().detail).toContain('not tx-of-another');
    await nothingChanged(stuck);
  });

  it('is refused where the transaction is that of another attempt', async () => {
    const stuck = await unknown();
    stuck.show((wire) => ({ ...wire, lastTransactionKey: stuck.window.transactionKey }));
    const other = requested();
    rig.toss.window(other);
    await receive(processor, other);
    await settle(processor);
    await rig.pool.query('update attempt set pg_transaction_id = $1 where payment_id = $2', [
      stuck.window.transactionKey,
      other.paymentId,
    ]);
    const answer = await resolve(stuck.exceptionId, { resolution: 'approve', reason: 'T-7' });
    expect(answer.statusCode).toBe(409);
    await nothingChanged(stuck);
  });

  it('is refused where the payment has its outcome', async () => {
    const stuck = await lateCapture(refusedOnce());
    const answer = await resolve(stuck.exceptionId, { resolution: 'approve', reason: 'T-8' });
    expect(answer.json()).toMatchObject({ detail: 'the payment has its outcome already' });
    expect(await failureCodeOf(rig.pool, stuck.paymentId)).toBe('NOT_FOUND');
  });
});

describe('cancel', () => {
  it('gives a late capture back by an attempt of its own, and closes when that is done', async () => {
    const stuck = await lateCapture(refusedOnce());
    const answer = await resolve(stuck.exceptionId, { resolution: 'cancel', reason: 'T-9' });
    expect(answer.statusCode).toBe(202);
    expect(answer.json()).toMatchObject({
      resolvedAt: null,
      actions: [{ operator: 'kim', action: 'CANCEL' }],
    });
    const again = await resolve(stuck.exceptionId, { resolution: 'cancel', reason: 'T-9' });
    expect(again.json().detail).toContain('is being given back');
    await settle(processor);
    expect(stuck.window.cancels).toMatchObject([{ cancelAmount: stuck.amount }]);
    expect(await attemptsOf(rig.pool, stuck.paymentId)).toMatchObject([
      { operation: 'APPROVE', state: 'REVERSED' },
      { operation: 'CANCEL', number: 1, state: 'DECLINED' },
      { operation: 'CANCEL', number: 2, state: 'APPROVED' },
    ]);
    expect(await read(stuck.exceptionId)).toMatchObject({
      resolvedBy: 'kim',
      resolvedAs: 'CANCEL',
      resolution: 'T-9',
    });
    expect((await rig.pool.query('select from source_claim')).rowCount).toBe(0);
  });

  it('of a payment without an outcome makes it FAILED, and gives the capture back', async () => {
    const stuck = await unknown();
    stuck.show((wire) => wire);
    const answer = await resolve(stuck.exceptionId, { resolution: 'cancel', reason: 'T-10' });
    expect(answer.statusCode).toBe(202);
    expect(await failureCodeOf(rig.pool, stuck.paymentId)).toBe('OUTCOME_UNKNOWN');
    await settle(processor);
    expect(stuck.window.cancels).toMatchObject([{ cancelAmount: stuck.amount }]);
    const types = (await eventsOf(rig.pool, stuck.paymentId)).map(({ type }) => type);
    expect(types.filter((type) => type !== 'payment.progressed')).toEqual([
      'payment.failed',
      'payment.reversed',
    ]);
    expect(await exceptionsOf(rig.pool, stuck.paymentId)).toMatchObject([
      { resolved_at: expect.any(Date) },
    ]);
    expect((await rig.pool.query('select from source_claim')).rowCount).toBe(0);
  });

  it('is refused where the payment is approved, with what to do instead', async () => {
    const request = requested();
    rig.toss.window(request);
    await receive(processor, request);
    await settle(processor);
    await rig.pool.query(
      `insert into exception (id, kind, payment_id, attempt_id, merchant_id, livemode, detail)
       select $1, 'CONFLICTING_RESULT', payment_id, id, merchant_id, livemode, '{}' from attempt`,
      [randomUUID()],
    );
    const exceptionId = await exceptionIdOf(request);
    const answer = await resolve(exceptionId, { resolution: 'cancel', reason: 'T-11' });
    expect(answer.statusCode).toBe(409);
    expect(answer.json().detail).toContain('through payment-api, as an operator (origin OPERATOR)');
    expect(await read(exceptionId)).toMatchObject({ resolvedAt: null, actions: [] });
    expect(rig.toss.cancels(request.paymentKey)).toEqual([]);
  });

  it('is refused where the transaction is that of another attempt', async () => {
    const stuck = await lateCapture(refusedOnce());
    const other = requested();
    rig.toss.window(other);
    await receive(processor, other);
    await settle(processor);
    await rig.pool.query('update attempt set pg_transaction_id = $1 where payment_id = $2', [
      stuck.window.transactionKey,
      other.paymentId,
    ]);
    const answer = await resolve(stuck.exceptionId, { resolution: 'cancel', reason: 'T-16' });
    expect(answer.json().detail).toContain('belongs to another attempt');
    await settle(processor);
    expect(stuck.window.cancels).toEqual([]);
    expect(await read(stuck.exceptionId)).toMatchObject({ resolvedAt: null, actions: [] });
  });

  it.each([
    ['less than was asked for', 14_999, 14_999],
    ['more than was asked for', 150_000, 150_000],
    ['what somebody else has left', 15_000, 11_000],
  ])('gives back %s, and the payment fails', async (_name, captured, balance) => {
    const stuck = await unknown();
    Object.assign(stuck.window, { amount: captured });
    if (balance < captured) rig.toss.cancelByHand(stuck.window, captured - balance);
    stuck.show((wire) => wire);
    const answer = await resolve(stuck.exceptionId, { resolution: 'cancel', reason: 'T-17' });
    expect(answer.statusCode).toBe(202);
    await settle(processor);
    expect(stuck.window.cancels.at(-1)).toMatchObject({ cancelAmount: balance });
    expect(stuck.window.status).toBe('CANCELED');
    expect(await failureCodeOf(rig.pool, stuck.paymentId)).toBe('OUTCOME_UNKNOWN');
    expect(await read(stuck.exceptionId)).toMatchObject({ resolvedAs: 'CANCEL' });
    expect((await rig.pool.query('select from source_claim')).rowCount).toBe(0);
  });

  it('of the rest finds its own cancel beside that of somebody else', async () => {
    const stuck = await unknown({ cancelScript: ['done-then-500'] });
    rig.toss.cancelByHand(stuck.window, 7_500);
    stuck.show((wire) => wire);
    await resolve(stuck.exceptionId, { resolution: 'cancel', reason: 'T-18' });
    await settle(processor);
    const [, own] = stuck.window.cancels;
    expect(await attemptsOf(rig.pool, stuck.paymentId)).toMatchObject([
      { operation: 'APPROVE', state: 'NOT_SENT' },
      { operation: 'CANCEL', state: 'APPROVED', pg_transaction_id: own?.transactionKey },
    ]);
  });

  it('of what is given back already makes no call', async () => {
    const stuck = await unknown();
    rig.toss.cancelByHand(stuck.window, stuck.amount);
    stuck.show((wire) => wire);
    const answer = await resolve(stuck.exceptionId, { resolution: 'cancel', reason: 'T-19' });
    expect(answer.statusCode).toBe(200);
    expect(rig.toss.cancels(stuck.paymentKey)).toEqual([]);
    expect(await failureCodeOf(rig.pool, stuck.paymentId)).toBe('OUTCOME_UNKNOWN');
  });

  it('is refused where the PG shows no capture of ours', async () => {
    const stuck = await unknown();
    const answer = await resolve(stuck.exceptionId, { resolution: 'cancel', reason: 'T-12' });
    expect(answer.json().detail).toContain('SOMETHING_NEW');
    await nothingChanged(stuck);
  });
});

describe('of two decisions', () => {
  it('the second is told who made the first, and changes nothing', async () => {
    const stuck = await lateCapture(refusedOnce());
    const body = { resolution: 'write-off', reason: 'T-13' };
    await resolve(stuck.exceptionId, body);
    const answer = await resolve(stuck.exceptionId, body, { name: 'lee', role: 'admin' });
    expect(answer.statusCode).toBe(409);
    expect(answer.json()).toMatchObject({
      code: 'EXCEPTION_RESOLVED',
      detail: expect.stringMatching(/^resolved already: WRITE_OFF by kim at 2\S+Z: T-13$/),
      resolvedBy: 'kim',
    });
    expect((await read(stuck.exceptionId)).actions).toHaveLength(1);
  });

  it.each([
    ['approve', 1],
    ['write-off', 0],
  ])('of one moment one counts: %s', async (resolution, outcomes) => {
    const stuck = await unknown();
    if (resolution === 'approve') stuck.show((wire) => wire);
    const names = ['kim', 'lee', 'park', 'choi'];
    const answers = await Promise.all(
      names.map((name) => resolve(stuck.exceptionId, { resolution, reason: 'T-14' }, { name })),
    );
    const codes = answers.map(({ statusCode }) => statusCode).sort();
    expect(codes).toEqual([200, 409, 409, 409]);
    expect((await read(stuck.exceptionId)).actions).toHaveLength(1);
    expect(await outcomesOf(rig.pool, stuck.paymentId)).toHaveLength(outcomes);
  });

  it('of one moment one starts the call that gives the money back', async () => {
    const stuck = await lateCapture(refusedOnce());
    const body = { resolution: 'cancel', reason: 'T-15' };
    const answers = await Promise.all(
      ['kim', 'lee', 'park'].map((name) => resolve(stuck.exceptionId, body, { name })),
    );
    expect(answers.map(({ statusCode }) => statusCode).sort()).toEqual([202, 409, 409]);
    await settle(processor);
    expect(stuck.window.cancels).toHaveLength(1);
  });
});

describe('a request that is wrong', () => {
  it.each([
    [{ resolution: 'cancel' }, '/reason'],
    [{ resolution: 'cancel', reason: '  ' }, '/reason'],
    [{ resolution: 'cancel', reason: 'x'.repeat(201) }, '/reason'],
    [{ resolution: 'forget', reason: 'x' }, '/resolution'],
    [{ resolution: 'cancel', reason: 'x', pgTransactionId: '' }, '/pgTransactionId'],
  ])('%j is 400 and points at the field', async (body, pointer) => {
    const answer = await resolve(randomUUID(), body);
    expect(answer.statusCode).toBe(400);
    expect(answer.json().errors).toMatchObject([{ pointer }]);
  });

  it('of no exception is 404, of no id 400, of one who may only look 403', async () => {
    const body = { resolution: 'cancel', reason: 'x' };
    expect((await resolve(randomUUID(), body)).statusCode).toBe(404);
    expect((await resolve('17', body)).json()).toMatchObject({ code: 'INVALID_ID' });
    const answer = await resolve(randomUUID(), body, { role: 'viewer' });
    expect(answer.json()).toMatchObject({ code: 'FORBIDDEN' });
  });
});
