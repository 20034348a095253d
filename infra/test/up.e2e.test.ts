import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isRunning } from '@mini-pg/local-stack';
import { createProducer } from '@mini-pg/messaging';
import { createLogger, createRegistry } from '@mini-pg/runtime';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LocalSystem } from '../lib/local-system.ts';

/*
 * The commands as somebody types them, on a data folder of the test's own. The tests follow one
 * system from its start to its end.
 */
const COMMANDS = fileURLToPath(new URL('../commands/', import.meta.url));
const GONE_TIMEOUT_MS = 20_000;
const LETTER_TIMEOUT_MS = 30_000;
const RESTART_TIMEOUT_MS = 30_000;

type Result = { code: number | null; output: string };

let dataDir: string;

beforeAll(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'up-test-'));
  // Open to pass through: under root, Postgres runs as another user.
  chmodSync(dataDir, 0o711);
});

afterAll(async () => {
  await command('down');
  rmSync(dataDir, { recursive: true, force: true });
});

describe('a scale that cannot be', () => {
  it.each([
    ['payments=2', 'there is no service "payments"'],
    ['payment-api=0', 'give payment-api=N'],
  ])('is refused before anything is started: %s', async (value, message) => {
    const { code, output } = await command('up', '--scale', value);
    expect(output).toContain(`up: --scale ${value}: ${message}`);
    expect(output.trimEnd()).not.toContain('\n');
    expect(code).toBe(2);
  });
});

describe('a system that is not up', () => {
  it.each(['status', 'close'])('is named by %s with the command that starts it', async (name) => {
    const { code, output } = await command(name, '--date', '2026-01-01');
    expect(output).toContain('Nothing is up. `npm run up` starts the system.');
    expect(code).toBe(1);
  });

  it('is nothing to stop, which is no error', async () => {
    expect(await command('down')).toEqual({ code: 0, output: 'Nothing was up.\n' });
  });
});

describe('the system of `up`', () => {
  it('is ready when the command ends, and says where everything is', async () => {
    const { code, output } = await command('up');
    expect({ code, output }).toMatchObject({ code: 0 });
    const { api, merchants, adminToken, pids } = localFile();
    expect(output).toContain(api);
    expect((await fetch(`${api}/health/ready`)).status).toBe(200);
    expect(Object.keys(pids).sort()).toEqual(
      'api kafka postgres processor redis settlement simulator supervisor'.split(' '),
    );
    const headers = { authorization: `Bearer ${adminToken}` };
    for (const { id } of merchants) {
      const response = await fetch(`${api}/api/v1/admin/merchants/${id}`, { headers });
      expect(response.status).toBe(200);
    }
  });

  it('keeps its secrets from other users', () => {
    for (const name of ['local.json', 'secrets.json', 'environments.json', 'postgres.password']) {
      expect(statSync(join(dataDir, name)).mode & 0o077, name).toBe(0);
    }
  });

  it('is left alone by a second `up`', async () => {
    const before = localFile();
    const { code, output } = await command('up');
    expect(output).toContain('The system is up already.');
    expect(code).toBe(0);
    expect(localFile()).toEqual(before);
  });

  it('is not scaled by a second `up`, which says so', async () => {
    const { code, output } = await command('up', '--scale', 'payment-api=2');
    expect(output).toContain('the system is up with payment-api=1: run `npm run down`');
    expect(code).toBe(1);
  });

  it('closes a day, and refuses one in the future', async () => {
    expect(await command('close', '--date', '2026-01-01')).toMatchObject({ code: 0 });
    expect(await command('close', '--date', '2999-01-01')).toMatchObject({ code: 2 });
  });

  it('keeps what a service gives up, and who discards it', async () => {
    const topic = 'payment.failed';
    await publish(localFile().kafka, topic, 'no event');
    await expect
      .poll(async () => (await command('dead-letters', 'list')).output, {
        timeout: LETTER_TIMEOUT_MS,
      })
      .toContain(`${topic}/`);
    const { output } = await command('dead-letters', 'list', '--topic', topic, '--json');
    const [{ id }] = JSON.parse(output);

    const discarded = await command('dead-letters', 'discard', id, '--reason', 'a test');

    expect(discarded.output).toContain('DISCARDED by local-admin: a test');
    expect(discarded.code).toBe(0);
    expect((await command('dead-letters', 'list')).output).toBe('No dead letters.\n');
  });

  it('starts a service again that was killed', async () => {
    const { api, pids } = localFile();
    process.kill(pids.api ?? 0, 'SIGKILL');
    await expect
      .poll(() => localFile().pids.api, { timeout: RESTART_TIMEOUT_MS })
      .not.toBe(pids.api);
    await expect
      .poll(async () => (await fetch(`${api}/health/ready`)).status, {
        timeout: RESTART_TIMEOUT_MS,
      })
      .toBe(200);
    await expect
      .poll(async () => (await command('status')).code, { timeout: RESTART_TIMEOUT_MS })
      .toBe(0);
  });

  it('leaves no process behind when its supervisor is killed', async () => {
    const pids = Object.values(localFile().pids);
    process.kill(localFile().pids.supervisor ?? 0, 'SIGKILL');
    await expect.poll(() => pids.filter(isRunning), { timeout: GONE_TIMEOUT_MS }).toEqual([]);
    expect((await command('status')).output).toContain('Nothing is up.');
  });

  it('has its merchants again after the next `up`, with two APIs if asked', async () => {
    const { merchants } = JSON.parse(readFileSync(join(dataDir, 'local.json'), 'utf8'));
    expect((await command('up', '--scale', 'payment-api=2')).code).toBe(0);
    expect(localFile().merchants).toEqual(merchants);
    const { instances, pids, api } = localFile();
    expect(instances.map(({ name }) => name)).toEqual([
      'payment-api',
      'payment-api-2',
      'pg-processor',
      'settlement-worker',
      'pg-simulator',
    ]);
    expect(instances[0]).toEqual({
      name: 'payment-api',
      service: 'payment-api',
      url: api,
      pid: pids.api,
    });
    const { output } = await command('status');
    for (const { name, pid } of instances) {
      expect(output).toMatch(new RegExp(`^${name} +ready +${pid} `, 'm'));
    }
  });

  it('starts a second instance again that was killed', async () => {
    const second = (): LocalSystem['instances'][number] | undefined => localFile().instances[1];
    const before = second();
    process.kill(before?.pid ?? 0, 'SIGKILL');
    await expect.poll(() => second()?.pid, { timeout: RESTART_TIMEOUT_MS }).not.toBe(before?.pid);
    await expect
      .poll(async () => (await command('status')).code, { timeout: RESTART_TIMEOUT_MS })
      .toBe(0);
    expect(second()?.url).toBe(before?.url);
  });

  it('leaves nothing after `down`', async () => {
    const { pids: firsts, instances } = localFile();
    const pids = [...Object.values(firsts), ...instances.flatMap(({ pid }) => pid ?? [])];

    expect(await command('down')).toMatchObject({ code: 0 });

    expect(pids.filter(isRunning)).toEqual([]);
    expect(existsSync(join(dataDir, 'local.json'))).toBe(false);
  });
});

function localFile(): LocalSystem {
  return JSON.parse(readFileSync(join(dataDir, 'local.json'), 'utf8'));
}

async function publish(brokers: string, topic: string, value: string): Promise<void> {
  const logger = createLogger({ service: 'test', level: 'silent' });
  const registry = createRegistry('test');
  const producer = await createProducer({ brokers, clientId: 'test', logger, registry });
  const results = await producer.publish([{ topic, key: 'k', value }]);
  await producer.stop();
  expect(results).toEqual([{ ok: true }]);
}

function command(name: string, ...args: string[]): Promise<Result> {
  const entry = join(COMMANDS, `${name}.ts`);
  const child = spawn(process.execPath, ['--conditions=source', entry, ...args], {
    env: { ...process.env, STACK: 'native', DATA_DIR: dataDir },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })));
}
