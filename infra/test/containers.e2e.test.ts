import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { canUseDocker, docker, findFreePort } from '@mini-pg/local-stack';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { labelOf, projectOf } from '../lib/compose-project.ts';
import type { LocalSystem } from '../lib/local-system.ts';

/*
 * The commands as somebody types them where the system runs as containers, on a data folder of the
 * test's own. The tests follow one system from its start to its end.
 */
const COMMANDS = fileURLToPath(new URL('../commands/', import.meta.url));
/** Builds the images where they are not there yet. */
const UP_TIMEOUT_MS = 1_200_000;
const DOWN_TIMEOUT_MS = 240_000;
const LOOK_TIMEOUT_MS = 10_000;
const RUNNING_TIMEOUT_MS = 60_000;

type Result = { code: number | null; output: string };

let dataDir: string;

describe.runIf(canUseDocker('the commands on containers'))('the system of `up` by Docker', () => {
  beforeAll(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'containers-test-'));
  });

  afterAll(async () => {
    await command('down', ['--volumes']);
    rmSync(dataDir, { recursive: true, force: true });
  }, DOWN_TIMEOUT_MS);

  it('refuses a port that is asked for and taken, in one line', async () => {
    const { port } = new URL(process.env.STACK_REDIS_URL ?? '');
    const { code, output } = await command('up', [], { REDIS_PORT: port });
    expect(output).toMatch(new RegExp(`^up: REDIS_PORT=${port}: taken by another program`, 'm'));
    expect(code).toBe(1);
    expect(await left()).toEqual([]);
  });

  it(
    'is ready when the command ends, and says where everything is',
    async () => {
      const port = String(await findFreePort());
      const { code, output } = await command('up', ['--scale', 'pg-processor=2'], {
        PAYMENT_API_PORT: port,
      });
      expect({ code, output }).toMatchObject({ code: 0 });
      expect(output).toContain('stack: docker (STACK=docker)');
      const { api, merchants, adminToken, instances } = localFile();
      expect(api).toBe(`http://127.0.0.1:${port}`);
      expect((await fetch(`${api}/health/ready`)).status).toBe(200);
      expect(instances.map(({ name }) => name)).toEqual([
        'payment-api',
        'pg-processor',
        'pg-processor-2',
        'pg-simulator',
        'settlement-worker',
      ]);
      const headers = { authorization: `Bearer ${adminToken}` };
      for (const { id } of merchants) {
        const response = await fetch(`${api}/api/v1/admin/merchants/${id}`, { headers });
        expect(response.status).toBe(200);
      }
    },
    UP_TIMEOUT_MS,
  );

  it('is left alone by a second `up`', async () => {
    const before = localFile();
    const { code, output } = await command('up');
    expect(output).toContain('The system is up already.');
    expect(code).toBe(0);
    expect(localFile()).toEqual(before);
  });

  it('takes the commands of a system that is up', async () => {
    expect(await command('close', ['--date', '2026-01-01'])).toMatchObject({ code: 0 });
    expect(await command('close', ['--date', '2999-01-01'])).toMatchObject({ code: 2 });
    expect((await command('audit')).output).toMatch(/clean/);
    expect((await command('dead-letters', ['list'])).output).toBe('No dead letters.\n');
  });

  it('is shown by `status`, with what is down', async () => {
    const ready = await command('status');
    expect(ready.output).toMatch(/^pg-processor-2 +ready +- +127\.0\.0\.1:\d+$/m);
    expect(ready.output).toMatch(/^kafka +ready /m);
    expect(ready.code).toBe(0);

    await dockerOf('stop', 'redis');

    const { code, output } = await command('status');
    expect(output).toMatch(/^redis +down /m);
    expect(code).toBe(1);
  });

  it(
    'has its merchants again after `down` and `up`, and none after `down --volumes`',
    async () => {
      const { merchants, postgres } = localFile();
      const down = await command('down');
      expect(down.output).toContain('Its data stay in volumes of Docker');
      expect(down.code).toBe(0);
      expect(existsSync(join(dataDir, 'local.json'))).toBe(false);
      expect(await accepts(postgres)).toBe(false);
      expect((await command('up')).code).toBe(0);
      expect(localFile().merchants).toEqual(merchants);

      expect((await command('down', ['--volumes'])).code).toBe(0);

      expect(await left()).toEqual([]);
      expect((await command('down')).output).toBe('Nothing was up.\n');
    },
    UP_TIMEOUT_MS,
  );

  it(
    'leaves nothing when it is interrupted while it starts',
    async () => {
      const up = start('up');
      await expect
        .poll(async () => (await left()).length, { timeout: UP_TIMEOUT_MS })
        .toBeGreaterThan(0);
      up.child.kill('SIGINT');
      expect(await up.result).toMatchObject({ code: 130 });
      expect(await left()).toEqual([]);
      expect(existsSync(join(dataDir, 'local.json'))).toBe(false);
    },
    UP_TIMEOUT_MS,
  );
});

describe('a daemon that does not answer', () => {
  it('is named in one line, and nothing is started', async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'containers-test-'));
    const { code, output } = await command('up', [], { DOCKER_HOST: 'tcp://127.0.0.1:9' });
    rmSync(dataDir, { recursive: true });
    expect(output).toMatch(/^up: STACK=docker: [^\n]+ or use STACK=native[^\n]*\n$/);
    expect(code).toBe(1);
  });
});

/** Containers, networks and volumes of the project of `dataDir`. */
async function left(): Promise<string[]> {
  const filter = ['--quiet', '--filter', `label=${labelOf(projectOf(dataDir))}`];
  const lists = await Promise.all(
    [
      ['ps', '--all'],
      ['network', 'ls'],
      ['volume', 'ls'],
    ].map((list) => docker([...list, ...filter], LOOK_TIMEOUT_MS)),
  );
  return lists.flatMap(({ output }) => output.split('\n').filter((id) => id !== ''));
}

async function dockerOf(verb: string, service: string): Promise<void> {
  const { project = '' } = localFile().compose ?? {};
  const container = `${project}-${service}-1`;
  expect(await docker([verb, container], RUNNING_TIMEOUT_MS)).toMatchObject({ ok: true });
}

function accepts(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('close', () => socket.destroy()).unref();
  });
}

function localFile(): LocalSystem {
  return JSON.parse(readFileSync(join(dataDir, 'local.json'), 'utf8'));
}

function command(
  name: string,
  args: readonly string[] = [],
  variables: Record<string, string> = {},
): Promise<Result> {
  return start(name, args, variables).result;
}

function start(
  name: string,
  args: readonly string[] = [],
  variables: Record<string, string> = {},
): { child: ReturnType<typeof spawn>; result: Promise<Result> } {
  const entry = join(COMMANDS, `${name}.ts`);
  const child = spawn(process.execPath, ['--conditions=source', entry, ...args], {
    env: { ...process.env, STACK: 'docker', DATA_DIR: dataDir, ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
    });
  }
  const result = new Promise<Result>((resolve) =>
    child.once('close', (code) => resolve({ code, output })),
  );
  return { child, result };
}
