/** Starts the whole system in the background, unless it is up already. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, openSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ownerOf } from '@mini-pg/local-stack';
import { buildServices } from '../lib/build.ts';
import {
  DATA_DIR,
  type LocalSystem,
  readLocalSystem,
  requireLocalSystem,
} from '../lib/local-system.ts';
import type { SupervisorMessage } from '../lib/supervisor.ts';

const SUPERVISOR = fileURLToPath(new URL('../lib/supervisor.ts', import.meta.url));

const local = readLocalSystem();
const owner = ownerOf(DATA_DIR);
if (local) {
  console.log('The system is up already.');
  showLinks(local);
} else if (owner) {
  console.error(
    `Process ${owner.pid} is using ${DATA_DIR}: it is starting or stopping. Try again.`,
  );
  process.exitCode = 1;
} else {
  process.exitCode = await bringUp();
}

async function bringUp(): Promise<number> {
  await buildServices();
  const supervisor = startSupervisor();
  const failure = await untilReady(supervisor);
  if (failure !== undefined) {
    console.error(failure);
    return 1;
  }
  supervisor.disconnect();
  supervisor.unref();
  console.log('The system is up.');
  showLinks(requireLocalSystem());
  return 0;
}

function startSupervisor(): ChildProcess {
  const logs = join(DATA_DIR, 'logs');
  mkdirSync(logs, { recursive: true });
  const output = openSync(join(logs, 'supervisor.log'), 'a');
  // Detached: in a session of its own it outlives this command and its terminal.
  return spawn(process.execPath, ['--conditions=source', SUPERVISOR], {
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

function showLinks(system: LocalSystem): void {
  const file = relative(process.cwd(), join(DATA_DIR, 'local.json'));
  console.log(`  API         ${system.api}  (Swagger UI: ${system.api}/docs)`);
  console.log(`  processor   ${system.processor}/health/ready`);
  console.log(`  settlement  ${system.settlement}/health/ready`);
  console.log(`  simulator   ${system.simulator}`);
  console.log(`  all of it   ${file}`);
  console.log('`npm run status` shows how it is, `npm run down` stops it.');
}
