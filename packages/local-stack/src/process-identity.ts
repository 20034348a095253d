import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process that cannot be taken for a later one with the same id. */
export type ProcessRecord = { pid: number; identity: string };

const PROC_STATE_INDEX = 0;
const PROC_START_TIME_INDEX = 19;
const CHECK_INTERVAL_MS = 25;

/**
 * What tells this process from every other that ever has its id: the time of its start.
 * Undefined when there is no such process, or only its unreaped rest.
 */
export function processIdentity(pid: number): string | undefined {
  try {
    if (process.platform !== 'linux') {
      return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    }
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name before the last parenthesis may hold anything; the fields after it are plain.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[PROC_STATE_INDEX] === 'Z' ? undefined : fields[PROC_START_TIME_INDEX];
  } catch {
    return undefined;
  }
}

export function recordProcess(pid: number): ProcessRecord {
  return { pid, identity: processIdentity(pid) ?? 'gone' };
}

/** Whether there is a process with this id. */
export function isRunning(pid: number): boolean {
  return processIdentity(pid) !== undefined;
}

export function isAlive(record: ProcessRecord): boolean {
  return processIdentity(record.pid) === record.identity;
}

/** Whether a process with this id runs with `text` in its command line. */
export function runsWith(pid: number, text: string): boolean {
  try {
    const command =
      process.platform === 'linux'
        ? readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        : execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
    return command.includes(text);
  } catch {
    return false;
  }
}

/** Waits until none of the processes runs any more; false when the time is over first. */
export async function waitUntilGone(
  records: readonly ProcessRecord[],
  timeoutMs: number,
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  while (records.some(isAlive)) {
    if (performance.now() >= deadline) return false;
    await sleep(CHECK_INTERVAL_MS);
  }
  return true;
}

/** Sends a signal to the processes of `records` that still run, never to a later namesake. */
export function signalAll(records: readonly ProcessRecord[], signal: NodeJS.Signals): void {
  for (const record of records) {
    if (!isAlive(record)) continue;
    try {
      process.kill(record.pid, signal);
    } catch {
      // It ended between the check and the signal, which is what was wanted.
    }
  }
}
