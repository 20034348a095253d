import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Fault, type OrderApi, startOrderApi } from '../../test/order-api.ts';
import { runIdempotencyCommand } from './command.ts';

/** Each test plays hundreds of requests one after the other. */
vi.setConfig({ testTimeout: 60_000 });

const PLAN = {
  baseUrl: 'http://host.invalid',
  request: {
    path: '/orders',
    headers: { 'x-tenant': '{{env:TENANT}}' },
    body: { item: '{{unique}}', amount: 10 },
  },
  otherBody: { amount: 11 },
  effects: { id: '/id' },
  leaveOut: Object.fromEntries(
    ['refused-again', 'mended-after-refusal', 'while-running', 'concurrent-two-instances'].map(
      (id) => [id, 'not today'],
    ),
  ),
};

let folder: string;
let api: OrderApi | undefined;
let said: { log: string[]; error: string[] };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'idempotency-'));
  said = { log: [], error: [] };
});

afterEach(async () => {
  rmSync(folder, { recursive: true });
  await api?.stop();
  api = undefined;
});

function run(args: readonly string[], environment = { TENANT: 'a' }): Promise<number> {
  return runIdempotencyCommand(args, environment, {
    log: (line) => said.log.push(line),
    error: (line) => said.error.push(line),
  });
}

function planFile(plan: unknown): string {
  const file = join(folder, 'plan.json');
  writeFileSync(file, typeof plan === 'string' ? plan : JSON.stringify(plan));
  return file;
}

async function runAgainst(fault: Fault | undefined, change: object = {}): Promise<number> {
  api = await startOrderApi(fault);
  return run(['--plan', planFile({ ...PLAN, ...change }), '--base-url', api.url]);
}

describe('the command', () => {
  const program = (script: string) => ({ command: [process.execPath, '-e', script] });
  const more = {
    otherTenant: { headers: { 'x-tenant': 'b' } },
    otherRoute: { path: '/gifts', headers: { 'x-tenant': 'a' }, body: { item: 'x', amount: 1 } },
    hooks: {
      loseCache: program(''),
      expireCache: program('process.exit(+!process.env.IDEMPOTENCY_KEY)'),
    },
  };

  it('ends with 0 when every case passed or was left out', async () => {
    expect(await runAgainst(undefined, more)).toBe(0);
    expect(said.log.join('\n')).toContain('| `replay` | the same request 3 times more |');
    expect(said.log.at(-1)).toMatch(/21 passed, 0 failed, 0 not run, 4 left out$/);
  });

  it('ends with 1 when a case failed', async () => {
    expect(await runAgainst('compares bytes', more)).toBe(1);
    expect(said.log).toContainEqual(
      expect.stringMatching(/^FAIL {6}reordered-body: 201; 422 KEY_REUSED/),
    );
  });

  it('ends with 1 when a hook fails, and says which', async () => {
    expect(
      await runAgainst(undefined, { ...more, hooks: { loseCache: program('process.exit(7)') } }),
    ).toBe(1);
    expect(said.log).toContainEqual(
      expect.stringMatching(/^FAIL {6}cache-lost: loseCache: .* ended with 7$/),
    );
  });

  it('ends with 3 when none failed and some could not be run', async () => {
    expect(await runAgainst(undefined)).toBe(3);
    expect(said.log).toContain('not run   cache-lost: nobody gave a hook `loseCache`');
  });

  it('ends with 1 when there is no API', async () => {
    expect(await run(['--plan', planFile(PLAN), '--base-url', 'http://127.0.0.1:9'])).toBe(1);
    expect(said.error.join()).toMatch(/^idempotency: the request of the plan is not taken: /);
  });

  it('ends with 0 when asked for help', async () => {
    expect(await run(['--help'])).toBe(0);
    expect(said.log.join()).toMatch(/^Usage: /);
  });
});

describe('what somebody got wrong ends with 2 and says what:', () => {
  it.each<[string, () => string[], RegExp]>([
    ['no plan', () => [], /--plan FILE: say what to send/],
    ['an unknown option', () => ['--plans', 'x'], /Unknown option '--plans'/],
    ['a plan that is not there', () => ['--plan', join(folder, 'none')], /--plan .*none: ENOENT/],
    ['a plan that is not JSON', () => ['--plan', planFile('{')], /it is not JSON/],
    ['a plan that is a list', () => ['--plan', planFile([])], /expected object/],
    ['an unknown field', () => ['--plan', planFile({ ...PLAN, retries: 1 })], /"retries"/],
    ['no request', () => ['--plan', planFile({ ...PLAN, request: undefined })], /request/],
    [
      'nothing to count',
      () => ['--plan', planFile({ ...PLAN, effects: {} })],
      /must have id or read/,
    ],
    ['a base URL that is none', () => ['--plan', planFile(PLAN), '--base-url', 'here'], /baseUrl/],
    [
      'an unknown placeholder',
      () => ['--plan', planFile({ ...PLAN, otherBody: { item: '{{uniq}}' } })],
      /\{\{uniq\}\}: there are id, unique/,
    ],
    [
      'a variable that is not set',
      () => ['--plan', planFile({ ...PLAN, otherBody: { item: '{{env:NOT_SET}}' } })],
      /the environment has no NOT_SET/,
    ],
    [
      'an unknown case',
      () => ['--plan', planFile({ ...PLAN, leaveOut: { 'key-old': 'no' } })],
      /there is no case key-old/,
    ],
  ])('%s', async (_, args, message) => {
    expect(await run(args())).toBe(2);
    expect(said.error.join()).toMatch(message);
    expect(said.log).toEqual([]);
  });
});
