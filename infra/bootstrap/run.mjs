import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const TOOLS = join(ROOT, '.tools');

const PROGRESS_INTERVAL_MS = 10_000;
const LOG_LINES_IN_ERROR = 40;

/** Something is missing that only the person at the keyboard can mend; the message says how. */
export class SetupError extends Error {
  name = 'SetupError';
}

/**
 * Runs a program of the setup. Its output goes to a log under `.tools/`; the terminal gets a line
 * at the start, one every few seconds, and the end of the log when it fails.
 * @param {string} what what is done, as the beginning of a sentence
 * @param {string} program
 * @param {readonly string[]} args
 * @param {Record<string, string | undefined>} [environment] added to the one of this process
 */
export async function runStep(what, program, args, environment = {}) {
  mkdirSync(join(TOOLS, 'logs'), { recursive: true });
  const log = join(TOOLS, 'logs', `${what.replaceAll(/[^a-z0-9]+/gi, '-').toLowerCase()}.log`);
  const startedAt = performance.now();
  const elapsed = () => `${Math.round((performance.now() - startedAt) / 1000)} s`;
  console.log(`${what} ...`);
  const timer = setInterval(() => console.log(`${what} ... ${elapsed()}`), PROGRESS_INTERVAL_MS);
  const failure = await runLogged(program, args, environment, log);
  clearInterval(timer);
  if (failure === undefined) return console.log(`${what}: done in ${elapsed()}`);
  const tail = readFileSync(log, 'utf8')
    .trimEnd()
    .split('\n')
    .slice(-LOG_LINES_IN_ERROR)
    .join('\n');
  const command = [program, ...args].join(' ');
  throw new SetupError(
    `${tail}\n\n${what} failed (${failure}): ${command}\nIts whole output: ${log}`,
  );
}

const running = new Set();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, endSteps);

function endSteps(signal) {
  if (running.size === 0) return;
  for (const child of running) child.kill(signal);
  process.exit(1);
}

function runLogged(program, args, environment, log) {
  const output = openSync(log, 'w');
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: ROOT,
      env: { ...process.env, ...environment },
      stdio: ['ignore', output, output],
    });
    const end = (failure) => {
      running.delete(child);
      resolve(failure);
    };
    running.add(child);
    child.once('error', (error) => end(error.message));
    child.once('exit', (code, signal) => end(code === 0 ? undefined : `exit ${code ?? signal}`));
  });
}

/** Where a program is on the PATH, or undefined. */
export function findProgram(name) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** The name of a state: one hash over the contents of files and some words. */
export function stateOf(files, ...words) {
  const hash = createHash('sha256').update(JSON.stringify(words));
  for (const file of files) hash.update(`\0${file}\0`).update(readFileSync(file));
  return hash.digest('hex');
}

/** Whether a stamp holds this state: then what the state describes is in place. */
export function isStamped(name, state) {
  const file = join(TOOLS, 'stamps', name);
  return existsSync(file) && readFileSync(file, 'utf8') === state;
}

export function stamp(name, state) {
  const file = join(TOOLS, 'stamps', name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, state);
}
