import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import {
  isAlive,
  isRunning,
  processIdentity,
  recordProcess,
  runsWith,
} from './process-identity.ts';

/** The id of a process that has ended and was reaped. */
function deadPid(): number {
  return spawnSync(process.execPath, ['--version']).pid;
}

describe('the record of a process', () => {
  it('is of a live process while it runs', () => {
    const record = recordProcess(process.pid);
    expect(record).toEqual({ pid: process.pid, identity: processIdentity(process.pid) });
    expect(isAlive(record)).toBe(true);
  });

  it('is of a dead one when its id belongs to a later process', () => {
    expect(isAlive({ pid: process.pid, identity: 'another start' })).toBe(false);
  });

  it('is of a dead one when there is no such process', () => {
    const pid = deadPid();
    expect(isRunning(pid)).toBe(false);
    expect(isAlive(recordProcess(pid))).toBe(false);
  });
});

describe('the command line of a process', () => {
  it('tells whether it is the one that is meant', () => {
    expect(runsWith(process.ppid, 'node')).toBe(true);
    expect(runsWith(process.ppid, '/no/such/cluster')).toBe(false);
    expect(runsWith(deadPid(), '')).toBe(false);
  });
});
