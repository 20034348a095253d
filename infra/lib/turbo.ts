import { join } from 'node:path';
import { type Guardian, REPOSITORY_DIR } from '@mini-pg/local-stack';

const STOP_TIMEOUT_MS = 10_000;
/** Above the servers, so that on a stop the tests end before what they run against. */
const STAGE = 10;

/** Turbo's own doings off, and no colours where nobody sees them. */
const SETTINGS = {
  TURBO_TELEMETRY_DISABLED: '1',
  TURBO_NO_UPDATE_NOTIFIER: '1',
  ...(process.stdout.isTTY ? {} : { NO_COLOR: '1' }),
};

/**
 * Runs tasks by turbo with the output of this process, in plain lines.
 * It ends with this process, and so does everything that its tasks have started.
 * @returns its exit code
 */
export async function runTurbo(
  guardian: Guardian,
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<number> {
  const turbo = await guardian.run({
    name: 'turbo',
    command: join(REPOSITORY_DIR, 'node_modules', '.bin', 'turbo'),
    args: ['run', '--ui=stream', ...args],
    cwd: REPOSITORY_DIR,
    env: { ...inherited(), ...SETTINGS, ...environment },
    output: 'owner',
    stopSignal: 'SIGTERM',
    stopTimeoutMs: STOP_TIMEOUT_MS,
    stage: STAGE,
  });
  const { code } = await turbo.exited;
  return code ?? 1;
}

function inherited(): Record<string, string> {
  const entries = Object.entries(process.env);
  return Object.fromEntries(entries.flatMap(([name, value]) => (value ? [[name, value]] : [])));
}
