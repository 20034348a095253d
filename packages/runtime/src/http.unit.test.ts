import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Health } from './health.ts';
import { createHttpApp, PROBLEM_JSON } from './http.ts';
import { createLogger } from './logger.ts';
import { createRegistry } from './metrics.ts';
import { ProblemError } from './problem.ts';

let app: FastifyInstance;
let health: Health;

beforeEach(async () => {
  health = new Health();
  app = createHttpApp({
    logger: createLogger({ service: 'test', level: 'silent' }),
    registry: createRegistry('test'),
    health,
    bodyLimitBytes: 1_024,
  });
  app.get('/things/:id', async () => ({ ok: true }));
  app.post('/things', async (request) => request.body);
  app.get('/broken', async () => {
    throw new Error('select secret from vault where password = hunter2');
  });
  app.get('/busy', async () => {
    throw new ProblemError('OVERLOADED', { retryAfterSeconds: 3, extra: { queue: 7 } });
  });
  await app.ready();
});

afterEach(() => app.close());

const post = (payload: string, contentType = 'application/json') =>
  app.inject({ method: 'POST', url: '/things', payload, headers: { 'content-type': contentType } });

describe('an answer that is no success', () => {
  it('is a problem with a stable code and what to do', async () => {
    const answer = await app.inject('/busy');
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['retry-after']).toBe('3');
    expect(answer.json()).toMatchObject({ status: 503, code: 'OVERLOADED', queue: 7 });
    expect(answer.json().detail).toContain('Retry-After');
  });

  it('carries no inner text when it is our fault', async () => {
    const answer = await app.inject('/broken');
    expect(answer.statusCode).toBe(500);
    expect(answer.json()).toMatchObject({ code: 'INTERNAL' });
    expect(answer.payload).not.toMatch(/select|hunter2|at .*http/);
  });

  it.each([
    ['a body that is not JSON', () => post('{"a":'), 400, 'MALFORMED_REQUEST'],
    ['an empty body', () => post(''), 400, 'MALFORMED_REQUEST'],
    ['another media type', () => post('a=1', 'text/plain'), 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['a body too large', () => post(`"${'a'.repeat(2_000)}"`), 413, 'BODY_TOO_LARGE'],
    ['an unknown path', () => app.inject('/nothing'), 404, 'NOT_FOUND'],
    ['a poisoned prototype', () => post('{"__proto__":{"a":1}}'), 400, 'MALFORMED_REQUEST'],
  ])('says what was wrong with %s', async (_what, send, status, code) => {
    const answer = await send();
    expect(answer.statusCode).toBe(status);
    expect(answer.json()).toMatchObject({ status, code });
    expect(answer.headers['content-type']).toContain(PROBLEM_JSON);
  });

  it('names the methods that a path takes', async () => {
    const answer = await app.inject({ method: 'DELETE', url: '/things/1?a=b' });
    expect(answer.statusCode).toBe(405);
    expect(answer.json()).toMatchObject({ code: 'METHOD_NOT_ALLOWED' });
    expect(answer.headers.allow?.split(', ').sort()).toEqual(['GET', 'HEAD']);
  });
});

describe('the trace of a request', () => {
  it('goes on and is told in the answer', async () => {
    const traceId = 'c'.repeat(32);
    const headers = { traceparent: `00-${traceId}-${'d'.repeat(16)}-01` };
    const answer = await app.inject({ url: '/things/1', headers });
    expect(answer.headers['x-trace-id']).toBe(traceId);
  });
});

describe('health', () => {
  it('is ready while every check passes, and names the one that does not', async () => {
    let well = true;
    health.addReady('postgres', () => {
      if (!well) throw new Error('connection refused');
    });
    expect((await app.inject('/health/ready')).statusCode).toBe(200);
    well = false;
    const answer = await app.inject('/health/ready');
    expect(answer.statusCode).toBe(503);
    expect(answer.json()).toEqual({ ok: false, checks: { postgres: 'connection refused' } });
    expect((await app.inject('/health/live')).statusCode).toBe(200);
  });

  it('is not ready from the moment of the drain', async () => {
    health.drain();
    expect((await app.inject('/health/ready')).statusCode).toBe(503);
  });

  it('shows metrics', async () => {
    const answer = await app.inject('/metrics');
    expect(answer.payload).toContain('process_resident_memory_bytes');
  });
});
