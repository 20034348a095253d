import { execFile } from 'node:child_process';

const OUTPUT_MAX_BYTES = 4 * 1024 * 1024;

/**
 * How a call of Docker's command line went: what it wrote to its standard output and error; when it
 * failed, its last words.
 */
export type DockerResult =
  | { ok: true; output: string; errors: string }
  | { ok: false; reason: 'not installed' | 'no answer' | 'failed'; output: string };

/** Runs `docker` for at most `timeoutMs`, with the environment of this process unless one is given. */
export function docker(
  args: readonly string[],
  timeoutMs: number,
  env: NodeJS.ProcessEnv = process.env,
): Promise<DockerResult> {
  const options = {
    env,
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: OUTPUT_MAX_BYTES,
  } as const;
  return new Promise((resolve) => {
    execFile('docker', args, options, (error, stdout, stderr) => {
      if (!error) return resolve({ ok: true, output: stdout.trim(), errors: stderr.trim() });
      const lines = stderr.trim().split('\n');
      const output = lines.at(-1) ?? '';
      if (error.code === 'ENOENT') return resolve({ ok: false, reason: 'not installed', output });
      resolve({ ok: false, reason: error.killed ? 'no answer' : 'failed', output });
    });
  });
}

/** What the command line of Docker needs of this process's environment to find the same daemon. */
export function dockerEnvironment(): Record<string, string> {
  const names = Object.keys(process.env).filter((name) => /^(PATH|HOME|DOCKER_\w+)$/.test(name));
  return Object.fromEntries(names.map((name) => [name, process.env[name] ?? '']));
}
