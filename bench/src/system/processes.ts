import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts processor time for programs in hundredths of a second, on every platform. */
const MICROS_PER_TICK = 10_000;

interface ProcessTimes {
  readonly parent: number;
  readonly ownTicks: number;
  /** Of children that have ended. */
  readonly endedTicks: number;
}

/** Processor time of a process so far, in microseconds; 0 when it is gone. */
export function cpuMicrosOf(pid: number): number {
  return (timesOf(pid)?.ownTicks ?? 0) * MICROS_PER_TICK;
}

/** The same with its children, also those that have ended: a Postgres with all its sessions. */
export function cpuMicrosOfTree(pid: number): number {
  const root = timesOf(pid);
  if (root === undefined) return 0;
  const children = allPids().flatMap((id) => {
    const times = timesOf(id);
    return times?.parent === pid ? [times.ownTicks] : [];
  });
  const ticks = children.reduce((sum, own) => sum + own, root.ownTicks + root.endedTicks);
  return ticks * MICROS_PER_TICK;
}

/** Memory that a process holds, in bytes; 0 when it is gone. */
export function residentBytesOf(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB/m.exec(read(pid, 'status'))?.[1];
  return Number(kibibytes ?? 0) * 1_024;
}

function allPids(): number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger);
}

/** See proc_pid_stat(5). The name, in brackets, may itself hold spaces and brackets. */
function timesOf(pid: number): ProcessTimes | undefined {
  const stat = read(pid, 'stat');
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [, parent, ...rest] = fields;
  const [userTicks, systemTicks, endedUserTicks, endedSystemTicks] = rest.slice(9);
  if (parent === undefined || endedSystemTicks === undefined) return undefined;
  return {
    parent,
    ownTicks: (userTicks ?? 0) + (systemTicks ?? 0),
    endedTicks: (endedUserTicks ?? 0) + endedSystemTicks,
  };
}

function read(pid: number, file: 'stat' | 'status'): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}
