import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { extname } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type {
  GuardianCommand,
  GuardianEvent,
  ProcessExit,
  ProcessSpec,
} from './guardian-protocol.ts';
import { type ProcessRecord, recordProcess, signalAll, waitUntilGone } from './process-identity.ts';

/** How long all children together may take to end before they are killed from here. */
const STOP_ALL_TIMEOUT_MS = 60_000;
const KILLED_GONE_TIMEOUT_MS = 5_000;

/** A process that ends with its owner at the latest. */
export type GuardedProcess = {
  pid: number;
  exited: Promise<ProcessExit>;
  signal(signal: NodeJS.Signals): void;
  /** Asks for an orderly end, kills after the bound in its spec, resolves when it is gone. */
  stop(): Promise<ProcessExit>;
};

export type Guardian = {
  pid: number;
  /** Starts a process; rejects when its program cannot be started, with the reason as `code`. */
  run(spec: ProcessSpec): Promise<GuardedProcess>;
  /** Removes a folder once everything has ended, however that comes about. */
  removeAtEnd(path: string): void;
  /** Stops all processes and the guardian. Safe to call again. */
  stop(): Promise<void>;
};

type Waiting = {
  record: ProcessRecord | undefined;
  spawned: PromiseWithResolvers<GuardedProcess>;
  exited: PromiseWithResolvers<ProcessExit>;
};

/** Starts a guardian, see `guardian-process.ts`. `logFile` takes what it has to complain about. */
export function startGuardian(logFile: string): Guardian {
  const complaints = openSync(logFile, 'a');
  const entry = new URL(`./guardian-process${extname(import.meta.url)}`, import.meta.url);
  const child = spawn(process.execPath, [fileURLToPath(entry)], {
    detached: true,
    stdio: ['pipe', 'pipe', complaints, process.stdout.fd, process.stderr.fd],
    env: { PATH: process.env.PATH ?? '' },
  });
  closeSync(complaints);
  return ownGuardian(child);
}

function ownGuardian(child: ChildProcess): Guardian {
  const { stdin, stdout, pid } = child;
  if (!stdin || !stdout || pid === undefined) throw new Error('The guardian could not be started.');
  const processes = new Map<number, Waiting>();
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const send = (command: GuardianCommand): void => {
    stdin.write(`${JSON.stringify(command)}\n`);
  };
  // A dead guardian shows as the end of its process; a failed write adds nothing to that.
  stdin.on('error', () => {});
  createInterface({ input: stdout }).on('line', (line) => {
    hear(processes, send, JSON.parse(line));
  });
  let ended = false;
  void gone.then(() => {
    ended = true;
    abandon(processes);
  });

  let nextId = 1;
  return {
    pid,
    run(spec) {
      const id = nextId++;
      const waiting: Waiting = {
        record: undefined,
        spawned: Promise.withResolvers(),
        exited: Promise.withResolvers(),
      };
      processes.set(id, waiting);
      if (ended) abandon(processes);
      send({ do: 'spawn', id, spec });
      return waiting.spawned.promise;
    },
    removeAtEnd: (path) => send({ do: 'remove-at-end', path }),
    stop() {
      send({ do: 'stop-all' });
      return stopGuardian(child, gone, processes);
    },
  };
}

function hear(
  processes: Map<number, Waiting>,
  send: (command: GuardianCommand) => void,
  event: GuardianEvent,
): void {
  const waiting = processes.get(event.id);
  if (!waiting) return;
  if (event.event === 'spawned') {
    const { id, pid } = event;
    const exited = waiting.exited.promise;
    waiting.record = recordProcess(pid);
    waiting.spawned.resolve({
      pid,
      exited,
      signal: (signal) => send({ do: 'signal', id, signal }),
      stop: () => {
        send({ do: 'stop', id });
        return exited;
      },
    });
    return;
  }
  processes.delete(event.id);
  if (event.event === 'exited') waiting.exited.resolve(event.exit);
  else waiting.spawned.reject(Object.assign(new Error(event.message), { code: event.code }));
}

/** The guardian has ended: nothing may outlive it, and nobody may wait for its answers. */
function abandon(processes: Map<number, Waiting>): void {
  for (const waiting of processes.values()) {
    if (waiting.record) signalAll([waiting.record], 'SIGKILL');
    waiting.exited.resolve({ code: null, signal: 'SIGKILL' });
    waiting.spawned.reject(new Error('The guardian of the processes has ended.'));
  }
  processes.clear();
}

async function stopGuardian(
  child: ChildProcess,
  gone: Promise<void>,
  processes: Map<number, Waiting>,
): Promise<void> {
  const records = [...processes.values()].flatMap(({ record }) => (record ? [record] : []));
  child.stdin?.end();
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_ALL_TIMEOUT_MS);
  await gone;
  clearTimeout(timer);
  signalAll(records, 'SIGKILL');
  await waitUntilGone(records, KILLED_GONE_TIMEOUT_MS);
}
