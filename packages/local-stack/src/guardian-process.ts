/**
 * The guardian: a small process that starts the servers and outlives its owner by the moment
 * that it takes to stop them. It holds the reading end of a pipe whose writing end only the owner
 * has, so any end of the owner, SIGKILL too, closes the pipe and stops everything. It runs in a
 * session of its own, where the terminal's Ctrl-C does not reach it or its children.
 *
 * Run by `startGuardian`; imports nothing but Node, so that it starts fast and from sources.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { GuardianCommand, GuardianEvent, ProcessSpec } from './guardian-protocol.ts';

/** The session, counted from the state, the first field after the name in parentheses. */
const PROC_SESSION_INDEX = 3;

/** Descriptors on which `startGuardian` passes the owner's output on. */
const OWNER_STDOUT = 3;
const OWNER_STDERR = 4;

/** How long a process may take to end in order once the owner is dead. */
const ORPHAN_PATIENCE_MS = 4_000;

type Guarded = { spec: ProcessSpec; child: ChildProcess; ended: Promise<void> };

const guarded = new Map<number, Guarded>();
const pathsToRemove: string[] = [];
let stopping = false;

function tell(event: GuardianEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

function obey(command: GuardianCommand): void {
  switch (command.do) {
    case 'spawn':
      run(command.id, command.spec);
      return;
    case 'signal':
      guarded.get(command.id)?.child.kill(command.signal);
      return;
    case 'stop':
      void stop(guarded.get(command.id));
      return;
    case 'stop-all':
      void stopAll();
      return;
    case 'remove-at-end':
      pathsToRemove.push(command.path);
      return;
    default:
      command satisfies never;
  }
}

function run(id: number, spec: ProcessSpec): void {
  const file = spec.output === 'owner' ? undefined : openSync(spec.output.file, 'a');
  const child = spawn(spec.command, spec.args, {
    cwd: spec.cwd,
    env: spec.env,
    ...spec.user,
    stdio: ['ignore', file ?? OWNER_STDOUT, file ?? OWNER_STDERR],
  });
  if (file !== undefined) closeSync(file);
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (child.pid !== undefined) return;
      guarded.delete(id);
      tell({ event: 'not-spawned', id, code: error.code ?? '', message: error.message });
      resolve();
    });
    child.once('exit', (code, signal) => {
      guarded.delete(id);
      tell({ event: 'exited', id, exit: { code, signal } });
      resolve();
    });
  });
  guarded.set(id, { spec, child, ended });
  if (child.pid !== undefined) tell({ event: 'spawned', id, pid: child.pid });
}

async function stop(one: Guarded | undefined, isOrphan = false): Promise<void> {
  if (!one) return;
  const { stopSignal, stopTimeoutMs, orphanTimeoutMs = ORPHAN_PATIENCE_MS } = one.spec;
  one.child.kill(stopSignal);
  const timer = setTimeout(
    () => one.child.kill('SIGKILL'),
    isOrphan ? Math.min(stopTimeoutMs, orphanTimeoutMs) : stopTimeoutMs,
  );
  await one.ended;
  clearTimeout(timer);
}

async function stopAll(areOrphans = false): Promise<void> {
  if (stopping) return;
  stopping = true;
  while (guarded.size > 0) {
    const running = [...guarded.values()];
    const stage = Math.max(...running.map((one) => one.spec.stage));
    const stagemates = running.filter((one) => one.spec.stage === stage);
    await Promise.all(stagemates.map((one) => stop(one, areOrphans)));
  }
  killSession();
  for (const path of pathsToRemove) rmSync(path, { recursive: true, force: true });
  process.exit(0);
}

/** A child that was killed cannot end its own children; they are in this session all the same. */
function killSession(): void {
  if (process.platform !== 'linux') return;
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!pid || pid === process.pid || sessionOf(pid) !== process.pid) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself in the meantime.
    }
  }
}

function sessionOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[PROC_SESSION_INDEX]);
  } catch {
    return undefined;
  }
}

// The owner may be gone while there is still something to tell.
process.stdout.on('error', () => {});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => stopAll());
}
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => {
  if (!stopping) obey(JSON.parse(line));
});
lines.on('close', () => stopAll(true));
