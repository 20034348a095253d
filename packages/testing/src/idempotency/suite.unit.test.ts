import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Fault, type OrderApi, startOrderApi } from '../../test/order-api.ts';
import { type PlanInput, planSchema } from './plan.ts';
import { type CaseResult, runSuite } from './run-suite.ts';

/** Each test plays hundreds of requests one after the other. */
vi.setConfig({ testTimeout: 60_000 });

let api: OrderApi | undefined;

afterEach(async () => {
  await api?.stop();
  api = undefined;
});

async function play(fault?: Fault, change: Partial<PlanInput> = {}): Promise<CaseResult[]> {
  const started = await startOrderApi(fault);
  api = started;
  const plan = planSchema.parse({ ...planFor(started), ...change });
  return runSuite(plan, {
    loseCache: async () => started.loseCache(),
    restoreCache: async () => {},
    expireCache: async (key) => started.expireCache(key),
  });
}

function planFor({ url, otherUrl }: OrderApi): PlanInput {
  return {
    baseUrl: url,
    otherInstance: otherUrl,
    request: {
      path: '/orders',
      headers: { 'x-tenant': 'a', 'x-item': '{{unique}}' },
      body: { item: '{{unique}}', amount: 10 },
    },
    otherBody: { amount: 11 },
    refusedBody: { amount: -1 },
    slow: { headers: { 'x-slow': 'yes' } },
    otherTenant: { headers: { 'x-tenant': 'b' } },
    otherRoute: {
      path: '/gifts',
      headers: { 'x-tenant': 'a' },
      body: { item: '{{unique}}', amount: 10 },
    },
    effects: {
      id: '/id',
      read: { path: '/orders?item={{unique}}', headers: { 'x-tenant': 'a' }, pointer: '/data' },
    },
    expect: {
      reused: { status: [422], code: 'KEY_REUSED' },
      replayHeader: { name: 'idempotent-replayed', value: 'true' },
    },
  };
}

function idsOf(results: readonly CaseResult[], verdict: CaseResult['verdict']): string[] {
  return results.filter((result) => result.verdict === verdict).map(({ id }) => id);
}

const MALFORMED = ['an-open-quote', 'empty-quotes', 'not-ascii', '1-000-characters'];
const RACES = ['while-running', 'concurrent-2', 'concurrent-10', 'concurrent-50'];
const ALL_WITH_A_REPEAT = [
  ...['key-bare', 'key-quoted', 'replay', 'other-body', 'reordered-body', ...RACES],
  ...['concurrent-two-instances', 'client-gone-in-body', 'other-tenant', 'other-route'],
  ...['cache-lost', 'cache-expired'],
];

/** Each fault, and all cases in which it shows. */
const CAUGHT: Record<Fault, readonly string[]> = {
  'needs no key': ['key-missing', 'key-empty'],
  'takes any key': MALFORMED.map((what) => `key-malformed-${what}`),
  'reads quotes as part of the key': ['key-bare'],
  'executes a replay': ALL_WITH_A_REPEAT,
  'renders a replay anew': ALL_WITH_A_REPEAT,
  'does not mark a replay': ALL_WITH_A_REPEAT,
  'ignores the body': ['other-body', 'while-running'],
  'compares bytes': ['reordered-body'],
  'burns the key of a refused request': ['mended-after-refusal'],
  'executes before it checks': ['refused-again', 'mended-after-refusal'],
  'looks before it locks': [...RACES, 'concurrent-two-instances', 'cache-lost'],
  'waits for the first request': ['while-running'],
  'keeps keys in an instance': ['concurrent-two-instances'],
  'forgets the key when the client goes': ['client-gone'],
  'executes half a body': ['client-gone-in-body'],
  'shares keys among tenants': ['other-tenant'],
  'shares keys among routes': ['other-route'],
  'keeps keys in the cache only': ['cache-lost'],
  'forgets the key when the cache expires': ['cache-expired'],
  'executes once more later': ['key-new'],
};

/** Whether a request was taken before its client went is for the machine to say. */
const MAY_SHOW: Partial<Record<Fault, readonly string[]>> = {
  'executes a replay': ['client-gone'],
  'renders a replay anew': ['client-gone'],
  'does not mark a replay': ['client-gone'],
  'looks before it locks': ['client-gone'],
};

describe('an API that keeps its word', () => {
  it('passes every case', async () => {
    const results = await play();
    expect(results.filter(({ verdict }) => verdict !== 'passed')).toEqual([]);
    expect(results.map(({ id }) => id).sort()).toEqual(
      [...new Set(Object.values(CAUGHT).flat())].sort(),
    );
  });

  it('says of each case what was expected and seen', async () => {
    const results = await play();
    expect(results.find(({ id }) => id === 'other-body')).toEqual({
      id: 'other-body',
      sent: 'the key with another body',
      expected: '200 or 201 or 202; 422 KEY_REUSED; the first answer again; 1 effect',
      seen: '201; 422 KEY_REUSED; the first answer again; 1 effect',
      verdict: 'passed',
    });
  });

  it('fails where another choice is expected of it', async () => {
    const results = await play(undefined, {
      expect: { bareKey: 'malformed', afterRefusal: 'kept', otherRoute: 'reused' },
    });
    expect(idsOf(results, 'failed')).toEqual(['key-bare', 'mended-after-refusal', 'other-route']);
  });

  it('is not held to what the plan has nothing for, or leaves out', async () => {
    const results = await play(undefined, {
      slow: undefined,
      otherTenant: undefined,
      leaveOut: { 'cache-lost': 'it has no cache' },
    });
    expect(idsOf(results, 'not run')).toEqual(['while-running', 'other-tenant']);
    expect(results.find(({ id }) => id === 'cache-lost')).toMatchObject({
      seen: 'it has no cache',
      verdict: 'left out',
    });
  });
});

describe('an API that', () => {
  it.each(Object.entries(CAUGHT))('%s is caught', async (fault, ids) => {
    const failed = idsOf(await play(fault as Fault), 'failed');
    const mayShow = MAY_SHOW[fault as Fault] ?? [];
    expect(failed.filter((id) => !mayShow.includes(id))).toEqual(ids);
  });
});

describe('a run that makes no sense', () => {
  it('ends when the first request is refused', async () => {
    await expect(play(undefined, { header: 'X-Other' })).rejects.toThrow(
      'the request of the plan is not taken: 400 KEY_MISSING; 0 effects',
    );
  });

  it('ends when nobody answers', async () => {
    const baseUrl = 'http://127.0.0.1:1';
    await expect(play(undefined, { baseUrl })).rejects.toThrow(
      /is not taken: .*ECONNREFUSED|bad port/,
    );
  });

  it('ends when a case that there is not is left out', async () => {
    await expect(play(undefined, { leaveOut: { 'key-old': 'no' } })).rejects.toThrow(
      /leaveOut: there is no case key-old: key-new, /,
    );
  });
});
