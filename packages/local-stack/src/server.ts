import { readFileSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GuardedProcess, Guardian } from './guardian.ts';
import type { ProcessSpec } from './guardian-protocol.ts';

const READY_TIMEOUT_MS = 60_000;
const READY_INTERVAL_MS = 25;
const LOG_LINES_IN_ERROR = 15;

/** A process with the way to tell that it is ready; see `startServer`. */
export type ServerPlan = {
  spec: ProcessSpec;
  /** Asked every few milliseconds. `logged` gives what the process has written since its start. */
  isReady(logged: () => string): boolean | Promise<boolean>;
  /** Clears away what an earlier, dead process of this server left behind. */
  beforeStart?(): void | Promise<void>;
  /** What to do when the program is not installed. */
  installHint?: string;
};

/** One server or service that can be stopped, killed and started again on the same port. */
export type Server = {
  readonly name: string;
  /** The id of its process; undefined while it is stopped. */
  readonly pid: number | undefined;
  start(): Promise<void>;
  /** An orderly stop. */
  stop(): Promise<void>;
  /** Sends a signal; after one that ends the process, resolves when it is gone. */
  kill(signal: NodeJS.Signals): Promise<void>;
};

export type ServerHooks = {
  onStart?(name: string, pid: number): void;
  /** Called when the process ends although nobody asked for it. */
  onCrash?(name: string): void;
};

const SIGNALS_THAT_PAUSE: readonly NodeJS.Signals[] = ['SIGSTOP', 'SIGCONT'];

/** Starts a server and waits until it is ready. */
export async function startServer(
  guardian: Guardian,
  plan: ServerPlan,
  hooks: ServerHooks = {},
): Promise<Server> {
  const server = createServer(guardian, plan, hooks);
  await server.start();
  return server;
}

function createServer(guardian: Guardian, plan: ServerPlan, hooks: ServerHooks): Server {
  const { name } = plan.spec;
  let running: GuardedProcess | undefined;
  return {
    name,
    get pid() {
      return running?.pid;
    },
    async start() {
      if (running) return;
      await plan.beforeStart?.();
      const logStart = fileSize(logFileOf(plan.spec));
      const started = await launch(guardian, plan);
      running = started;
      hooks.onStart?.(name, started.pid);
      void started.exited.then(() => {
        if (running !== started) return;
        running = undefined;
        hooks.onCrash?.(name);
      });
      await untilReady(plan, started, logStart);
    },
    async stop() {
      const ending = running;
      running = undefined;
      await ending?.stop();
    },
    async kill(signal) {
      const ending = running;
      ending?.signal(signal);
      if (SIGNALS_THAT_PAUSE.includes(signal)) return;
      running = undefined;
      await ending?.exited;
    },
  };
}

async function launch(guardian: Guardian, plan: ServerPlan): Promise<GuardedProcess> {
  try {
    return await guardian.run(plan.spec);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? `\`${plan.spec.command}\` is not installed` : message;
    const hint = plan.installHint ? `. ${plan.installHint}` : '';
    throw new Error(`Cannot start ${plan.spec.name}: ${reason}${hint}`, { cause: error });
  }
}

async function untilReady(
  plan: ServerPlan,
  started: GuardedProcess,
  logStart: number,
): Promise<void> {
  const { name } = plan.spec;
  const logFile = logFileOf(plan.spec);
  const logged = (): string => readFileSync(logFile).subarray(logStart).toString('utf8');
  const lastLines = (): string =>
    logged().trimEnd().split('\n').slice(-LOG_LINES_IN_ERROR).join('\n');
  let ended = false;
  void started.exited.then(() => {
    ended = true;
  });
  const deadline = performance.now() + READY_TIMEOUT_MS;
  while (!(await plan.isReady(logged))) {
    if (ended) {
      const reason = reasonIn(logged());
      if (reason !== undefined) throw new Error(`${name} ${reason}`);
      throw new Error(`${name} ended while it started (${logFile}):\n${lastLines()}`);
    }
    if (performance.now() > deadline) {
      await started.stop();
      throw new Error(
        `${name} was not ready in ${READY_TIMEOUT_MS} ms (${logFile}):\n${lastLines()}`,
      );
    }
    await sleep(READY_INTERVAL_MS);
  }
}

/** What our programs say, in one line each, when something keeps them from starting. */
const REASON = /^(?:cannot start|config): .+$/gm;

/** The reason that a program of ours gave for its end, if it gave one. */
export function reasonIn(output: string): string | undefined {
  return output.match(REASON)?.join('; ');
}

function logFileOf(spec: ProcessSpec): string {
  if (spec.output === 'owner') throw new Error(`${spec.name} needs a log file of its own.`);
  return spec.output.file;
}

function fileSize(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
