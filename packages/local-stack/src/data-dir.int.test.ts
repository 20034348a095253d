import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimDataDir, ownerOf, stopOwner } from './data-dir.ts';
import { type ProcessRecord, recordProcess } from './process-identity.ts';

let path: string;
let lines: string[];

const log = (line: string): void => {
  lines.push(line);
};

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'data-dir-test-'));
  lines = [];
});

afterEach(() => rmSync(path, { recursive: true }));

describe('a folder that nobody has claimed', () => {
  it('has an owner from the claim to the release', async () => {
    const dataDir = await claimDataDir(path, log);
    expect(ownerOf(path)).toEqual(recordProcess(process.pid));
    dataDir.release();
    expect(ownerOf(path)).toBeUndefined();
    expect(readdirSync(path)).toEqual([]);
  });

  it('goes to one of many that claim it at once', async () => {
    const claims = Array.from({ length: 8 }, () => claimDataDir(path, log));
    const results = await Promise.allSettled(claims);
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(readdirSync(path)).toEqual(['stack.json']);
  });

  it('has nothing to stop', async () => {
    expect(await stopOwner(path, log)).toBe(false);
  });
});

describe('a folder with a claim', () => {
  it('is refused while its owner lives', async () => {
    plantClaim(recordProcess(process.pid));
    await expect(claimDataDir(path, log)).rejects.toThrow(
      `A stack is running on ${path} already, owned by process ${process.pid}.`,
    );
  });

  it.each([
    ['is dead', deadProcess],
    [
      'has an id that belongs to a later process',
      () => ({ pid: process.pid, identity: 'earlier' }),
    ],
  ])('is taken over when its owner %s', async (_, owner) => {
    plantClaim(owner());
    await claimDataDir(path, log);
    expect(ownerOf(path)).toEqual(recordProcess(process.pid));
    expect(lines).toEqual([`removed a stale claim of process ${owner().pid}`]);
  });

  it('is taken over by one of many', async () => {
    plantClaim(deadProcess());
    const results = await Promise.allSettled(
      Array.from({ length: 8 }, () => claimDataDir(path, log)),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(readdirSync(path)).toEqual(['stack.json']);
  });

  it('is taken over when the claim cannot be read', async () => {
    writeFileSync(join(path, 'stack.json'), '{"owner":');
    await claimDataDir(path, log);
    expect(JSON.parse(readFileSync(join(path, 'stack.json'), 'utf8'))).toEqual({
      owner: recordProcess(process.pid),
      processes: {},
    });
  });
});

function plantClaim(owner: ProcessRecord): void {
  writeFileSync(join(path, 'stack.json'), JSON.stringify({ owner, processes: {} }));
}

const DEAD_PID = spawnSync(process.execPath, ['--version']).pid;

function deadProcess(): ProcessRecord {
  return { pid: DEAD_PID, identity: '1' };
}
