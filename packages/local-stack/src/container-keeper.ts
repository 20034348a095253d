/**
 * Waits to be ended, and then removes the containers that have the label of its argument. It is a
 * process of its own so that the guardian can end it, whatever became of the one that started them.
 */
import { spawnSync } from 'node:child_process';

const STEP_TIMEOUT_MS = 25_000;

const [label] = process.argv.slice(2);
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, end);
// Something has to be waited for, or Node would end at once.
setInterval(() => {}, 2 ** 30);

function end(): void {
  const listed = docker('ps', '--all', '--quiet', '--no-trunc', '--filter', `label=${label}`);
  const ids = listed.split('\n').filter((id) => id !== '');
  if (ids.length > 0) docker('rm', '--force', '--volumes', ...ids);
  process.exit(0);
}

function docker(...args: string[]): string {
  const { stdout, stderr, status } = spawnSync('docker', args, {
    encoding: 'utf8',
    timeout: STEP_TIMEOUT_MS,
  });
  if (status !== 0) process.stderr.write(`docker ${args[0]}: ${stderr}\n`);
  return stdout ?? '';
}
