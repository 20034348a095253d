/**
 * Waits to be ended, and then removes the containers and networks that have the label of its first
 * argument, and with `--volumes` the volumes. It is a process of its own so that the guardian can
 * end it, whatever became of the one that started them.
 */
import { spawnSync } from 'node:child_process';

const STEP_TIMEOUT_MS = 25_000;
/** A daemon may still be making what a killed client has asked for. */
const ROUNDS_MAX = 3;

const [label, withVolumes] = process.argv.slice(2);
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, end);
// Something has to be waited for, or Node would end at once.
setInterval(() => {}, 2 ** 30);

function end(): void {
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const containers = list('ps', '--all', '--no-trunc');
    if (containers.length > 0) docker('rm', '--force', '--volumes', ...containers);
    const networks = list('network', 'ls');
    if (networks.length > 0) docker('network', 'rm', ...networks);
    const volumes = withVolumes ? list('volume', 'ls') : [];
    if (volumes.length > 0) docker('volume', 'rm', ...volumes);
    if (containers.length + networks.length + volumes.length === 0) break;
  }
  process.exit(0);
}

function list(...command: string[]): string[] {
  const ids = docker(...command, '--quiet', '--filter', `label=${label}`).split('\n');
  return ids.filter((id) => id !== '');
}

function docker(...args: string[]): string {
  const { stdout, stderr, status } = spawnSync('docker', args, {
    encoding: 'utf8',
    timeout: STEP_TIMEOUT_MS,
  });
  if (status !== 0) process.stderr.write(`docker ${args[0]}: ${stderr}\n`);
  return stdout ?? '';
}
