/** `npm run up` as processes of this machine, which a supervisor in the background runs. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StackChoice } from '@mini-pg/local-stack';
import { buildServices } from './build.ts';
import { DATA_DIR } from './local-system.ts';
import type { Scale } from './scale.ts';
import type { SupervisorMessage } from './supervisor.ts';

const SUPERVISOR = fileURLToPath(new URL('./supervisor.ts', import.meta.url));

/** What a supervisor is told, as JSON, by its argument. */
export type SupervisorOrder = { choice: StackChoice; scale: Scale };

/**
 * Starts the system in the background, and returns once it is ready.
 *
 * @throws Error with what kept it from that; then nothing is left
 */
export async function upAsProcesses(order: SupervisorOrder): Promise<void> {
  await buildServices();
  const supervisor = startSupervisor(order);
  const failure = await untilReady(supervisor);
  if (failure !== undefined) throw new Error(failure);
  supervisor.disconnect();
  supervisor.unref();
}

function startSupervisor(order: SupervisorOrder): ChildProcess {
  const logs = join(DATA_DIR, 'logs');
  mkdirSync(logs, { recursive: true });
  const output = openSync(join(logs, 'supervisor.log'), 'a');
  // Detached: in a session of its own it outlives this command and its terminal.
  return spawn(process.execPath, ['--conditions=source', SUPERVISOR, JSON.stringify(order)], {
    detached: true,
    stdio: ['ignore', output, output, 'ipc'],
  });
}

/** Shows how the start goes; resolves with what kept it from succeeding, if anything did. */
function untilReady(supervisor: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    supervisor.on('message', (message: SupervisorMessage) => {
      if ('line' in message) console.log(message.line);
      else resolve('failed' in message ? message.failed : undefined);
    });
    supervisor.once('exit', (code, signal) =>
      resolve(`The supervisor has ended (${code ?? signal}); see ${DATA_DIR}/logs/supervisor.log.`),
    );
  });
}
