import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const ORDER = 'order-0001';
const WAIT = { timeout: 10_000, interval: 20 };

let directory: string;
const processes: ChildProcess[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'simulator-'));
});

afterEach(async () => {
  for (const child of processes.splice(0)) await stop(child, 'SIGKILL');
  rmSync(directory, { recursive: true });
});

function run(environment: Record<string, string> = {}): ChildProcess {
  const child = spawn(process.execPath, [MAIN], {
    env: { PATH: process.env.PATH, LEDGER_FILE: join(directory, 'ledger.jsonl'), ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  processes.push(child);
  return child;
}

/** Starts the program and gives its URL once it says that it listens. */
async function start(): Promise<{ child: ChildProcess; url: string }> {
  const child = run();
  if (!child.stdout) throw new Error('no output');
  for await (const line of createInterface({ input: child.stdout })) {
    const { msg, port } = JSON.parse(line) as { msg: string; port: number };
    if (msg === 'listening') return { child, url: `http://127.0.0.1:${port}` };
  }
  throw new Error('the simulator ended before it listened');
}

async function stop(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  child.kill(signal);
  await once(child, 'exit');
  return child.exitCode;
}

async function post(url: string, body: object) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Basic ${btoa('test_sk_a:')}` },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, string> };
}

async function open(url: string, scenario: string): Promise<string> {
  const window = { orderId: ORDER, amount: 1000, scenario };
  return (await post(`${url}/_sim/toss/windows`, window)).body.paymentKey ?? '';
}

function confirm(url: string, paymentKey: string) {
  return post(`${url}/v1/payments/confirm`, { paymentKey, orderId: ORDER, amount: 1000 });
}

async function captured(url: string): Promise<string[]> {
  const answer = await fetch(`${url}/_sim/ledger`);
  const { data } = (await answer.json()) as { data: { pgPaymentId: string }[] };
  return data.map((row) => row.pgPaymentId);
}

async function waiting(url: string): Promise<string> {
  return (await fetch(`${url}/metrics`)).text();
}

describe('the simulator as a process', () => {
  it('keeps every capture that it answered, when it is killed', async () => {
    const { child, url } = await start();
    const keys = await Promise.all(Array.from({ length: 20 }, () => open(url, 'approve')));
    for (const key of keys) expect((await confirm(url, key)).status).toBe(200);
    await stop(child, 'SIGKILL');
    const again = await start();
    expect(await captured(again.url)).toEqual(keys);
  });

  it('drains on SIGTERM: what is accepted is done at once, what hangs is cut', async () => {
    const { child, url } = await start();
    const slow = await open(url, 'slow:60000');
    const late = await open(url, 'late:60000');
    const hanging = await open(url, 'hang');
    const slowAnswer = confirm(url, slow);
    const cut = [confirm(url, late), confirm(url, hanging)].map((answer) =>
      answer.catch(() => 'cut'),
    );
    await vi.waitFor(async () => {
      const metrics = await waiting(url);
      expect(metrics).toMatch(/simulator_waiting\{.*\} 2/);
      expect(metrics).toMatch(/simulator_hanging\{.*\} 1/);
    }, WAIT);
    expect(await stop(child, 'SIGTERM')).toBe(0);
    expect((await slowAnswer).status).toBe(200);
    expect(await Promise.all(cut)).toEqual(['cut', 'cut']);
    const again = await start();
    expect((await captured(again.url)).sort()).toEqual([slow, late].sort());
  });

  it('does not start in prod, and says every name that is wrong', async () => {
    const child = run({ APP_ENV: 'prod', IDEMPOTENCY_MAX: '-1' });
    let text = '';
    child.stderr?.on('data', (chunk) => {
      text += String(chunk);
    });
    await once(child, 'close');
    expect(child.exitCode).toBe(1);
    expect(text).toContain('config: APP_ENV: a simulator has no place in prod');
    expect(text).toContain('config: IDEMPOTENCY_MAX:');
  });
});
