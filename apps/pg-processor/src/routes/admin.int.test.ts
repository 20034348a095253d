import { generateKeyPairSync, randomUUID } from 'node:crypto';
import {
  OPERATOR_TOKEN_AUDIENCE,
  OPERATOR_TOKEN_ISSUER,
  type OperatorRole,
} from '@mini-pg/runtime';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { operatorToken } from '../../test/operator-token.ts';
import {
  cancelOf,
  createRig,
  type Requested,
  type Rig,
  receive,
  receiveCancels,
  requested,
  settle,
} from '../../test/rig.ts';
import { buildApp } from '../app.ts';
import { refreshGauges } from '../repairs/gauges.ts';

describe('the operators’ view', () => {
  const keys = generateKeyPairSync('ed25519');
  let rig: Rig;
  let app: FastifyInstance;
  let unknown: Requested;
  let approved: Requested;
  let metrics: () => Promise<string>;

  beforeAll(async () => {
    rig = await createRig();
    const deps = rig.processor();
    const config = { ...deps.config, OPERATOR_PUBLIC_KEY: keys.publicKey };
    app = await buildApp({ ...deps, config });
    unknown = requested();
    approved = requested();
    rig.toss.window({ ...unknown, script: [{ refuse: 'UNKNOWN_ERROR', httpStatus: 500 }] });
    rig.toss.window(approved);
    await receive(deps, unknown, approved);
    await settle(deps);
    await receiveCancels(deps, cancelOf(unknown), cancelOf(approved, { amount: 5_000 }));
    await settle(deps);
    await refreshGauges(deps.pool, deps.metrics);
    metrics = () => deps.registry.metrics();
  });

  afterAll(async () => {
    await app.close();
    await rig.close();
  });

  const token = (role: OperatorRole = 'viewer', over: object = {}) =>
    operatorToken(keys.privateKey, {
      sub: 'kim',
      role,
      iss: OPERATOR_TOKEN_ISSUER,
      aud: OPERATOR_TOKEN_AUDIENCE,
      exp: Math.floor(Date.now() / 1000) + 60,
      ...over,
    });

  const get = (url: string, authorization?: string) =>
    app.inject({ url, ...(authorization && { headers: { authorization } }) });

  it.each([
    ['without a token', undefined],
    ['with a merchant key', 'Bearer sk_live_0123456789'],
    ['with a token of another key', `Bearer ${'a'.repeat(10)}.${'b'.repeat(10)}.${'c'.repeat(10)}`],
  ])('is 401 %s', async (_name, authorization) => {
    for (const path of ['exceptions', 'attempts', 'cancels']) {
      const answer = await get(`/api/v1/admin/${path}`, authorization);
      expect(answer.statusCode).toBe(401);
      expect(answer.json()).toMatchObject({ code: 'UNAUTHORIZED' });
    }
  });

  it('is 401 with an expired token', async () => {
    const answer = await get('/api/v1/admin/exceptions', `Bearer ${token('admin', { exp: 1 })}`);
    expect(answer.statusCode).toBe(401);
  });

  it('lists open exceptions, newest first, in pages', async () => {
    const answer = await get('/api/v1/admin/exceptions?limit=1', `Bearer ${token()}`);
    expect(answer.statusCode).toBe(200);
    const { data, nextCursor } = answer.json();
    expect(data).toMatchObject([
      { kind: 'OUTCOME_UNKNOWN', paymentId: unknown.paymentId, resolvedAt: null },
    ]);
    const next = await get(
      `/api/v1/admin/exceptions?limit=1&cursor=${nextCursor}`,
      `Bearer ${token()}`,
    );
    expect(next.json()).toEqual({ data: [], nextCursor: null });
  });

  it.each([
    ['kind=MISMATCH', 0],
    ['kind=OUTCOME_UNKNOWN', 1],
    ['state=resolved', 0],
    ['state=all', 1],
    [`paymentId=${randomUUID()}`, 0],
  ])('lists exceptions by %s', async (query, count) => {
    const answer = await get(`/api/v1/admin/exceptions?${query}`, `Bearer ${token()}`);
    expect(answer.json().data).toHaveLength(count);
  });

  it('shows the attempts of a payment, without what is sealed', async () => {
    const url = `/api/v1/admin/attempts?paymentId=${approved.paymentId}`;
    const answer = await get(url, `Bearer ${token()}`);
    expect(answer.json().data).toMatchObject([
      { operation: 'APPROVE', number: 1, state: 'APPROVED', amount: 15_000, pg: 'toss' },
      { operation: 'CANCEL', number: 1, state: 'APPROVED', cancelAmount: 5_000 },
    ]);
    expect(Object.keys(answer.json().data[0])).not.toContain('source');
  });

  it('shows the cancels of a payment', async () => {
    const cancels = async ({ paymentId }: Requested) =>
      (await get(`/api/v1/admin/cancels?paymentId=${paymentId}`, `Bearer ${token()}`)).json().data;
    expect(await cancels(unknown)).toMatchObject([{ state: 'WAITING', amount: null }]);
    expect(await cancels(approved)).toMatchObject([
      { state: 'DONE', amount: 5_000, remainingBefore: 15_000, remainingAfter: 10_000 },
    ]);
  });

  it.each([
    'attempts',
    'attempts?paymentId=x',
    'cancels',
    'exceptions?limit=0',
    'exceptions?kinds=x',
  ])('is 400 for %s', async (path) => {
    const answer = await get(`/api/v1/admin/${path}`, `Bearer ${token()}`);
    expect(answer.statusCode).toBe(400);
    expect(answer.json().errors).toHaveLength(1);
  });

  it('counts open exceptions and attempts for alerts', async () => {
    const text = await metrics();
    expect(text).toMatch(/open_exceptions\{kind="OUTCOME_UNKNOWN",[^}]*\} 1\n/);
    expect(text).toMatch(/open_exceptions\{kind="LATE_CAPTURE",[^}]*\} 0\n/);
    expect(text).toMatch(/open_attempts\{state="UNKNOWN",[^}]*\} 1\n/);
    expect(text).toMatch(/open_cancels\{state="WAITING",[^}]*\} 1\n/);
    expect(text).toMatch(/overdue_cancels\{state="WAITING",[^}]*\} 0\n/);
    expect(text).toMatch(/cancels_total\{state="DONE",[^}]*\} 1\n/);
    expect(text).toMatch(/pg_calls_total\{pg="toss",operation="APPROVE",result="PAID",[^}]*\} 1\n/);
  });

  it('serves health and metrics to anybody', async () => {
    expect((await get('/health/live')).statusCode).toBe(200);
    expect((await get('/metrics')).statusCode).toBe(200);
  });
});
