import { spawn } from 'node:child_process';
import { exchange } from './client.ts';
import type { HookPlan, Plan } from './plan.ts';

/** Makes something happen to the system of the API; throws when it did not. */
export type Hook = (key: string) => Promise<void>;

/**
 * What only the API's owner can make happen. `loseCache` takes away what it remembers outside of its
 * database, `restoreCache` brings an empty one back, `expireCache` lets run out what is remembered of
 * a key, as time would.
 */
export interface Hooks {
  readonly loseCache?: Hook;
  readonly restoreCache?: Hook;
  readonly expireCache?: Hook;
}

/** The hooks of a plan. A command finds the key of the case in `IDEMPOTENCY_KEY`, a call in its body. */
export function hooksOf({ hooks }: Plan): Hooks {
  const made = Object.entries(hooks).flatMap(([name, hook]) =>
    hook === undefined ? [] : [[name, hookOf(name, hook)]],
  );
  return Object.fromEntries(made);
}

const COMMAND_TIMEOUT_MS = 60_000;

function hookOf(name: string, hook: HookPlan): Hook {
  if ('command' in hook) return (key) => runCommand(name, hook.command, key);
  return async (key) => {
    const { url, method } = hook;
    const { status } = await exchange({ method, url, headers: {}, body: JSON.stringify({ key }) });
    if (status >= 300) throw new Error(`${name}: ${method} ${url} answered ${status}`);
  };
}

function runCommand(name: string, [program = '', ...args]: string[], key: string): Promise<void> {
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, IDEMPOTENCY_KEY: key },
    timeout: COMMAND_TIMEOUT_MS,
    killSignal: 'SIGKILL',
  });
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => reject(new Error(`${name}: ${cause.message}`, { cause })));
    child.once('close', (code, signal) =>
      code === 0
        ? resolve()
        : reject(new Error(`${name}: ${program} ended with ${code ?? signal}`)),
    );
  });
}
