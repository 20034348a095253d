import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { docker } from './docker.ts';
import { attachExternal } from './external.ts';
import { canUseDocker } from './picked-stack.ts';
import { outsideOf } from './postgres-account.ts';
import { isAlive, type ProcessRecord, recordProcess, waitUntilGone } from './process-identity.ts';
import type { StackUrls } from './stack.ts';

/*
 * Every stack is started by a process of its own, which is then ended in one of the ways in which
 * processes end. What counts is what runs and lies about afterwards.
 */
const HOLD_STACK = fileURLToPath(new URL('../test/hold-stack.ts', import.meta.url));
const GONE_TIMEOUT_MS = 15_000;
/** Three servers start, and the daemon stops them, on a busy machine. */
const CONTAINERS_TIMEOUT_MS = 240_000;
const REMOVED_TIMEOUT_MS = 60_000;
const DOCKER_TIMEOUT_MS = 10_000;
/** Only Redis and Postgres, next to the Kafka of the test run: they start within a second. */
const QUICK = { own: ['postgres', 'redis'] };

type Told = StackUrls & { kind: string; pids: Record<string, number>; dataDir: string };
type Held = Omit<Told, 'pids'> & {
  owner: ChildProcess;
  servers: ProcessRecord[];
  stderr: () => string;
};

let dataDir: string;
let owners: ChildProcess[];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'local-stack-test-'));
  chmodSync(dataDir, 0o711);
  owners = [];
});

afterEach(async () => {
  for (const owner of owners) owner.stdin?.end();
  await Promise.all(owners.map(ended));
  const outside = outsideOf(join(dataDir, 'postgres'));
  if (outside) rmSync(outside, { recursive: true });
  rmSync(dataDir, { recursive: true, force: true });
});

describe('a native stack', () => {
  it('leaves no process and no folder behind when its owner is killed', async () => {
    const { owner, servers, dataDir: ephemeral } = await holdStack({}, { STACK: 'native' });
    expect(servers).toHaveLength(3);
    expect(existsSync(ephemeral)).toBe(true);

    owner.kill('SIGKILL');

    expect(await waitUntilGone(servers, GONE_TIMEOUT_MS)).toBe(true);
    await expect.poll(() => existsSync(ephemeral), { timeout: GONE_TIMEOUT_MS }).toBe(false);
  });

  it('ends with its owner when the owner ends in order', async () => {
    const { owner, servers } = await holdStack(QUICK);
    owner.stdin?.end();
    expect(await ended(owner)).toBe(0);
    expect(servers.filter(isAlive)).toEqual([]);
  });

  it('ends when its guardian is killed', async () => {
    const { servers } = await holdStack({ ...QUICK, dataDir });
    process.kill(guardianOf(dataDir).pid, 'SIGKILL');
    expect(await waitUntilGone(servers, GONE_TIMEOUT_MS)).toBe(true);
  });
});

describe.runIf(canUseDocker('a stack of containers'))('a stack of containers', () => {
  it(
    'answers, and leaves no container behind when its owner is killed',
    async () => {
      const stack = await holdStack({}, { STACK: 'docker' });
      expect(stack.kind).toBe('docker');
      const { postgresUrl, redisUrl, kafkaBrokers } = stack;
      const ports = [postgresUrl, redisUrl, `kafka://${kafkaBrokers}`].map(
        (url) => new URL(url).port,
      );
      expect(await attachExternal(urlVariables(stack))).toEqual({
        postgresUrl,
        redisUrl,
        kafkaBrokers,
      });
      expect(await publishersOf(ports)).toHaveLength(3);

      stack.owner.kill('SIGKILL');

      await expect.poll(() => publishersOf(ports), { timeout: REMOVED_TIMEOUT_MS }).toEqual([]);
    },
    CONTAINERS_TIMEOUT_MS,
  );

  it('leaves a server that a test asks for as its own a process', async () => {
    const { servers, kind } = await holdStack(
      { own: ['redis', 'postgres', 'kafka'] },
      { STACK: 'docker' },
    );
    expect(kind).toBe('docker');
    expect(servers).toHaveLength(3);
  });
});

describe('a data folder', () => {
  it('is refused while another process runs a stack on it', async () => {
    const { owner } = await holdStack({ ...QUICK, dataDir });
    const refusal = await holdStack({ ...QUICK, dataDir }).catch((error: Error) => error.message);
    expect(refusal).toContain(`A stack is running on ${dataDir} already`);
    expect(refusal).toContain(`owned by process ${owner.pid}`);
  });

  it('is taken over after its owner and its guardian were killed, with what they left', async () => {
    const first = await holdStack({ ...QUICK, dataDir });
    // Paused, the owner cannot end the servers itself when the guardian goes.
    first.owner.kill('SIGSTOP');
    process.kill(guardianOf(dataDir).pid, 'SIGKILL');
    first.owner.kill('SIGKILL');
    await ended(first.owner);
    expect(first.servers.filter(isAlive)).toHaveLength(2);

    const second = await holdStack({ ...QUICK, dataDir });

    expect(first.servers.filter(isAlive)).toEqual([]);
    expect(second.stderr()).toContain('waiting for the processes of a dead owner:');
  });

  it('is taken over when a pid file of Postgres names some other process', async () => {
    const first = await holdStack({ ...QUICK, dataDir });
    first.owner.stdin?.end();
    await ended(first.owner);
    const pidFile = join(dataDir, 'postgres', 'cluster', 'postmaster.pid');
    writeFileSync(pidFile, `${process.pid}\n${join(dataDir, 'postgres', 'cluster')}\n`);

    const second = await holdStack({ ...QUICK, dataDir });

    expect(second.stderr()).toContain(
      `removed a stale pid file of Postgres (process ${process.pid})`,
    );
    expect(second.servers.filter(isAlive)).toHaveLength(2);
  });
});

// Only root runs Postgres as another user.
describe.runIf(process.getuid?.() === 0)('a data folder that other users cannot enter', () => {
  beforeEach(() => chmodSync(dataDir, 0o700));

  it('has the data of Postgres outside, until it is deleted itself', async () => {
    const first = await holdStack({ ...QUICK, dataDir });
    const outside = readlinkSync(join(dataDir, 'postgres'));
    expect(outside).toMatch(/^\/var\/tmp\/mini-pg-data-/);
    first.owner.stdin?.end();
    await ended(first.owner);
    rmSync(dataDir, { recursive: true });
    mkdirSync(dataDir, { mode: 0o700 });

    const second = await holdStack({ ...QUICK, dataDir });

    expect(second.stderr()).toContain(`removed ${outside}, left by ${dataDir}/postgres`);
    expect(existsSync(outside)).toBe(false);
  });
});

async function holdStack(options: object, environment: Record<string, string> = {}): Promise<Held> {
  const owner = spawn(
    process.execPath,
    ['--conditions=source', HOLD_STACK, JSON.stringify(options)],
    {
      env: { ...process.env, STACK: 'external', ...environment },
    },
  );
  owners.push(owner);
  let stderr = '';
  owner.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  for await (const line of createInterface({ input: owner.stdout })) {
    const { pids, ...told }: Told = JSON.parse(line);
    const servers = Object.values(pids).map(recordProcess);
    return { ...told, owner, servers, stderr: () => stderr };
  }
  throw new Error(stderr);
}

function urlVariables({ postgresUrl, redisUrl, kafkaBrokers }: StackUrls): Record<string, string> {
  return {
    STACK_POSTGRES_URL: postgresUrl,
    STACK_REDIS_URL: redisUrl,
    STACK_KAFKA_BROKERS: kafkaBrokers,
  };
}

/** The ids of the containers, in any state, that publish one of these ports. */
async function publishersOf(ports: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    ports.map((port) =>
      docker(['ps', '--all', '--quiet', '--filter', `publish=${port}`], DOCKER_TIMEOUT_MS),
    ),
  );
  return found.flatMap(({ output }) => output.split('\n').filter((id) => id !== ''));
}

function ended(owner: ChildProcess): Promise<number | null> {
  if (owner.exitCode !== null || owner.signalCode !== null) return Promise.resolve(owner.exitCode);
  return new Promise((resolve) => owner.once('exit', resolve));
}

function guardianOf(path: string): ProcessRecord {
  return JSON.parse(readFileSync(join(path, 'stack.json'), 'utf8')).processes.guardian;
}
