import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { toolEnvironment } from './packages.mjs';
import { ROOT } from './run.mjs';

const COMMANDS_DIR = join(ROOT, 'infra', 'commands');
const FORWARDED_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
const PARENT_CHECK_INTERVAL_MS = 500;

/** Each file in `infra/commands` is a command of that name. */
export function knownCommands() {
  return readdirSync(COMMANDS_DIR)
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => name.slice(0, -'.ts'.length))
    .sort();
}

/** Runs a command in place of this process: its input and output, its signals, its exit code. */
export function dispatch(node, command, args) {
  const entry = join(COMMANDS_DIR, `${command}.ts`);
  const child = spawn(node.program, ['--conditions=source', entry, ...args], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, ...toolEnvironment(node) },
  });
  for (const signal of FORWARDED_SIGNALS) process.on(signal, () => child.kill(signal));
  followParent(child);
  child.once('error', (error) => {
    console.error(`${node.program} cannot be run: ${error.message}`);
    process.exit(1);
  });
  child.once('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

/**
 * npm passes signals on, but it cannot when it is killed itself; a shell passes on none. Then this
 * process gets another parent, and the command is asked to end. The command in turn sees its
 * channel to us close. Only for parents that wait: one that starts this in the background and
 * goes is no reason to end.
 */
function followParent(child) {
  if (!process.env.npm_lifecycle_event && !process.env.FOLLOW_PARENT) return;
  const parent = process.ppid;
  const check = () => process.ppid !== parent && child.kill('SIGTERM');
  setInterval(check, PARENT_CHECK_INTERVAL_MS).unref();
}
